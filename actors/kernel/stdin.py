"""The stdin channel: a question of the subkernel goes to the client whose cell asks it, and only that client answers."""

from actors.kernel.state import KernelState
from beaker.wire.parts import Header, Parts


class Stdin:
    """Routes `input()`."""

    def __init__(self, state: KernelState) -> None:
        self._state = state

    def request(self, parent: Header, parts: Parts) -> None:
        """The subkernel asks."""
        idents = self._state.stdin_routing.input_requested(parent.msg_id)
        if idents is None:
            self._state.log.warning("input.unroutable", parent=parent.msg_id)
            return
        self._state.front.send_stdin(idents, parts)

    def reply(self, idents: list[bytes], parts: Parts) -> None:
        """A client answers."""
        link = self._state.ready_link()
        if link is None or not self._state.stdin_routing.may_reply(idents):
            self._state.log.info("input.unasked")
            return
        link.send_stdin(parts)
