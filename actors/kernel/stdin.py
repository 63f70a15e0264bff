"""The stdin channel: a question goes to the client whose cell asks it, and only that client answers.

Most are the subkernel's; ours (consent, questions of the model) are in `prompts.py`.
"""

from actors.kernel.prompts import Prompts
from actors.kernel.state import KernelState
from beaker.wire.parts import Header, Parts


class Stdin:
    """Routes `input()`."""

    def __init__(self, state: KernelState, prompts: Prompts) -> None:
        self._state = state
        self._prompts = prompts

    def request(self, parent: Header, parts: Parts) -> None:
        """The subkernel asks."""
        idents = self._state.stdin_routing.input_requested(parent.msg_id)
        if idents is None:
            self._state.log.warning("input.unroutable", parent=parent.msg_id)
            return
        self._state.front.send_stdin(idents, parts)

    def reply(self, idents: list[bytes], header: Header, parts: Parts) -> None:
        """A client answers."""
        if self._prompts.take(idents, header, parts):
            return
        link = self._state.ready_link()
        if link is None or not self._state.stdin_routing.may_reply(idents):
            self._state.log.info("input.unasked")
            return
        link.send_stdin(parts)
