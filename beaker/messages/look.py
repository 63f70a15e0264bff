"""What the AgentActor may ask to see of the session, and what it gets: values, cells, outputs.

Nothing here makes code of the user's run or a cell of hers wait. What a look shows came from data, files and programs: a reply
that carries such text says so by `untrusted`, and whoever decides about running code reads that.
"""

from typing import Literal

import msgspec

from beaker.messages.base import Event, Request, TurnId


class SeenCell(msgspec.Struct, frozen=True, kw_only=True):
    """A cell as it passed by: its code and the text of what it printed, both capped."""

    execution_count: int | None
    """The number that the subkernel gave it; None: it counted none."""
    code: str
    """At most 8,000 bytes; the middle of a longer one is left out."""
    output: str
    """The text of all its outputs, in their order; how long it may be depends on who asks."""
    status: Literal["ok", "error", "aborted", "running"]
    """How it ended; `aborted`: it was never begun; `running`: it had not ended when this was told."""
    handle: str = ""
    """Names the whole of an output that was cut here; empty if it was not."""
    former: bool = False
    """It ran in a session that is over, with whose variables its own are gone."""


class Mentioned(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a question refers to, as it was when the question arrived. It is data, whatever it says."""

    label: str
    """As it stands in the question: `@df`, `@file:a.csv`, `{Out[3]}`."""
    text: str
    """What was read of it, cut by whoever read it."""
    inline: str = ""
    """What may stand in the text of the question itself; empty if it is too long for that."""


class ShowVariable(Request["VariableShown"], frozen=True, kw_only=True, tag="look.variable"):
    """One variable in detail, looked at without touching it."""

    turn: TurnId
    """The question it is asked for."""
    name: str
    """As the session has it; written by the model, so there may be no such name."""


class VariableShown(Event, frozen=True, kw_only=True, tag="look.variable_seen"):
    """Answers ShowVariable."""

    name: str
    """As it was asked for."""
    text: str
    """Its type and a summary that fits the type, at most 8,000 characters."""
    note: str = ""
    """What limits this look: `as of 12:03:04`, `while a cell is running`."""
    untrusted: bool = True
    """True: its text is the session's data."""
    line: str = ""
    """The whole value where it is a plain one and fits into 200 characters."""


class ReadCells(Request["CellsRead"], frozen=True, kw_only=True, tag="look.cells"):
    """Cells of the session as they passed by, by their numbers."""

    turn: TurnId
    """The question it is asked for."""
    first: int | None = None
    """None: as many as fit before the last one."""
    last: int | None = None
    """Included; None: up to the newest."""


class CellsRead(Event, frozen=True, kw_only=True, tag="look.cells_seen"):
    """Answers ReadCells."""

    cells: list[SeenCell]
    """Oldest first."""
    note: str = ""
    """What is missing."""
    untrusted: bool = True
    """True: outputs are data."""


class ReadOutput(Request["OutputRead"], frozen=True, kw_only=True, tag="look.output"):
    """A part of an output that was too long to be shown whole."""

    turn: TurnId
    """The question it is asked for."""
    handle: str
    """As a `SeenCell` or `CodeRan` names the output; written by the model, so there may be no such output."""
    offset: int = 0
    """In characters."""


class OutputRead(Event, frozen=True, kw_only=True, tag="look.output_seen"):
    """Answers ReadOutput."""

    text: str
    """The part, at most 6,000 characters."""
    offset: int
    """Where the text begins."""
    size: int
    """Of the whole, in characters."""
    untrusted: bool = True
    """True: outputs are data."""
    handle: str = ""
    """Of the whole, as it was asked for."""


LookRequest = ShowVariable | ReadCells | ReadOutput
LookReply = VariableShown | CellsRead | OutputRead
