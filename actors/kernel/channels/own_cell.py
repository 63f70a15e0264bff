"""One cell that beaker answers itself: its first word (busy), its outputs, its one reply, its last word (idle)."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from actors.kernel.sockets.front import TRACE_CHARS
from actors.kernel.state.state import KernelState
from beaker.kernel.commands.words import Words
from beaker.kernel.pending import ExecuteFlags, Pending
from beaker.wire import compose
from beaker.wire.parts import read_header


@dataclass(slots=True)
class OwnCell:
    """A `%%ai` or `%beaker` cell between its request and its reply."""

    state: KernelState
    msg_id: str
    header: bytes
    """The client's header document."""
    idents: list[bytes]
    flags: ExecuteFlags
    code: str
    count: int
    """The number it shows."""
    announces_cells: bool
    """The request names its notebook cell, as JupyterLab and VS Code do: such clients show updates of a display."""
    expressions: tuple[str, ...] = ()
    """The names of its `user_expressions`. Nobody evaluates them: that would be hidden code, before or behind other cells."""
    prints: bool = False
    """Its client is one of jupyter_client's that can be asked: it prints what comes, and drops updates of a display."""
    over: bool = False
    started: str = field(default_factory=compose.now)
    """When it came, as a reply says it: JupyterLab shows the times of a cell from there."""
    since: float = field(default_factory=time.monotonic)
    """Monotonic time at which it came."""

    @property
    def trace(self) -> str:
        """What binds its log lines: whoever ends it may do so under another request, as an interrupt does."""
        return self.msg_id[:TRACE_CHARS]

    def begin(self) -> None:
        """Say that it is being worked on."""
        self.state.inflight.begun(self._pending())
        self.state.publisher.busy(self.header)
        self.say("execute_input", {"code": self.code, "execution_count": self.count})

    def renumber(self, count: int) -> None:
        """Take the number that the cell really got: fewer cells were ahead of it than it seemed, because they were aborted."""
        if count != self.count and not self.over:
            self.count = count
            self.say("execute_input", {"code": self.code, "execution_count": count})

    def say(self, msg_type: str, content: object) -> None:
        """Publish an output, unless the cell is silent."""
        if not self.flags.silent:
            self.state.publisher.say(msg_type, content, parent=self.header)

    def show(self, words: Words, *, payload: Sequence[Mapping[str, object]] = ()) -> None:
        """Publish a text that reads well with and without markdown, and reply."""
        self.say("display_data", {"data": {"text/markdown": words.markdown, "text/plain": words.plain}, "metadata": {}, "transient": {}})
        self.finish(payload=payload)

    def finish(self, *, payload: Sequence[Mapping[str, object]] = ()) -> None:
        """Reply ok."""
        self._reply(compose.execute_reply(self.count, payload=payload, user_expressions=self._unevaluated()), "ok")

    def fail(self, ename: str, evalue: str) -> None:
        """Reply with an error: a sentence, never a traceback."""
        content = compose.error(ename, evalue)
        self.say("error", content)
        self._reply(compose.execute_error(self.count, content), "error")

    def _reply(self, body: object, status: str) -> None:
        if self.over:
            return
        self.over = True
        publisher = self.state.publisher
        # What ipykernel puts there (7.4, `init_metadata` and `finish_metadata`).
        metadata = {"started": self.started, "dependencies_met": True, "engine": str(self.state.kernel_id), "status": status}
        self.state.front.send_shell(self.idents, publisher.reply("execute_reply", body, parent=self.header, metadata=metadata))
        publisher.idle(self.header)
        self.state.answered(self.msg_id)
        took_ms = round((time.monotonic() - self.since) * 1000, 1)
        self.state.log.info("cell.replied", trace=self.trace, status=status, count=self.count, took_ms=took_ms, own=True)

    def _unevaluated(self) -> dict[str, object]:
        content = {"status": "error", **compose.error("NotEvaluated", "cells that beaker answers evaluate no user_expressions")}
        return dict.fromkeys(self.expressions, content)

    def _pending(self) -> Pending:
        session = read_header(self.header).session
        return Pending(self.msg_id, session, "execute_request", self.header, self.idents, "shell", self.flags, own=True)
