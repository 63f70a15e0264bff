"""Makes two executions of one notebook comparable, by taking out what no two executions share.

Only this is touched, and why:
- memory addresses in reprs: where an object lies differs from process to process;
- process ids in the names that ipykernel gives to cells (`/tmp/ipykernel_123/456.py`, seen in warnings);
- model ids of widgets and comms: random by design, so each is named by the order of its first appearance;
- where a stream was cut into messages: a timer in ipykernel decides, so neighbouring pieces of one stream are joined.
"""

import json
import re
from typing import Any

from nbformat import NotebookNode

_ADDRESS = re.compile(r"\b0x[0-9a-f]{6,16}\b")
_CELL_FILE = re.compile(r"ipykernel_\d+")
_MODEL = re.compile(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")


def _joined(outputs: list[Any]) -> list[dict[str, Any]]:
    joined: list[dict[str, Any]] = []
    for output in outputs:
        last = joined[-1] if joined else None
        if last and output["output_type"] == "stream" == last["output_type"] and output["name"] == last["name"]:
            last["text"] += output["text"]
        else:
            joined.append(dict(output))
    return joined


def comparable(executed: NotebookNode) -> list[str]:
    """Gives one JSON text per cell (count, outputs, the names of the recorded times), and one for the notebook's widgets."""
    models: dict[str, str] = {}

    def text_of(value: object) -> str:
        text = _CELL_FILE.sub("ipykernel_PID", _ADDRESS.sub("0xADDRESS", json.dumps(value, sort_keys=True, ensure_ascii=False)))
        return _MODEL.sub(lambda found: models.setdefault(found[0], f"model-{len(models) + 1}"), text)

    cells = [
        text_of({"count": cell.execution_count, "outputs": _joined(cell.outputs), "times": sorted(cell.metadata.get("execution", {}))})
        for cell in executed.cells
    ]
    widgets = executed.metadata.get("widgets", {}).get("application/vnd.jupyter.widget-state+json", {}).get("state", {})
    return [*cells, "\n".join(text_of([key, state]) for key, state in widgets.items())]  # in the order of their creation
