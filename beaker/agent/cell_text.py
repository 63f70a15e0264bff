"""How a cell that passed by is written down for the model."""

from beaker.agent.cutting import cut
from beaker.messages.look import SeenCell

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
    number = "" if cell.execution_count is None else f' number="{cell.execution_count}"'
    handle = f' handle="{cell.handle}"' if cell.handle else ""
    lines = [f'<cell{number} status="{cell.status}"{handle}>', cut(cell.code, CELL_LIMIT_CHARS)]
    if cell.output:
        lines += ["<output>", cut(cell.output, CELL_LIMIT_CHARS), "</output>"]
    lines.append("</cell>")
    return "\n".join(lines)
