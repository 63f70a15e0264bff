"""Brings what arrives on a link to the mailboxes of the node, and stops reading while one of them is full.

A full mailbox is no reason to lose what was sent in good faith: its actor will have worked it off in a millisecond. So
what it cannot take is held, at most one read of the connection, and no more is read until it can. Control messages
pass by what is held; ordinary ones stay in order. Outcomes of asks never come here: they are never held up.
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Any

from actors.runtime.asks import Obligation
from actors.runtime.cell import Cell
from actors.runtime.dead_letters import DeadLetters
from actors.runtime.envelope import UNREACHABLE, Envelope
from actors.runtime.lanes import is_control

Arrival = Envelope[Any] | Obligation  # Any: the codec has checked it against the union of the link


class Inlet:
    """Delivers, holds, and paces the reading of one connection.

    Args:
        cells: the actors of the node, by name.
        transport: the connection whose reading is paced.
        dead_letters: the node's.
    """

    def __init__(
        self,
        cells: Mapping[str, Cell[Any]],  # Any: each cell has its own union
        transport: asyncio.Transport,
        dead_letters: DeadLetters,
    ) -> None:
        self._cells = cells
        self._transport = transport
        self._dead_letters = dead_letters
        self._held: deque[Arrival] = deque()

    def take(self, envelope: Envelope[Any]) -> None:  # Any: whatever the actor understands
        """Deliver a tell."""
        cell = self._cells.get(envelope.target)
        if cell is None:
            self._nobody(envelope)
        elif (self._held and not is_control(envelope.message)) or not cell.take(envelope):
            self._hold(envelope, cell)

    def take_ask(self, obligation: Obligation) -> None:
        """Deliver an ask."""
        envelope = obligation.envelope
        cell = self._cells.get(envelope.target)
        if cell is None:
            self._nobody(obligation)
        elif (self._held and not is_control(envelope.message)) or not cell.take_ask(obligation):
            self._hold(obligation, cell)

    def _hold(self, arrival: Arrival, cell: Cell[Any]) -> None:  # Any: each cell has its own union
        if not self._held:
            self._transport.pause_reading()
            cell.mailbox.when_room(self._deliver_held)
        self._held.append(arrival)

    def _deliver_held(self) -> None:
        held = self._held
        while held:
            arrival = held[0]
            envelope = arrival.envelope if isinstance(arrival, Obligation) else arrival
            cell = self._cells.get(envelope.target)
            if cell is None:
                self._nobody(arrival)
            elif not (cell.take_ask(arrival) if isinstance(arrival, Obligation) else cell.take(arrival)):
                cell.mailbox.when_room(self._deliver_held)
                return
            held.popleft()
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def _nobody(self, arrival: Arrival) -> None:
        if isinstance(arrival, Obligation):
            arrival.settle(UNREACHABLE, "no actor of this name runs there")
        else:
            self._dead_letters.record(arrival.target, "no such actor", arrival.message)
