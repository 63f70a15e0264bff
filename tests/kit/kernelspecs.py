"""Kernelspecs of a test's own."""

import json
import os
from pathlib import Path
from typing import Any


def install(name: str, argv: list[str] | None, **more: Any) -> Path:
    """Write a kernelspec where Jupyter finds it; None for one without argv."""
    folder = Path(os.environ["JUPYTER_DATA_DIR"]) / "kernels" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "kernel.json").write_text(
        json.dumps({"display_name": name, "language": "python", **({} if argv is None else {"argv": argv}), **more})
    )
    return folder
