"""Which client answers which `input()`.

An input_request goes to the client whose request is its parent, and only that client's reply is passed on: with two
browsers on one kernel the second cannot answer the first one's question.
"""

from collections import Counter, OrderedDict
from dataclasses import dataclass, field

REMEMBERED = 512
"""Threads may ask after their cell ended; so many cells back their client is still known."""


@dataclass(slots=True)
class StdinRouting:
    """Remembers who asked for what, and who was asked."""

    _clients: OrderedDict[str, list[bytes]] = field(default_factory=OrderedDict[str, list[bytes]])
    _asked: Counter[tuple[bytes, ...]] = field(default_factory=Counter[tuple[bytes, ...]])
    """How many questions each client has open: subshells may ask at the same time."""

    def executes(self, msg_id: str, idents: list[bytes]) -> None:
        """A client sent an execute_request that allows stdin."""
        self._clients[msg_id] = idents
        if len(self._clients) > REMEMBERED:
            self._clients.popitem(last=False)

    def input_requested(self, parent_msg_id: str) -> list[bytes] | None:
        """The subkernel asks: the identities of the client to ask, None when that client is not known any more."""
        idents = self._clients.get(parent_msg_id)
        if idents is not None:
            self._asked[tuple(idents)] += 1
        return idents

    def asks(self, idents: list[bytes]) -> bool:
        """Whether this client has a question open."""
        return self._asked[tuple(idents)] > 0

    def still_asked(self, idents: list[bytes]) -> None:
        """This client has a question open: a process before this one put it, or its answer could not be passed on."""
        self._asked[tuple(idents)] += 1

    def forget_questions(self) -> None:
        """The session that asked is gone."""
        self._asked.clear()

    def may_reply(self, idents: list[bytes]) -> bool:
        """Whether this client is the one that was asked; an answer is taken once."""
        if not self._asked[tuple(idents)]:
            return False
        self._asked[tuple(idents)] -= 1
        return True
