"""Messages of our own making: headers, statuses, replies, outputs.

All that a client sees carries one session id, the subkernel's (JupyterLab drops messages whose session differs from the
latest one it saw), so the composer takes the session id anew with every subkernel.
"""

import itertools
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import msgspec

from beaker.wire.parts import Parts

PROTOCOL_VERSION = "5.4"
EMPTY = b"{}"

_encoder = msgspec.json.Encoder()


class Composer:
    """Makes the parts of messages under one session id.

    Args:
        session_id: what stands in `header.session`.
        unique: put into every msg_id, so that two composers with one session id never make the same.
    """

    def __init__(self, session_id: str, unique: str) -> None:
        self.session_id = session_id
        self._unique = unique
        self._numbers = itertools.count()

    def header(self, msg_type: str) -> dict[str, str]:
        """A fresh header."""
        return {
            "msg_id": f"{self.session_id}_{self._unique}_{next(self._numbers)}",
            "session": self.session_id,
            "username": "beaker",
            "date": now(),
            "msg_type": msg_type,
            "version": PROTOCOL_VERSION,
        }

    def message(
        self,
        msg_type: str,
        content: object,
        *,
        parent: bytes = EMPTY,
        metadata: Mapping[str, object] | None = None,
        subshell_id: str = "",
    ) -> Parts:
        """The parts of a message.

        Args:
            msg_type: as the Jupyter specification names it.
            content: anything that msgspec encodes as a JSON object.
            parent: the parent's header document, byte for byte as its sender wrote it.
            metadata: a JSON object, empty by default.
            subshell_id: the subshell that a request is for; empty for the main one.
        """
        header = self.header(msg_type)
        return [
            _encoder.encode({**header, "subshell_id": subshell_id} if subshell_id else header),
            parent,
            _encoder.encode(metadata) if metadata else EMPTY,
            _encoder.encode(content),
        ]


def now() -> str:
    """The time as messages carry it: ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def status(state: str) -> dict[str, str]:
    """Content of a `status` message: busy, idle, starting, restarting or dead."""
    return {"execution_state": state}


def stream(text: str, *, name: str = "stdout") -> dict[str, str]:
    """Content of a `stream` message."""
    return {"name": name, "text": text}


def markdown(
    text: str, *, plain: str | None = None, display_id: str | None = None, metadata: Mapping[str, object] | None = None
) -> dict[str, object]:
    """Content of a `display_data` or `update_display_data` message that shows markdown, as text where nothing renders it.

    Args:
        plain: that text, if it is another.
    """
    return {
        "data": {"text/markdown": text, "text/plain": text if plain is None else plain},
        "metadata": dict(metadata or {}),
        "transient": {"display_id": display_id} if display_id else {},
    }


def error(ename: str, evalue: str, *, details: Sequence[str] = ()) -> dict[str, object]:
    """Content of an `error` message; its traceback is a sentence and details, never frames of ours."""
    return {"ename": ename, "evalue": evalue, "traceback": [f"\x1b[0;31m{ename}\x1b[0m: {evalue}", *details]}


def execute_reply(
    count: int, *, payload: Sequence[Mapping[str, object]] = (), user_expressions: Mapping[str, object] | None = None
) -> dict[str, object]:
    """Content of an `execute_reply` with status ok."""
    return {"status": "ok", "execution_count": count, "user_expressions": dict(user_expressions or {}), "payload": list(payload)}


def set_next_input(code: str) -> dict[str, object]:
    """A payload that puts code into a new cell behind the one that was run. Clients take one at most, and from an ok reply only."""
    return {"source": "set_next_input", "text": code, "replace": False}


def execute_error(count: int | None, content: Mapping[str, object]) -> dict[str, object]:
    """Content of an `execute_reply` with status error, made from the content of its `error` message."""
    return {"status": "error", "execution_count": count, "user_expressions": {}, "payload": [], **content}


def aborted() -> dict[str, object]:
    """Content of any reply to a request that was never begun."""
    return {"status": "aborted"}
