"""Tools that put code before the user; none of them runs it."""

from typing import Annotated

import msgspec

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
        msgspec.Meta(description="The cell it belongs behind. Only the place below the question is possible today."),
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
        return ProposeCell(turn=asking.turn, code=arguments.code, language=arguments.language or asking.language)

    def describe(self, reply: Proposed, /) -> str:
        """The number that stands beside it."""
        return f"Proposed as cell {reply.number}: the user sees its code and may run it. You will not see its output in this turn."


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
