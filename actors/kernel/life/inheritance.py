"""What a kernel process that was killed had in flight, and what becomes of it.

Its successor reads the log (`inflight_log.py`) and takes each request up: one that is answered late goes to the client that asked, and
one that is proven over gets what it lacks, which is an error in place of its answer, or its idle; one whose answer was told by
a host that then died lacks at most the idle. The proof is a question behind it on
the same channel: whatever is answered in order has been seen to by then. What no subkernel had seen, what was ours to answer, and what
was answered and waited for a client that reads slowly, ends at once.
"""

from collections.abc import Set

import msgspec

from actors.kernel.channels import owed
from actors.kernel.channels.control import Control
from actors.kernel.channels.shell import Shell
from actors.kernel.channels.unanswered import Unanswered
from actors.kernel.sockets.subkernel_link import SubkernelGone, SubkernelLink
from actors.kernel.state.publisher import ANSWER_LOST
from actors.kernel.state.state import KernelState
from actors.runtime.actor import ActorContext
from beaker.kernel.pending import Pending
from beaker.messages.kernel import KernelMessage
from beaker.wire import compose
from beaker.wire.parts import CONTENT, UNREADABLE, read_header

NEVER_SENT = "it was not run: the front process was replaced while the session was starting; run it again"
QUESTION_LOST = "the front process was replaced and this answer was cut; ask again"
REQUEST_LOST = "outcome unknown: the front process was replaced while this was under way; ask again"


class _Subshells(msgspec.Struct, frozen=True):
    subshell_id: list[str] = []
    """Of all; that is what the key is called in the reply."""


class _Comms(msgspec.Struct, frozen=True):
    comms: dict[str, msgspec.Raw] = {}
    """By id."""


class Inheritance:
    """Settles what the log says."""

    def __init__(self, state: KernelState, shell: Shell, control: Control, context: ActorContext[KernelMessage]) -> None:
        self._state = state
        self._shell = shell
        self._control = control
        self._context = context
        self._unanswered = Unanswered(state)

    def take_over(self) -> int:
        """Take over the requests that the process before us had in flight; returns how many.

        Those that no subkernel has seen end here: clients were told that the kernel restarts, and do not expect them to run any more.
        """
        state = self._state
        former = state.inflight.take_former()
        found = former.unanswered
        state.requests.last_count = max(state.requests.last_count, former.last_count)
        lost = False
        answered: list[Pending] = []
        for pending in found:
            if pending.unread:
                self._end_unread(pending)
                lost = True
                continue
            pending.replied = state.front.has_reply(pending.channel, pending.idents, pending.header, pending.since)
            pending.idle = state.front.has_idle(pending.header, pending.since)
            if pending.replied:
                pending.busy = True
                answered.append(pending)
            if pending.over or (pending.replied and (pending.own or not pending.sent)):
                owed.end(state, pending, None)  # no more than its idle
                continue
            if not pending.sent:
                self._end_unsent(pending)
                continue
            pending.inherited = True
            if pending.channel == "control" and not pending.own:
                state.control_requests.accept(pending)
                continue
            state.requests.accept(pending)
            state.stdin_routing.executes(pending.msg_id, pending.idents)
        self._take_over_unended({pending.msg_id for pending in found})
        if lost and former.more:
            state.publisher.replies_lost(former.more)
        for idents in former.asked:
            state.stdin_routing.still_asked(idents)
        for pending in answered:  # when all are known that are not: the log may be emptied of what nobody waits for
            state.answered(pending.msg_id, pending.channel)
        return len(found)

    def _take_over_unended(self, known: Set[str]) -> None:
        """What was answered, and is not in the log any more, may lack its idle: that comes by another socket, and a moment later."""
        for channel, idents, header in self._state.front.unended():
            request = read_header(header)
            if request.msg_id not in known:
                pending = Pending(request.msg_id, request.session, request.msg_type, header, idents, channel, None)
                pending.busy = pending.replied = pending.inherited = True
                (self._state.requests if channel == "shell" else self._state.control_requests).accept(pending)

    def answer_lost_session(self, reason: str) -> None:
        """There is no session to take over: what a process before us had in flight, if there was one, is answered."""
        state = self._state
        self.take_over()
        self._end_own()
        for pending in state.requests.end_lost():
            self._shell.end(pending, "KernelDied", reason)
        for pending in state.control_requests.end_lost():
            self._control.end(pending, "KernelDied", reason)
        self._expect_idle([*state.requests.half_ended(), *state.control_requests.half_ended()])
        state.requests.last_count = 0
        state.stdin_routing.forget_questions()
        state.inflight.forget()

    async def settle(self, link: SubkernelLink) -> None:
        """Answer what will have no answer; called once the subkernel has answered this process on control.

        Every subshell is asked, as none of them waits for another.
        """
        self._end_own()
        for pending in self._state.control_requests.end_lost():
            self._control.end(pending, "KernelReattached", REQUEST_LOST)
            self._state.answered(pending.msg_id, "control")
        self._expect_idle(self._state.control_requests.half_ended())
        used = self._state.requests.inherited_subshells()
        try:
            living = used & await self._living_subshells(link) if used else used
        except SubkernelGone:
            return
        for subshell in living:
            self._context.spawn(self._settle_shell(link, {subshell}, ask=subshell), name="settle-subshell")
        # One that has ended answers no more; a kernel that knows of none took the request on its only shell.
        await self._settle_shell(link, {""} | (used - living), ask="")
        await self._learn_comms(link)

    async def _learn_comms(self, link: SubkernelLink) -> None:
        """Which comms the process before us had seen open; a kernel that does not know the question leaves it open."""
        try:
            told = await link.ask("shell", "comm_info_request", {})
            comms = msgspec.json.decode(told[CONTENT], type=_Comms).comms
        except (SubkernelGone, *UNREADABLE):
            return
        for comm_id in comms:
            self._state.comms.opened(comm_id)

    async def _settle_shell(self, link: SubkernelLink, settled: Set[str], *, ask: str) -> None:
        """Ask behind all that a former process had sent there: what has no reply by the answer will never have one."""
        try:
            await link.ask("shell", "kernel_info_request", {}, subshell_id=ask)
        except SubkernelGone:
            return
        session = self._state.taken_over
        reason = "outcome unknown: the front process was replaced while it ran" if session is None else session.lost_words
        self._end_lost(self._state.requests.end_lost(subshells=settled), reason)
        self._expect_idle(self._state.requests.half_ended(subshells=settled))

    async def _living_subshells(self, link: SubkernelLink) -> Set[str]:
        if "kernel subshells" not in self._state.features:
            return frozenset()
        listed = await link.ask("control", "list_subshell_request", {})
        try:
            return frozenset(msgspec.json.decode(listed[CONTENT], type=_Subshells).subshell_id)
        except UNREADABLE:
            return frozenset()

    def _end_own(self) -> None:
        """The questions that the process before us was answering have gone with it."""
        self._end_lost(self._state.requests.end_own_lost(), QUESTION_LOST)

    def _end_lost(self, lost: list[Pending], reason: str) -> None:
        for pending in lost:
            self._shell.end(pending, "KernelReattached", reason)
            self._state.answered(pending.msg_id, pending.channel)

    def _expect_idle(self, answered: list[Pending]) -> None:
        for pending in answered:
            self._unanswered.expect_idle(pending)

    def _end_unread(self, pending: Pending) -> None:
        room = self._control if pending.channel == "control" else self._shell
        room.end(pending, "KernelReattached", ANSWER_LOST)
        self._state.answered(pending.msg_id, pending.channel)

    def _end_unsent(self, pending: Pending) -> None:
        on_control = pending.channel == "control"
        if pending.msg_type == "kernel_info_request":
            # Nothing but its header is needed to ask it again, and its reply must be the subkernel's own: see `kernel_info.py`.
            self._state.answered(pending.msg_id, pending.channel)
            (self._control if on_control else self._shell).submit(pending, [pending.header, *[compose.EMPTY] * 3])
            return
        if on_control:
            self._control.end(pending, "KernelReattached", NEVER_SENT)
        else:
            self._shell.answer_without_subkernel(pending, NEVER_SENT, ename="KernelReattached")
        self._state.answered(pending.msg_id, pending.channel)
