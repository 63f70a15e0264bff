"""Requests that the subkernel leaves half answered: what is missing is said in its place.

ipykernel answers a request of an unknown type by busy and idle and nothing else; IRkernel answers the cells behind an error or an
interrupt with `aborted`, and without a status. When this process has just taken over, a reply may come whose idle passed before
anybody listened. In all three cases a client would wait for ever. The reply and the status come over different sockets, so a
moment is left between the one and our word.
"""

from actors.kernel.channels.owed import send_on
from actors.kernel.state.state import KernelState
from actors.runtime.standstill import call_after
from beaker.kernel.pending import Pending, reply_type

GRACE_S = 0.5
"""How long a reply may be behind its idle: both are written within a millisecond, and read when the loop comes to it."""
STATUS_GRACE_S = 2.0
"""How long the status of an aborted cell may be behind its reply: ipykernel's comes from another thread."""


class Unanswered:
    """Waits for replies, and for the status of what was aborted, which may never come."""

    def __init__(self, state: KernelState) -> None:
        self._state = state

    def expect(self, pending: Pending) -> None:
        """A request of a type that is none of Jupyter's is idle, and has no reply."""
        call_after(GRACE_S, self._answer, pending)

    def expect_status(self, pending: Pending) -> None:
        """A cell was aborted, and may not be idle yet."""
        call_after(STATUS_GRACE_S, self._end, pending)

    def expect_idle(self, pending: Pending) -> None:
        """What a process before this one had sent was answered, and may have been idle before anybody listened."""
        call_after(STATUS_GRACE_S, self._end_replied, pending)

    def _end_replied(self, pending: Pending) -> None:
        requests = self._state.requests if pending.channel == "shell" else self._state.control_requests
        if requests.end_replied(pending):
            self._state.publisher.idle(pending.header)

    def _end(self, pending: Pending) -> None:
        state = self._state
        if not state.requests.end_unbegun(pending):
            return
        state.answered(pending.msg_id, pending.channel)
        if not pending.private:
            state.publisher.busy(pending.header)
            state.publisher.idle(pending.header)

    def _answer(self, pending: Pending) -> None:
        state = self._state
        requests = state.requests if pending.channel == "shell" else state.control_requests
        if not requests.give_up(pending):
            return  # answered, or lost with its subkernel and answered then
        from beaker.kernel.custom.replies import Failed  # not at the kernel's start

        content = Failed(ename="UnknownRequest", evalue=f"Neither beaker nor the {state.language} kernel knows {pending.msg_type[:100]}.")
        reply = state.publisher.reply(reply_type(pending.msg_type), content, parent=pending.header)
        send_on(state, pending.channel, pending.idents, reply)
        state.answered(pending.msg_id, pending.channel)
        state.log.info("request.unknown", msg_type=pending.msg_type[:100])
