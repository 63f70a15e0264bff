"""A client so lean that its own cost does not hide the ratio.

It is the same for both sides: plain zmq sockets, one HMAC per request, and of what comes back only the message's
type and the end of its parent's id are looked at. All sockets are read until both the reply and idle are there.
"""

import hashlib
import hmac
import itertools
import json
import os
import time
from pathlib import Path
from typing import Any

import zmq

DELIMITER = b"<IDS|MSG>"
DATE = "2026-01-01T00:00:00Z"
"""Nobody reads it here."""

LIMIT_S = 60
"""Ends a measurement in which something was lost."""

KINDS = ("status", "stream", "display_data", "execute_reply", "complete_reply", "kernel_info_reply", "llm_delta", "llm_reply")
TYPED = {kind: f'"msg_type": "{kind}"'.encode() for kind in KINDS}
"""How a header says its type, with the separators that json.dumps writes by default."""


def _is(kind: str, header: bytes) -> bool:
    return TYPED[kind] in header or TYPED[kind].replace(b": ", b":") in header


class LostError(Exception):
    """A reply or an idle did not come."""


class Client:
    """Talks to the kernel of a connection file."""

    def __init__(self, file: Path) -> None:
        self._info = json.loads(file.read_text())
        self._key = self._info["key"].encode()
        self._session = f"bench-{os.getpid()}"
        self._numbers = itertools.count()
        self._seen: set[tuple[bytes, str]] = set()
        """What was read about a question, by its id: text and reply come over different sockets, in any order."""
        self._context = zmq.Context()
        self.shell, self.control, self.iopub = self._socket(zmq.DEALER), self._socket(zmq.DEALER), self._socket(zmq.SUB)
        self.iopub.setsockopt(zmq.SUBSCRIBE, b"")
        for name in ("shell", "control", "iopub"):
            getattr(self, name).connect(f"{self._info['transport']}://{self._info['ip']}:{self._info[f'{name}_port']}")
        self._poller = zmq.Poller()
        self._poller.register(self.shell, zmq.POLLIN)
        self._poller.register(self.iopub, zmq.POLLIN)

    def _socket(self, kind: int) -> Any:  # Any: zmq's generic sockets
        socket = self._context.socket(kind)
        socket.linger = 0
        socket.rcvhwm = socket.sndhwm = 0  # or outputs would be lost on this side
        return socket

    def send(self, kind: str, content: dict[str, object], *, cell: str = "", on: Any = None) -> bytes:  # Any: as above
        """Sends a request on shell (or another socket) and gives its id; `cell` is its cell's, as JupyterLab says it."""
        msg_id = f"{self._session}-{next(self._numbers)}"
        header = {"msg_id": msg_id, "msg_type": kind, "session": self._session, "username": "", "version": "5.3", "date": DATE}
        metadata = {"cellId": cell} if cell else {}
        parts = [json.dumps(header).encode(), b"{}", json.dumps(metadata).encode(), json.dumps(content).encode()]
        signature = hmac.new(self._key, b"".join(parts), hashlib.sha256).hexdigest().encode()
        (on or self.shell).send_multipart([DELIMITER, signature, *parts])
        return msg_id.encode()

    def execute(self, code: str, *, count: str = "") -> tuple[float, int]:
        """Runs code; gives the seconds until reply and idle were both there, and how many messages of one type came.

        For `stream` it is the lines in them that are counted.

        Raises:
            LostError: the reply or idle did not come.
        """
        started = time.perf_counter()
        mine = b'"' + self.send("execute_request", {"code": code, "silent": False, "store_history": False, "allow_stdin": False}) + b'"'
        replied = idle = False
        counted = 0
        while not (replied and idle):
            ready = dict(self._poller.poll(LIMIT_S * 1000))
            if not ready:
                raise LostError(f"no {'idle' if replied else 'reply'} after {LIMIT_S:g} s; {counted} messages came")
            if self.shell in ready:
                frames = self.shell.recv_multipart()
                replied = replied or mine in frames[frames.index(DELIMITER) + 3]
            if self.iopub in ready:
                while True:
                    try:
                        frames = self.iopub.recv_multipart(zmq.NOBLOCK)
                    except zmq.Again:
                        break
                    at = frames.index(DELIMITER)
                    header, parent, content = frames[at + 2], frames[at + 3], frames[at + 5]
                    if count and _is(count, header):
                        counted += content.count(b"\\n") if count == "stream" else 1
                    elif _is("status", header) and mine in parent and b'"idle"' in content:
                        idle = True
        return time.perf_counter() - started, counted

    def ask(self, question: str) -> bytes:
        """Asks by `llm_request`; gives the request's id when the first text of the answer has come.

        Raises:
            LostError: none came.
        """
        asked = self.send("llm_request", {"request": question, "consent": "never", "allow_stdin": False})
        self.wait_for(asked, "llm_delta")
        return asked

    def ask_in_cell(self, question: str, *, until: str) -> bytes:
        """Asks by a `%%ai` cell; gives the request's id when its display shows the text `until`.

        Raises:
            LostError: it never did.
        """
        content: dict[str, object] = {"code": f"%%ai {question}", "silent": False, "allow_stdin": False}
        asked = self.send("execute_request", content, cell="asking")
        self.wait_for_text(asked, until)
        return asked

    def reply(self, msg_id: bytes) -> bytes:
        """Gives the content of the reply to a request on shell.

        Raises:
            LostError: none came.
        """
        mine = b'"' + msg_id + b'"'
        while self.shell.poll(LIMIT_S * 1000):
            frames = self.shell.recv_multipart()
            at = frames.index(DELIMITER)
            if mine in frames[at + 3]:
                return bytes(frames[at + 5])
        raise LostError(f"no reply after {LIMIT_S:g} s")

    def wait_for_text(self, msg_id: bytes, text: str) -> None:
        """Returns once a message on iopub about a request holds this text.

        Raises:
            LostError: none did.
        """
        mine, wanted = b'"' + msg_id + b'"', json.dumps(text)[1:-1].encode()
        while self.iopub.poll(LIMIT_S * 1000):
            frames = self.iopub.recv_multipart()
            at = frames.index(DELIMITER)
            if mine in frames[at + 3] and wanted in frames[at + 5]:
                return
        raise LostError(f"nothing said {text!r} in {LIMIT_S:g} s")

    def wait_for(self, msg_id: bytes, kind: str) -> None:
        """Returns once a message of this type about a question was read, on shell or iopub.

        Raises:
            LostError: it did not come.
        """
        mine = b'"' + msg_id + b'"'
        while (msg_id, kind) not in self._seen:
            ready = dict(self._poller.poll(LIMIT_S * 1000))
            if not ready:
                raise LostError(f"no {kind} after {LIMIT_S:g} s")
            for socket in ready:
                frames = socket.recv_multipart()
                at = frames.index(DELIMITER)
                if mine in frames[at + 3]:
                    self._seen.update((msg_id, known) for known in KINDS if _is(known, frames[at + 2]))

    def wait_until_usable(self) -> None:
        """Returns once the kernel answers kernel_info and iopub is connected."""
        deadline = time.monotonic() + LIMIT_S
        answered = heard = False
        while not (answered and heard):
            self.send("kernel_info_request", {})
            ready = dict(self._poller.poll(200))
            while ready:
                answered = answered or self.shell in ready
                heard = heard or self.iopub in ready
                for socket in ready:
                    socket.recv_multipart()
                ready = dict(self._poller.poll(20))
            if time.monotonic() > deadline:
                raise LostError("the kernel does not answer")

    def close(self) -> None:
        """Closes the sockets."""
        self._context.destroy(linger=0)
