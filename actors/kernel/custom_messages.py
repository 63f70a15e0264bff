"""Requests of our own kind, for interfaces that know us (PROTOCOL of upstream, kept and widened; `docs/messages.md`).

They come on shell or control and are answered there, with busy and idle once each, a reply with a true status, and a sentence
for whatever is wrong with them. The subkernel never sees them. This room is opened by the first of them.
"""

from actors.kernel.own_request import OwnRequest
from actors.kernel.request_face import RequestFace
from actors.kernel.state import KernelState, Phase
from actors.kernel.turns import Turns
from beaker.kernel.commands.command import Refused
from beaker.kernel.custom.question import read_llm_request
from beaker.kernel.requests import Channel
from beaker.wire.parts import CONTENT, Header, Parts


class CustomMessages:
    """Answers them."""

    def __init__(self, state: KernelState, turns: Turns) -> None:
        self._state = state
        self._turns = turns

    def take(self, idents: list[bytes], header: Header, parts: Parts, channel: Channel) -> None:
        """A request of a type in `kinds.OURS`."""
        state = self._state
        state.known_to_clients = True
        request = OwnRequest.begin(state, idents, header, parts, channel)
        if state.phase is Phase.CLOSING:
            request.abort()
            return
        match header.msg_type:
            case "llm_request":
                self._ask(request, parts)
            case kind:
                raise AssertionError(f"{kind} is answered nowhere")

    def _ask(self, request: OwnRequest, parts: Parts) -> None:
        wanted = read_llm_request(parts[CONTENT])
        if isinstance(wanted, Refused):
            request.fail("UsageError", wanted.reason)
        else:
            self._turns.ask(RequestFace(request), wanted)
