"""Tools that put code before the user; none of them runs it."""

from typing import Annotated

import msgspec

from beaker.agent.tools.deed import Deed, named
from beaker.agent.tools.tool import Arguments, Asking, Tool
from beaker.messages.turn import ProposeCell, Proposed, TurnRequest

CODE_LIMIT_CHARS = 100_000
"""The longest cell we put before a user; a model that writes more is repeating itself."""


class ProposeCellArguments(Arguments, frozen=True, kw_only=True):
    """Put code before the user as a notebook cell that she can run. It is not run by you: you do not see its output.

    Propose whole, runnable cells. The cell is shown in your answer by itself: do not repeat its code in your text.
    """

    code: Annotated[str, msgspec.Meta(description="The code of the cell.")]
    language: Annotated[str | None, msgspec.Meta(description="The language of the code; the session's own if left out.")] = None
    after: Annotated[
        str | None,
        msgspec.Meta(description="The number of the cell it belongs behind, if that is not the question. The user sees it as a wish."),
    ] = None


class ProposeCellTool(Tool[ProposeCellArguments, Proposed]):
    """`propose_cell`."""

    name = "propose_cell"
    arguments = ProposeCellArguments
    reply = Proposed

    def problem(self, arguments: ProposeCellArguments, /) -> str | None:
        """A cell has to have code, and of a size that a person reads."""
        return code_problem(self.name, arguments.code)

    def request(self, arguments: ProposeCellArguments, asking: Asking, /) -> TurnRequest:
        """A proposal, in the session's language if the model names none."""
        language = arguments.language or asking.language
        return ProposeCell(turn=asking.turn, code=arguments.code, language=language, after=arguments.after or "")

    def describe(self, reply: Proposed, /) -> str:
        """The number that stands beside it."""
        if reply.text_only:
            return f"Shown as text with the number {reply.number}: it is not in the session's language, so no cell is made of it."
        return f"Proposed as cell {reply.number}: the user sees its code and may run it. You will not see its output in this turn."

    def deed(self, arguments: ProposeCellArguments, /) -> Deed:
        """It stands in the answer."""
        del arguments
        return Deed("", "", "Could not propose a cell")


class EditCellArguments(Arguments, frozen=True, kw_only=True):
    """Put a changed version of a cell before the user, to take the place of the cell's code. She decides; it is not run by you.

    Give the whole code of the cell as it shall be. It is shown in your answer by itself: do not repeat it in your text.
    """

    cell_id: Annotated[str, msgspec.Meta(description="The number under which the cell ran.")]
    code: Annotated[str, msgspec.Meta(description="The whole new code of the cell.")]


class EditCellTool(Tool[EditCellArguments, Proposed]):
    """`edit_cell`. Over the plain protocol no cell of a notebook can be changed: it is a proposal that says which one it is for."""

    name = "edit_cell"
    arguments = EditCellArguments
    reply = Proposed

    def problem(self, arguments: EditCellArguments, /) -> str | None:
        """It has to name a cell, and have code."""
        if not arguments.cell_id.strip():
            return "The cell_id of edit_cell is empty. Give the number under which the cell ran, as read_cells shows it."
        return code_problem(self.name, arguments.code)

    def request(self, arguments: EditCellArguments, asking: Asking, /) -> TurnRequest:
        """A proposal for the place of that cell."""
        return ProposeCell(turn=asking.turn, code=arguments.code, language=asking.language, replaces=arguments.cell_id)

    def describe(self, reply: Proposed, /) -> str:
        """The number that stands beside it."""
        return (
            f"Proposed as cell {reply.number}, marked as the new version of that cell: the user sees it and may take it over. The old "
            "cell is unchanged until then."
        )

    def deed(self, arguments: EditCellArguments, /) -> Deed:
        """It stands in the answer."""
        return Deed("", "", f"Could not propose a change of cell {named(arguments.cell_id)}")


def code_problem(tool: str, code: str) -> str | None:
    """Say why code cannot be put before a user, None if it can.

    >>> code_problem("propose_cell", "")
    'The code of propose_cell is empty. Call it with the code of a whole cell.'
    """
    if not code.strip():
        return f"The code of {tool} is empty. Call it with the code of a whole cell."
    if len(code) > CODE_LIMIT_CHARS:
        return f"The code of {tool} has {len(code)} characters; at most {CODE_LIMIT_CHARS} are possible. Split it or make it shorter."
    return None
