"""`metadata.notebook_state` of `llm_request`: the notebook as its interface shows it, also what was never run.

It is a hint: what cannot be read of it is left out, and a question never fails for it.
"""

import msgspec

from beaker.fence import fenced
from beaker.kernel.custom.reading import CONTENT_LIMIT_BYTES
from beaker.messages.look import Mentioned
from beaker.wire.parts import UNREADABLE

LABEL = "the notebook"
NOTEBOOK_CHARS = 24_000
"""What its cells together may take: about 6,000 tokens. The last ones are kept: they are the nearest to a question."""

CELL_CHARS = 2_000
"""Of one cell: a screen of text."""


class _Cell(msgspec.Struct, frozen=True):
    cell_type: str = "code"
    source: str | list[str] = ""
    id: str | None = None


class _State(msgspec.Struct, frozen=True):
    cells: list[_Cell] = []


class _Metadata(msgspec.Struct, frozen=True):
    notebook_state: _State | None = None


def read_notebook(metadata: bytes) -> Mentioned | None:
    """The notebook's cells as text; None if there are none, or nothing can be read.

    Args:
        metadata: of the request; `notebook_state` in it has the form of an .ipynb document, of which sources, types and ids are read.
    """
    if b'"notebook_state"' not in metadata or len(metadata) > CONTENT_LIMIT_BYTES:
        return None
    try:
        state = msgspec.json.decode(metadata, type=_Metadata).notebook_state
    except UNREADABLE:
        return None
    written = [] if state is None else [_written(cell) for cell in state.cells]
    kept: list[str] = []
    size = 0
    for text in reversed(written):
        size += len(text)
        if size > NOTEBOOK_CHARS:
            break
        kept.append(text)
    if not kept:
        return None
    missing = len(written) - len(kept)
    head = [f"({missing} earlier cells are left out)"] if missing else []
    return Mentioned(label=LABEL, text="\n".join([*head, *reversed(kept)]))


def _written(cell: _Cell) -> str:
    source = cell.source if isinstance(cell.source, str) else "".join(cell.source)
    # Half of a pair of surrogates, which some editors leave behind, cannot be sent on.
    source = source.encode(errors="replace").decode()
    if len(source) > CELL_CHARS:
        source = f"{source[:CELL_CHARS]}\n[{len(source) - CELL_CHARS} more characters]"
    kind, name = (text.encode(errors="replace").decode() for text in (cell.cell_type, cell.id or ""))
    return fenced("cell", source, type=kind[:20], id=name[:64])
