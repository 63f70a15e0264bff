"""Replies that an interrupt has cost: they are given in the subkernel's place.

ipykernel (7.4) takes SIGINT as an exception of whatever it executes. One that comes when the user's code is over, or not begun, ends the
handling of the request: busy and idle are said and a reply never, so that its client would wait for ever, as on python3. Of ten
interrupts that meet the end of a short cell one did that.
"""

from actors.kernel.channels import owed
from actors.kernel.channels.shell import Shell
from actors.kernel.state.state import KernelState
from actors.runtime.standstill import call_after
from beaker.kernel.pending import Pending, reply_type
from beaker.wire import compose
from beaker.wire.parts import read_header

GRACE_S = 2.0
"""How long a reply may be behind its idle. ipykernel writes it first, and within a millisecond."""

WORDS = "the interrupt came as this was beginning or ending, and cost its reply; what it printed is above"


class LostReplies:
    """Waits for the replies of requests that are idle and may have met an interrupt."""

    def __init__(self, state: KernelState, shell: Shell) -> None:
        self._state = state
        self._shell = shell

    def expect(self, pending: Pending) -> None:
        """A request is idle, and its reply has not come yet."""
        at = self._state.last_interrupt_at
        # An interrupt takes a moment to get there: it may meet what began after it was wanted.
        if at is not None and at >= pending.since - self._state.settings.kernel.supervisor_silence_s:
            call_after(GRACE_S, self._answer, pending)

    def _answer(self, pending: Pending) -> None:
        state = self._state
        if not state.requests.owes(pending):
            return
        state.log.warning("reply.lost_by_interrupt", msg_type=pending.msg_type)
        body = owed.error_body(state, pending, compose.error("KeyboardInterrupt", WORDS), WORDS)
        reply = state.publisher.reply(reply_type(pending.msg_type), body, parent=pending.header)
        # By the way that the subkernel's own would have taken, so that all who wait for it are told.
        self._shell.reply(read_header(pending.header), reply)
