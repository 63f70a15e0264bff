"""The clients' side without sockets: it keeps what clients would be sent, in the one order in which it was sent."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from beaker.kernel.pending import Channel
from beaker.wire.parts import BUFFERS, CONTENT, HEADER, METADATA, PARENT, Parts

PATIENCE_S = 60.0
"""How long a test waits for what must come; it returns as soon as it came."""


@dataclass(frozen=True)
class Sent:
    """One message for a client, or for all of them."""

    channel: str
    """shell, control, stdin or iopub."""
    idents: list[bytes]
    """Of the client; on iopub the topic."""
    parts: Parts

    @cached_property
    def header(self) -> dict[str, Any]:
        """Decoded."""
        return dict(json.loads(self.parts[HEADER]))

    @cached_property
    def kind(self) -> str:
        """The msg_type; of a status what it says: `busy`, `idle` ..."""
        kind = str(self.header["msg_type"])
        return str(self.content["execution_state"]) if kind == "status" else kind

    @cached_property
    def parent_id(self) -> str:
        """The msg_id of the request it belongs to; empty for none."""
        return str(json.loads(self.parts[PARENT]).get("msg_id", ""))

    @cached_property
    def metadata(self) -> dict[str, Any]:
        """Decoded."""
        return dict(json.loads(self.parts[METADATA]))

    @cached_property
    def content(self) -> dict[str, Any]:
        """Decoded."""
        return dict(json.loads(self.parts[CONTENT]))

    @property
    def buffers(self) -> list[bytes]:
        """As they came."""
        return self.parts[BUFFERS:]


class RecordingFront:
    """Stands where the five sockets of a connection file stand; see `Front`."""

    def __init__(self) -> None:
        self.ports = {"shell_port": 5001, "iopub_port": 5002, "stdin_port": 5003, "control_port": 5004, "hb_port": 5005}
        self.sent: list[Sent] = []
        self.closed = False
        self.holds: list[tuple[Channel, list[bytes], bytes]] = []
        """Replies that a KernelActor before this one has given, and that wait."""
        self.ended: list[bytes] = []
        """Requests of which it has said that they are over."""
        self.half_ended: list[tuple[Channel, list[bytes], bytes]] = []
        """Requests that it has answered without saying that."""
        self._paused = False
        self._news = asyncio.Event()

    def send_shell(self, idents: list[bytes], parts: Parts) -> None:
        self._record("shell", idents, parts)

    def send_control(self, idents: list[bytes], parts: Parts) -> None:
        self._record("control", idents, parts)

    def send_stdin(self, idents: list[bytes], parts: Parts) -> None:
        self._record("stdin", idents, parts)

    def publish(self, topic: list[bytes], parts: Parts) -> None:
        self._record("iopub", topic, parts)

    def pause_shell(self) -> None:
        self._paused = True

    def resume_shell(self) -> None:
        self._paused = False

    def has_reply(self, channel: Channel, idents: list[bytes], parent: bytes, since: float) -> bool:
        return (channel, idents, parent) in self.holds

    def has_idle(self, parent: bytes, since: float) -> bool:
        return parent in self.ended

    def unended(self) -> list[tuple[Channel, list[bytes], bytes]]:
        return self.half_ended

    def close(self) -> None:
        self.closed = True

    def reads(self) -> bool:
        """Whether requests on shell would be read now."""
        return not self._paused

    def about(self, msg_id: str) -> list[Sent]:
        """All that was sent about one request, oldest first."""
        return [sent for sent in self.sent if sent.parent_id == msg_id]

    def kinds(self, msg_id: str) -> list[str]:
        """Of all that was sent about one request."""
        return [sent.kind for sent in self.about(msg_id)]

    def unparented(self) -> list[str]:
        """What was published about the kernel itself: `restarting`, `idle` ..."""
        return [sent.kind for sent in self.sent if sent.channel == "iopub" and not sent.parent_id]

    async def wait(self, condition: Callable[[], bool], what: str) -> None:
        """Look whenever something was sent, until the condition holds."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not condition():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            last = [(sent.channel, sent.kind, sent.parent_id) for sent in self.sent[-12:]]
            raise AssertionError(f"{what} did not come within {PATIENCE_S:g} s; the last that was sent: {last}") from None

    async def reply(self, msg_id: str) -> Sent:
        """The reply to a request."""

        def found() -> list[Sent]:
            return [sent for sent in self.about(msg_id) if sent.channel in {"shell", "control"}]

        await self.wait(lambda: bool(found()), f"a reply to {msg_id}")
        return found()[0]

    async def prompt(self, number: int = 1) -> Sent:
        """The prompt of this number that a client was shown on stdin."""
        await self.wait(lambda: len(self.prompts()) >= number, f"prompt {number}")
        return self.prompts()[number - 1]

    def prompts(self) -> list[Sent]:
        """All that were shown."""
        return [sent for sent in self.sent if sent.channel == "stdin"]

    async def output(self, msg_id: str, kind: str) -> Sent:
        """The first message of this kind that was published about a request."""

        def found() -> list[Sent]:
            return [sent for sent in self.about(msg_id) if sent.channel == "iopub" and sent.kind == kind]

        await self.wait(lambda: bool(found()), f"{kind} of {msg_id}")
        return found()[0]

    async def over(self, msg_id: str) -> list[str]:
        """Wait until a request has its reply and its idle; returns the kinds of all that was sent about it."""
        await self.reply(msg_id)
        await self.output(msg_id, "idle")
        return self.kinds(msg_id)

    def _record(self, channel: str, idents: list[bytes], parts: Parts) -> None:
        self.sent.append(Sent(channel, idents, parts))
        self._news.set()
