"""The stdin channel: a question goes to the client whose cell asks it, and only that client answers.

Most are the subkernel's; ours (consent, questions of the model) are in `prompts.py`. A question may have been put by a kernel process
that was killed since: its answer comes to this one, perhaps before it is known what became of the session, and waits until then.
"""

from collections import deque

from actors.kernel.prompts import Prompts
from actors.kernel.state import KernelState, Phase
from beaker.wire.parts import Header, Parts

EARLY_LIMIT = 100
"""Answers that may wait; of more the oldest go. One client has one question open, or one per subshell."""


class Stdin:
    """Routes `input()`."""

    def __init__(self, state: KernelState, prompts: Prompts) -> None:
        self._state = state
        self._prompts = prompts
        self._early: deque[tuple[list[bytes], Parts]] = deque(maxlen=EARLY_LIMIT)

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
        if self._state.phase is Phase.STARTING:
            self._early.append((idents, parts))
        else:
            self._pass_on(idents, parts)

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
        state.inflight.input_answered(idents)
        link.send_stdin(parts)
