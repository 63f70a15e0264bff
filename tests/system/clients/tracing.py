"""A raw client that plays requests on a kernel and writes down all that comes back, made comparable.

It speaks the wire format by itself: no client library may hide a message, put one in order or mend it. Two traces of the same
scene, of two kernels, are to be equal message by message. Only this is touched, and why:
- ids (of messages, sessions, subshells, comms, the engine): random by design, each is named by the order of its first appearance;
- dates, process ids, memory addresses, the ports of the connection;
- the numbers of a usage reply, and of debugpy's replies; its events are left out, as a thread of its own sends them whenever it likes;
- where a stream was cut into messages, and which of two comes first: timers in ipykernel decide. Pieces with nothing but streams
  between them are joined, and such streams are put in the order of their names.

Not compared are the topics of iopub, by which a kernel routes: each names the kernel itself; and the `username` in the headers of
what a kernel sends, where ipykernel says "username".
"""

import json
import re
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tests.system.clients.wires import LIMIT_S, Wire, ZmqWire

SOCKETS = ("control", "shell", "stdin", "iopub")
"""In this order a trace is written, so that ids are named alike whatever came first over another socket."""

_IDS = re.compile(r"\b[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}\b|\b[0-9a-f]{8}-[0-9a-f]{24}\b|\b[0-9a-f]{32}\b")
_FIXED = (
    (re.compile(r'"(variablesReference|systemProcessId|threadId|port|seq)": \d+'), r'"\1": N'),
    (re.compile(r"\b0x[0-9a-f]{6,16}\b"), "0xADDRESS"),
    (re.compile(r"ipykernel_\d+"), "ipykernel_PID"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?"), "DATE"),
)


@dataclass(frozen=True)
class Message:
    """One message, as it came."""

    header: dict[str, Any]
    parent: dict[str, Any]
    metadata: dict[str, Any]
    content: dict[str, Any]
    buffers: list[bytes]

    @property
    def kind(self) -> str:
        """Its type."""
        return str(self.header["msg_type"])


@dataclass
class Player:
    """Sends what a scene wants sent, and keeps what comes.

    Args:
        wire: makes the way to the kernel, for a client of this session id.
        folder: that the kernel runs in.
        ours: whether the kernel is beaker; only for differences that are meant.
        info: of the connection, as in a connection file, if there is one.
    """

    wire: Callable[[str], Wire]
    folder: Path
    ours: bool
    info: dict[str, Any] = field(default_factory=dict[str, Any])
    requests: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    """The headers of what this scene has sent."""
    seen: dict[str, list[Message]] = field(default_factory=lambda: {name: [] for name in SOCKETS})

    def __post_init__(self) -> None:
        self._session = str(uuid.uuid4())
        self._wire = self.wire(self._session)

    def close(self) -> None:
        """Leave."""
        self._wire.close()

    def begin(self) -> None:
        """A scene begins: what was before it is forgotten."""
        self.requests.clear()
        for messages in self.seen.values():
            messages.clear()

    def send(
        self, kind: str, content: dict[str, Any], *, on: str = "shell", buffers: tuple[bytes, ...] = (), head: dict[str, Any] | None = None
    ) -> int:
        """Send a request; returns its place among those of the scene, by which the trace names it as a parent."""
        header = {"msg_id": str(uuid.uuid4()), "msg_type": kind, "session": self._session, "username": "ada"}
        header |= {"date": "2026-01-01T00:00:00.123456Z", "version": "5.4", **(head or {})}
        self.requests.append(header)
        self._send(on, header, {}, content, buffers)
        return len(self.requests) - 1

    def execute(self, code: str, **options: Any) -> int:
        """Send a cell."""
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": True, "stop_on_error": True}
        return self.send("execute_request", content | options)

    def answer(self, value: str) -> None:
        """Answer the input() that is open."""
        header = {"msg_id": str(uuid.uuid4()), "msg_type": "input_reply", "session": self._session, "username": "ada"}
        header |= {"date": "2026-01-01T00:00:00.123456Z", "version": "5.4"}
        self._send("stdin", header, self.seen["stdin"][-1].header, {"status": "ok", "value": value}, ())

    def _send(self, on: str, header: dict[str, Any], parent: dict[str, Any], content: dict[str, Any], buffers: tuple[bytes, ...]) -> None:
        parts = [json.dumps(part).encode() for part in (header, parent, {}, content)]
        self._wire.send(on, [*parts, *buffers])

    def settle(self, *places: int, replies: bool = True, limit_s: float = LIMIT_S) -> None:
        """Wait until these requests are idle and answered.

        Args:
            replies: whether there will be replies.

        Raises:
            TimeoutError: it took too long.
        """
        for place in places:
            wanted = self.requests[place]["msg_id"]
            self._until(("iopub",), partial(_is_idle_of, wanted), limit_s)
            if replies:
                self._until(("shell", "control"), partial(is_of, wanted), limit_s)

    def until(self, socket: str, wanted: Callable[[Message], bool]) -> Message:
        """Wait until such a message has come on this socket."""
        return self._until((socket,), wanted, LIMIT_S)

    def printed(self, text: str) -> None:
        """Wait until this was printed."""
        self.until("iopub", lambda m: m.kind == "stream" and text in m.content["text"])

    def first_of_another(self) -> str:
        """Subscribe once more, and give the type of the first message that comes there."""
        assert isinstance(self._wire, ZmqWire)
        return _read(self._wire.first_of_another(lambda: self.settle(self.send("kernel_info_request", {})))).kind

    def _until(self, sockets: tuple[str, ...], wanted: Callable[[Message], bool], limit_s: float) -> Message:
        deadline = time.monotonic() + limit_s
        while True:
            for name in sockets:
                for message in self.seen[name]:
                    if wanted(message):
                        return message
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("\n".join(["it did not come; this did:", *self.trace()]))
            for name, parts in self._wire.receive(left):
                self.seen[name].append(_read(parts))

    def trace(self, *, by_request: bool = False) -> Iterator[str]:
        """What came, a line per message, socket by socket in the order in which it came.

        Args:
            by_request: only the order among the messages of one request counts: for those that two threads of a kernel answer.
        """
        ids: dict[str, str] = {}
        for name in SOCKETS:
            messages = [self._described(message) for message in self.seen[name] if message.kind != "debug_event"]
            if by_request:
                messages.sort(key=lambda described: str(described["parent"]))
            for described in _joined(messages):
                text = json.dumps(described, ensure_ascii=False)
                for pattern, word in _FIXED:
                    text = pattern.sub(word, text)
                yield f"{name} {_IDS.sub(lambda found: ids.setdefault(found[0], f'ID-{len(ids) + 1}'), text)}"

    def _described(self, message: Message) -> dict[str, Any]:
        header = {key: message.header[key] for key in sorted(message.header) if key not in {"msg_id", "msg_type", "username"}}
        content = message.content
        if message.kind == "usage_reply":
            content = _kinds_of({key: value for key, value in content.items() if key != "host_cpu_percent"})
        if message.kind == "connect_reply":
            content = {key: "as in the file" if value == self.info.get(key) else value for key, value in content.items()}
        described: dict[str, Any] = {"type": message.kind, "parent": self._place(message.parent), "content": content}
        return described | {"metadata": message.metadata, "buffers": [each.hex() for each in message.buffers], "header": header}

    def _place(self, parent: dict[str, Any]) -> int | str:
        """Which request of the scene this is the parent header of, whole and unchanged."""
        if not parent:
            return "none"
        if parent in self.requests:
            return self.requests.index(parent)
        return f"another's {parent['msg_type']}" if parent["session"] != self._session else f"not as sent: {parent}"


def _read(parts: list[bytes]) -> Message:
    header, parent, metadata, content = (json.loads(part) for part in parts[:4])
    return Message(header, parent, metadata, content, parts[4:])


def is_of(msg_id: str, message: Message) -> bool:
    """Whether a message belongs to this request."""
    return message.parent.get("msg_id") == msg_id


def _is_idle_of(msg_id: str, message: Message) -> bool:
    return is_of(msg_id, message) and message.content.get("execution_state") == "idle"


def _kinds_of(value: Any) -> Any:  # Any: JSON
    """The shape of a content whose numbers differ from moment to moment."""
    if isinstance(value, dict):
        return {key: _kinds_of(each) for key, each in value.items()}
    if isinstance(value, list):
        return [type(each).__name__ for each in value][:1]
    return "number" if isinstance(value, int | float) else type(value).__name__


def _joined(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    joined: list[dict[str, Any]] = []
    streams: dict[tuple[str, str], dict[str, Any]] = {}
    """By whose they are and their names, since the last message of another type."""

    def end_streams() -> None:
        joined.extend(streams[key] for key in sorted(streams))
        streams.clear()

    for message in messages:
        if message["type"] != "stream":
            end_streams()
            joined.append(message)
            continue
        key = (str(message["parent"]), message["content"]["name"])
        if (begun := streams.get(key)) is None:
            streams[key] = {**message, "content": dict(message["content"])}
        else:
            begun["content"]["text"] += message["content"]["text"]
    end_streams()
    return joined
