"""The comms that are open between clients and the subkernel: what has to be closed when the subkernel is gone.

Either side opens and closes them, so what both say is heard; of their content only the id is read. A comm knows nothing of
lives: with the subkernel goes its other end, and whoever holds one would talk to nobody.
"""

from dataclasses import dataclass, field

import msgspec

from beaker.wire.parts import UNREADABLE

COMM_LIFE = frozenset({"comm_open", "comm_close"})
"""The messages that begin and end one."""

REMEMBERED = 10_000
"""Widgets open three each, and never close what a cell left behind when it was run again. Beyond this the oldest is forgotten: it is
not closed by us, as none would be on python3."""

ID_CHARS = 200
"""A longer id is no UUID, and not remembered."""


class _Named(msgspec.Struct, frozen=True):
    comm_id: str = ""


_decoder = msgspec.json.Decoder(_Named)


@dataclass(slots=True)
class OpenComms:
    """Their ids, oldest first."""

    _ids: dict[str, None] = field(default_factory=dict[str, None])

    def heard(self, msg_type: str, content: bytes) -> None:
        """One of COMM_LIFE passed by, whichever way."""
        try:
            comm_id = _decoder.decode(content).comm_id
        except UNREADABLE:
            return
        if msg_type == "comm_close":
            self._ids.pop(comm_id, None)
        else:
            self.opened(comm_id)

    def opened(self, comm_id: str) -> None:
        """It is open."""
        if not comm_id or len(comm_id) > ID_CHARS:
            return
        self._ids[comm_id] = None
        if len(self._ids) > REMEMBERED:
            del self._ids[next(iter(self._ids))]

    def take(self) -> list[str]:
        """All that are open, forgotten here."""
        ids, self._ids = list(self._ids), {}
        return ids
