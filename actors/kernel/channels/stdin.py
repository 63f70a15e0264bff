"""The stdin channel: a question goes to the client whose cell asks it, and only that client answers.

Most are the subkernel's; ours (consent, questions of the model) are in `prompts.py`. A question may have been put by a kernel process
that was killed since: its answer comes to this one, perhaps before it is known what became of the session, and waits until then.

Clients are always read, as they answer our own questions here too. For the subkernel waits one answer to each question that it put;
where those are too many bytes (`backlog.py`), one more is not kept, which is said, and the question stays open.
"""

from actors.kernel.channels.prompts import Prompts
from actors.kernel.sockets.backlog import Backlog
from actors.kernel.sockets.spill import cost_of
from actors.kernel.state.state import KernelState, Phase
from actors.runtime.log import SparseLog
from beaker.wire import compose
from beaker.wire.parts import Header, Parts

BUSY = "beaker: the answer was not passed on, because too much waits for the subkernel already; enter it again when it answers\n"


class Stdin:
    """Routes `input()`."""

    def __init__(self, state: KernelState, prompts: Prompts) -> None:
        self._state = state
        self._prompts = prompts
        self._early: Backlog[tuple[list[bytes], Parts]] = Backlog()
        self._refusals = SparseLog(state.log, "input.refused")

    def request(self, parent: Header, parts: Parts) -> None:
        """The subkernel asks."""
        idents = self._state.stdin_routing.input_requested(parent.msg_id)
        if idents is None:
            self._state.log.warning("input.unroutable", parent=parent.msg_id)
            return
        self._state.inflight.asked(parent.msg_id, idents)
        self._state.front.send_stdin(idents, parts)

    def reply(self, idents: list[bytes], header: Header, parts: Parts) -> None:
        """A client answers."""
        if self._prompts.take(idents, header, parts):
            return
        if self._state.phase is not Phase.STARTING:
            self._pass_on(idents, parts)
        elif self._early.full:
            self._refuse()
        else:
            self._early.append((idents, parts), cost_of(parts))

    def release(self) -> None:
        """A subkernel is ready: what waited is taken, if it was asked for."""
        while self._early:
            self._pass_on(*self._early.popleft())

    def _pass_on(self, idents: list[bytes], parts: Parts) -> None:
        state = self._state
        link = state.ready_link()
        if link is None or not state.stdin_routing.may_reply(idents):
            state.log.info("input.unasked")
            return
        if link.stdin_is_full:
            state.stdin_routing.still_asked(idents)
            self._refuse()
            return
        state.inflight.input_answered(idents)
        link.send_stdin(parts)

    def _refuse(self) -> None:
        state = self._state
        running = state.requests.running()
        self._refusals.warning()
        state.publisher.say("stream", compose.stream(BUSY, name="stderr"), parent=running.header if running else compose.EMPTY)
