"""How a cell that passed by is written down for the model."""

from beaker.agent.cutting import cut
from beaker.fence import mark_for, opening
from beaker.messages.look import SeenCell

FORMER = "a former one, its variables are gone"
"""Of a cell that ran before a restart or a death: a model writes code that needs what the cell made."""

CELL_LIMIT_CHARS = 2_000
"""What one cell's code or output may take: a screen of text."""


def cell_text(cell: SeenCell) -> str:
    """The code, the output and how it ended; with a handle where the whole output can be read.

    >>> print(cell_text(SeenCell(execution_count=3, code="1 + 1", output="2", status="ok")))
    <cell number="3" status="ok">
    1 + 1
    <output>
    2
    </output>
    </cell>
    """
    code, output = cut(cell.code, CELL_LIMIT_CHARS), cut(cell.output, CELL_LIMIT_CHARS)
    number = "" if cell.execution_count is None else str(cell.execution_count)
    mark = mark_for(["cell", "output"], code, output)
    session = FORMER if cell.former else ""
    lines = [opening("cell", mark, number=number, status=cell.status, session=session, handle=cell.handle), code]
    if output:
        lines += [f"<output{mark}>", output, f"</output{mark}>"]
    lines.append(f"</cell{mark}>")
    return "\n".join(lines)
