"""The shell channel: requests of clients to the subkernel, replies back to the client that asked.

A request passes as the bytes it came in, signed with the subkernel's key. While there is no subkernel it waits here; when the
subkernel dies, everything that it owed is answered from here: the running cell with an error, the queue with `aborted`.

Where too much waits, here or in the link (`backlog.py`), clients are read no further, all of them: the channel has one order. They
wait in their own queues then, and what they ask on control is still heard.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

import msgspec

from actors.kernel.channels import owed
from actors.kernel.channels.farewell import Farewell
from actors.kernel.channels.kernel_info import amend_reply
from actors.kernel.channels.unanswered import Unanswered
from actors.kernel.sockets.backlog import Backlog
from actors.kernel.sockets.front import TRACE_CHARS
from actors.kernel.sockets.spill import cost_of
from actors.kernel.state.state import KernelState, Phase
from beaker.kernel.cell_head import might_be_ours
from beaker.kernel.comms import COMM_LIFE
from beaker.kernel.custom.kinds import OURS
from beaker.kernel.pending import Channel, ExecuteFlags, Pending, ReplyFacts
from beaker.wire import compose
from beaker.wire.parts import CONTENT, HEADER, UNREADABLE, Header, Parts

CELL_REQUESTS = frozenset({"execute_request", "complete_request", "inspect_request", "is_complete_request"})
"""Requests that carry the text of a cell, which may be one of ours."""

HALF_A_CHARACTER = (
    "The cell was not run: it holds half a character (one half of a surrogate pair), as binary data does that is pasted, or a text that "
    "was cut. Take it out, or put the data into a file."
)

_flags_decoder = msgspec.json.Decoder(ExecuteFlags)
_facts_decoder = msgspec.json.Decoder(ReplyFacts)


def read_again(content: bytes, error: Exception) -> tuple[ExecuteFlags, str]:
    """What an `execute_request` says that msgspec does not read, and why it cannot be run; empty where it can: it holds NaN, say."""
    # Imported by the first: the kernel's start is measured.
    from beaker.kernel.broken_text import holds_halves, read_by_json

    sent = read_by_json(content)
    if sent is None:
        return ExecuteFlags(), f"The cell was not run, because its request cannot be read: {error}"
    flags = msgspec.convert({name: sent[name] for name in ExecuteFlags.__struct_fields__ if name in sent}, ExecuteFlags)
    # ipykernel would say nothing but busy and idle.
    return flags, HALF_A_CHARACTER if holds_halves(sent) else ""


class Ours(Protocol):
    """Who answers what is ours and not the subkernel's: a `QuestionsDoor`, behind which the rooms know the shell."""

    def take_own(self, idents: list[bytes], header: Header, parts: Parts, channel: Channel) -> None:
        """Answer a request of our own kind."""
        ...

    def take_cell(self, idents: list[bytes], header: Header, parts: Parts) -> bool:
        """Answer a request whose cell may be ours; False leaves it to the subkernel."""
        ...

    def place_taken(self, pending: Pending, facts: ReplyFacts) -> None:
        """A private request of our own was executed, or aborted with the queue."""
        ...


class Shell:
    """Routes the shell channel.

    Args:
        ours: what is not the subkernel's.
        shut_down: ends the kernel because a client asks for it here, as old ones do.
    """

    def __init__(self, state: KernelState, ours: Ours, *, shut_down: Callable[[list[bytes], Header, Parts], None]) -> None:
        self._state = state
        self._unanswered = Unanswered(state)
        self._ours = ours
        self._held: Backlog[tuple[Pending, Parts]] = Backlog()
        self._waiters: list[asyncio.Future[None]] = []
        """Who waits for a cell to be answered."""
        self.farewell = Farewell(state, shut_down)

    @property
    def held(self) -> int:
        """How many requests wait for a subkernel."""
        return len(self._held)

    def request(self, idents: list[bytes], header: Header, parts: Parts) -> None:
        """A client asks."""
        kind = header.msg_type
        if kind in OURS:
            self._ours.take_own(idents, header, parts, "shell")
            return
        if kind in CELL_REQUESTS and might_be_ours(parts[CONTENT]) and self._ours.take_cell(idents, header, parts):
            return
        if kind == "shutdown_request":
            self.farewell.ask(idents, header, parts)
            return
        if kind == "kernel_info_request" and self._state.hang_words and self._state.info and self._state.lived_before() is not None:
            owed.introduce(self._state, idents, parts[HEADER])
            return
        flags, received = None, 0.0
        if kind == "execute_request":
            received = time.monotonic()
            self._state.log.debug("cell.received", size_bytes=sum(map(len, parts)))
            try:
                flags = _flags_decoder.decode(parts[CONTENT])
            except UNREADABLE as error:
                flags, reason = read_again(parts[CONTENT], error)
                if reason:
                    pending = Pending(header.msg_id, header.session, kind, parts[HEADER], idents, "shell", flags, received=received)
                    self.answer_without_subkernel(pending, reason, ename="UnreadableCell")
                    return
            if flags.allow_stdin:
                self._state.stdin_routing.executes(header.msg_id, idents)
        self.submit(Pending(header.msg_id, header.session, kind, parts[HEADER], idents, "shell", flags, received=received), parts)

    def submit(self, pending: Pending, parts: Parts) -> None:
        """Send a request to the subkernel, or keep it until there is one."""
        state = self._state
        if state.phase is Phase.READY and not self.farewell.begun:
            state.requests.accept(pending)
            self._send(pending, parts)
        elif state.phase in {Phase.STARTING, Phase.RESTARTING} and not self.farewell.begun:
            pending.sent = False
            state.requests.accept(pending)
            self._held.append((pending, parts), cost_of(parts))
            if not pending.private and pending.expects_reply:
                state.inflight.begun(pending)
            state.log.debug("request.held", msg_type=pending.msg_type, phase=state.phase.value)
            if self._held.full:
                state.front.pause_shell()
        elif not pending.private:
            self.answer_without_subkernel(pending, state.dead_reason or "the kernel is shutting down")

    def release(self) -> None:
        """A subkernel is ready: send what waited."""
        while self._held:
            self._send(*self._held.popleft())
        self._read_on()

    def introduce(self) -> None:
        """The subkernel hangs: who has asked what kernel this is, and would wait for that, is told what is known."""
        state = self._state
        for pending in state.requests.unbegun("kernel_info_request") if state.info else ():
            owed.introduce(state, pending.idents, pending.header)
            pending.private = True
            state.answered(pending.msg_id)

    async def wait_for_a_cell(self) -> None:
        """Return once some cell of a client was answered."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        await waiter

    def flushed(self) -> None:
        """The subkernel has taken all that waited in the link."""
        self._read_on()

    def reply(self, parent: Header, parts: Parts) -> None:
        """The subkernel answered."""
        state = self._state
        facts = None
        known = state.requests.find(parent.msg_id, parent.session)
        if known is not None and known.flags is not None:
            try:
                facts = _facts_decoder.decode(parts[CONTENT])
            except UNREADABLE:
                facts = ReplyFacts(status="error")
            state.transcript.end(parent.msg_id, facts.status)
        pending = state.requests.replied(parent.msg_id, facts, parent.session)
        if pending is None:
            state.log.info("reply.unexpected", msg_type=parent.msg_type)
            return
        if facts is not None and facts.status == "aborted" and not pending.idle:
            self._unanswered.expect_status(pending)
        if pending.private:
            if facts is not None and not state.granted.replied(pending.msg_id, facts):
                self._ours.place_taken(pending, facts)
            return
        parts = amend_reply(pending.msg_type, parts, state.front.ports)
        state.front.send_shell(pending.idents, parts)
        state.answered(pending.msg_id)  # behind it: nobody who comes after us must take a request for over that has no reply
        # Behind the sending: a line costs as much as a hop, and no client need wait for it.
        if facts is not None:
            self._tell_waiters()
            self._log_reply(pending, facts.status, facts.execution_count)
        elif state.logs_cells:
            state.log.debug("request.replied", msg_type=pending.msg_type)

    def answer_owed(self, *, reason: str, ename: str, unsent_too: bool) -> None:
        """The subkernel is gone: one reply and one idle for each request that it still owed.

        Args:
            reason: the sentence for the cell that ran; those behind it are answered `aborted`.
            ename: the class of error that the user sees.
            unsent_too: no other subkernel will come: what waits for one is answered with the same error.
        """
        ended = self._state.requests.end_all(unsent_too=unsent_too)
        cells = [pending for pending in ended if pending.sent and pending.flags is not None and not pending.private and not pending.replied]
        if cells and not any(pending.busy for pending in ended if not pending.private and not pending.replied):
            # It had no chance to say that it began: C code that crashed at once, or never let the interpreter go.
            self._state.publisher.busy(cells[0].header)
            cells[0].busy = True
        for pending in ended:
            if pending.private:
                self._state.granted.lost(pending.msg_id)
                continue
            if not pending.sent:
                self.answer_without_subkernel(pending, reason)
            elif pending.busy and not pending.replied:
                self.end(pending, ename, reason)
            else:
                self._abort(pending)
        if unsent_too:
            self._held.clear()
        self._read_on()
        self._state.stdin_routing.forget_questions()
        self._state.inflight.forget(held_too=unsent_too)
        self._tell_waiters()

    def answer_without_subkernel(self, pending: Pending, reason: str, *, ename: str = "NoSubkernel") -> None:
        """Answer a request that can go nowhere with an error that says why."""
        self._state.publisher.busy(pending.header)
        pending.busy = True
        self.end(pending, ename, reason)

    def end(self, pending: Pending, ename: str, reason: str) -> None:
        """Answer a request with an error: the subkernel never will."""
        state = self._state
        content = compose.error(ename, reason)
        if pending.flags is not None and not pending.replied:
            if not pending.flags.silent and not pending.idle:
                state.publisher.say("error", content, parent=pending.header)
            state.transcript.end(pending.msg_id, "error")
            self._log_reply(pending, "error", pending.count, ename=ename)
        owed.end(state, pending, owed.error_body(state, pending, content, reason))
        if pending.flags is not None:
            self._tell_waiters()

    def _log_reply(self, pending: Pending, status: str, count: int | None, *, ename: str = "") -> None:
        """One line per cell, with the times of its waiting and running.

        Args:
            ename: of an error that is not the subkernel's but ours.
        """
        now = time.monotonic()
        values: dict[str, object] = {"status": status, "count": count}
        if pending.busy and pending.since:
            values["took_ms"] = round((now - pending.since) * 1000, 1)
            if pending.received:
                values["waited_ms"] = round((pending.since - pending.received) * 1000, 1)
        if ename:
            values["ename"] = ename
        # The trace is named, as what ends a cell may be a death or another request.
        self._state.log.info("cell.replied", trace=pending.msg_id[:TRACE_CHARS], **values)

    def _read_on(self) -> None:
        link = self._state.link
        if not self._held.full and (link is None or not link.shell_is_full):
            self._state.front.resume_shell()

    def _tell_waiters(self) -> None:
        """A cell was answered."""
        self.farewell.look()
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def _send(self, pending: Pending, parts: Parts) -> None:
        state = self._state
        assert state.link is not None
        pending.sent = True
        if not pending.private and pending.expects_reply:
            state.inflight.begun(pending)
        if not state.link.send_shell(parts):
            state.front.pause_shell()
        if pending.flags is None:
            if pending.msg_type in COMM_LIFE:
                state.comms.heard(pending.msg_type, parts[CONTENT])
        elif state.logs_cells:
            state.log.debug("cell.sent", trace=pending.msg_id[:TRACE_CHARS], private=pending.private)

    def _abort(self, pending: Pending) -> None:
        if pending.flags is not None and not pending.replied:
            self._log_reply(pending, "aborted", None)
        owed.end(self._state, pending, owed.aborted_body(self._state, pending))
