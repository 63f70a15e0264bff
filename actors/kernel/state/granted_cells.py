"""Code by the model while it runs in the subkernel: a cell of our own whose outputs belong to the cell that asked.

It is sent under our private session, takes a number and stands in In and Out. What it publishes is passed on with the asking
cell's header as parent, so that every client shows it below the answer. The outcome is known once the reply and the idle came, as for
any cell. Late outputs (threads, timers) still find their way as long as the cell is remembered. So do those for a cell that is long
over, as that of a question in the background is: JupyterLab and VS Code show what comes for a cell until it is run again.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field

from beaker.kernel.pending import ReplyFacts
from beaker.kernel.transcript import RECORDED

PASSED_ON = RECORDED | {"update_display_data", "clear_output", "comm_open", "comm_msg", "comm_close"}
"""What a cell may publish that its client must see."""

REMEMBERED = 200
"""Cells whose late outputs are passed on."""


@dataclass(slots=True)
class GrantedCell:
    """One run."""

    msg_id: str
    parent: bytes
    """What its outputs are passed on with: the header document of the asking client's request, or its own."""
    over: "asyncio.Future[ReplyFacts]"
    """Done when its reply and its idle came; cancelled when the subkernel ended first."""
    whole: bool = False
    """It is shown as a cell of its own: its status and input are passed on too."""
    begun: bool = False
    count: int | None = None
    facts: ReplyFacts | None = None
    idle: bool = False

    def begin(self, count: int | None) -> None:
        """The subkernel began it, under this number."""
        self.begun, self.count = True, count

    def settle(self) -> None:
        """Both came."""
        if self.facts is not None and self.idle and not self.over.done():
            self.over.set_result(self.facts)


@dataclass(slots=True)
class GrantedCells:
    """All that were sent, by the id of their request."""

    _cells: OrderedDict[str, GrantedCell] = field(default_factory=OrderedDict[str, GrantedCell])

    def add(self, cell: GrantedCell) -> None:
        """A run is about to be sent."""
        self._cells[cell.msg_id] = cell
        if len(self._cells) > REMEMBERED:
            self._cells.popitem(last=False)

    def find(self, msg_id: str) -> GrantedCell | None:
        """The run with this request's id; None if it is none, or long over."""
        return self._cells.get(msg_id)

    @property
    def under_way(self) -> bool:
        """Whether any is not over."""
        return any(not cell.over.done() for cell in self._cells.values())

    def idle(self, msg_id: str) -> None:
        """The subkernel is done with it."""
        if (cell := self._cells.get(msg_id)) is not None:
            cell.idle = True
            cell.settle()

    def replied(self, msg_id: str, facts: ReplyFacts) -> bool:
        """Its reply came; False if it is none of these."""
        cell = self._cells.get(msg_id)
        if cell is None:
            return False
        cell.facts = facts
        cell.settle()
        return True

    def lost(self, msg_id: str) -> None:
        """The subkernel ended before it answered."""
        if (cell := self._cells.get(msg_id)) is not None and not cell.over.done():
            cell.over.cancel()
