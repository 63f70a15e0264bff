"""The control channel: answered while cells run.

Interrupt and shutdown are ours; everything else (kernel_info, debug, usage, subshells) goes to the subkernel's control channel as
the bytes it came in: breakpoints are hashes of the code, so debug requests must arrive exact.

The channel is always read, as an interrupt or a shutdown must overtake whatever waits for the subkernel. So where too much waits
(`backlog.py`) a request is not kept, but answered with the error `Busy`.
"""

import time
from collections.abc import Callable
from typing import Protocol

import msgspec

from actors.kernel.channels import owed
from actors.kernel.channels.kernel_info import amend_reply
from actors.kernel.sockets.backlog import Backlog
from actors.kernel.sockets.front import TRACE_CHARS
from actors.kernel.sockets.spill import cost_of
from actors.kernel.state.state import KernelState, Phase
from actors.runtime.log import SparseLog
from beaker.kernel.custom.kinds import OURS
from beaker.kernel.interrupting import Interrupted, decide
from beaker.kernel.pending import Channel, Pending
from beaker.wire import compose
from beaker.wire.parts import CONTENT, HEADER, UNREADABLE, Header, Parts

BUSY = "not passed on: too many control requests that came before wait for the subkernel; try again when it answers, or restart it"


class ShutDown(Protocol):
    """Ends the kernel."""

    def __call__(self, *, restart: bool) -> None: ...


class Ours(Protocol):
    """What is not the subkernel's: a `QuestionsDoor`, behind which the rooms know the control channel."""

    @property
    def turn_running(self) -> bool:
        """Whether a question is being answered that does not wait, parked, for the user."""
        ...

    @property
    def asking(self) -> bool:
        """Whether a prompt for consent stands open."""
        ...

    @property
    def gave_way(self) -> bool:
        """Whether a question waits, parked, because its prompt gave way to the last interrupt."""
        ...

    def take_own(self, idents: list[bytes], header: Header, parts: Parts, channel: Channel) -> None:
        """Answer a request of our own kind."""
        ...

    def interrupt(self, what: Interrupted) -> None:
        """Do what an interrupt means for questions and commands."""
        ...


class Control:
    """Routes the control channel.

    Args:
        ours: what is not the subkernel's, and what of an interrupt concerns that.
        interrupt_subkernel, shut_down: what else a request can set in motion.
    """

    def __init__(self, state: KernelState, ours: Ours, *, interrupt_subkernel: Callable[[], None], shut_down: ShutDown) -> None:
        self._state = state
        self._ours = ours
        self._interrupt_subkernel = interrupt_subkernel
        self._end_kernel = shut_down
        self._held: Backlog[tuple[Pending, Parts]] = Backlog()
        self._refusals = SparseLog(state.log, "request.refused")

    def request(self, idents: list[bytes], header: Header, parts: Parts) -> None:
        """A client asks."""
        match header.msg_type:
            case "interrupt_request":
                self.interrupt()
                owed.answer(self._state, "control", idents, header.msg_type, parts[HEADER], {"status": "ok"})
            case "shutdown_request":
                self.shut_down(idents, header, parts, "control")
            case kind if kind in OURS:
                self._ours.take_own(idents, header, parts, "control")
            case _:
                if header.msg_type == "debug_request":
                    self._state.debug_parent = parts[HEADER]
                self.submit(Pending(header.msg_id, header.session, header.msg_type, parts[HEADER], idents, "control", None), parts)

    def interrupt(self) -> None:
        """An interrupt by message or by signal."""
        state = self._state
        now = time.monotonic()
        since = None if state.last_interrupt_at is None else now - state.last_interrupt_at
        state.last_interrupt_at = now
        running = state.requests.running() is not None
        ours, at_rest = self._ours, state.requests.at_rest
        what = decide(
            cell_running=running,
            turn_running=ours.turn_running,
            since_last_s=since,
            at_rest=at_rest,
            asking=ours.asking,
            gave_way=ours.gave_way,
        )
        state.log.info("interrupt.wanted", subkernel=what.subkernel, turn=what.turn, park=what.park, parked=what.parked)
        ours.interrupt(what)
        if what.subkernel:
            self._interrupt_subkernel()

    def shut_down(self, idents: list[bytes], header: Header, parts: Parts, channel: Channel) -> None:
        """A client ends the kernel.

        Args:
            channel: that it asked on; see `Shell.request`.
        """
        try:
            content = msgspec.json.decode(parts[CONTENT], type=dict[str, object])
        except UNREADABLE:
            content = {}
        restart = content.get("restart") is True
        owed.answer(self._state, channel, idents, header.msg_type, parts[HEADER], {"status": "ok", "restart": restart})
        self._end_kernel(restart=restart)

    def reply(self, parent: Header, parts: Parts) -> None:
        """The subkernel answered."""
        pending = self._state.control_requests.replied(parent.msg_id, session=parent.session)
        if pending is None:
            if parent.session != self._state.private.session_id:
                self._state.log.info("reply.unexpected", msg_type=parent.msg_type)
            return
        parts = amend_reply(pending.msg_type, parts, self._state.front.ports)
        self._state.front.send_control(pending.idents, parts)
        self._state.answered(pending.msg_id, "control")  # behind it, as on shell

    def release(self) -> None:
        """A subkernel is ready: send what waited."""
        while self._held:
            pending, parts = self._held.popleft()
            pending.sent = True
            self._send(pending, parts)

    def answer_owed(self, *, unsent_too: bool) -> None:
        """The subkernel is gone: what it owed is answered `aborted`; see `Shell.answer_owed`."""
        for pending in self._state.control_requests.end_all(unsent_too=unsent_too):
            self._abort(pending)
        if unsent_too:
            self._held.clear()

    def end(self, pending: Pending, ename: str, reason: str) -> None:
        """Answer a request with an error: the subkernel never will."""
        state = self._state
        owed.end(state, pending, owed.error_body(state, pending, compose.error(ename, reason), reason))

    def submit(self, pending: Pending, parts: Parts) -> None:
        """Send a request to the subkernel, or keep it until there is one."""
        state = self._state
        starting = state.phase in {Phase.STARTING, Phase.RESTARTING}
        link = state.ready_link()
        if self._held.full if starting else link is not None and link.control_is_full:
            self._refusals.warning(channel="control", msg_type=pending.msg_type[:TRACE_CHARS])
            self.end(pending, "Busy", BUSY)
        elif link is not None:
            state.control_requests.accept(pending)
            self._send(pending, parts)
        elif starting:
            pending.sent = False
            state.control_requests.accept(pending)
            self._held.append((pending, parts), cost_of(parts))
            if pending.expects_reply:
                state.inflight.begun(pending)
        else:
            self._abort(pending)

    def _send(self, pending: Pending, parts: Parts) -> None:
        assert self._state.link is not None
        if pending.expects_reply:
            self._state.inflight.begun(pending)
        self._state.link.send_control(parts)

    def _abort(self, pending: Pending) -> None:
        owed.end(self._state, pending, owed.aborted_body(self._state, pending))
