"""How the demo model mends the last error: a few rules that look at the error's own words and at names that exist."""

import re
from difflib import get_close_matches

import msgspec

from beaker.agent.demo_scene import Held, ReadCell, column_names

IMPORTS = {
    "np": "import numpy as np",
    "pd": "import pandas as pd",
    "plt": "import matplotlib.pyplot as plt",
    "sns": "import seaborn as sns",
    "math": "import math",
    "re": "import re",
    "json": "import json",
    "os": "import os",
    "Path": "from pathlib import Path",
    "datetime": "from datetime import datetime",
    "Counter": "from collections import Counter",
    "defaultdict": "from collections import defaultdict",
}
DISTRIBUTIONS = {
    "sklearn": "scikit-learn",
    "cv2": "opencv-python",
    "PIL": "pillow",
    "yaml": "pyyaml",
    "bs4": "beautifulsoup4",
    "skimage": "scikit-image",
}


class Repair(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong, and the cell that mends it."""

    words: str
    code: str = ""
    """Empty: the rules know no remedy."""
    edits: bool = False
    """It is the cell that failed, with the mistake mended."""


class _Case(msgspec.Struct, frozen=True, kw_only=True):
    cell: ReadCell
    wrong: str
    """The name, key or path that the error complains of."""
    cells: list[ReadCell]
    variables: list[Held]


def error_line(cell: ReadCell) -> str:
    """Give the line that names the error: the last one of the traceback that begins with a class name.

    >>> error_line(ReadCell(code="x", output="Traceback ...\\nNameError: name 'x' is not defined\\n", failed=True))
    "NameError: name 'x' is not defined"
    """
    plain = re.sub(r"\x1b\[[0-9;]*m", "", cell.output)
    lines = [
        line.strip() for line in plain.splitlines() if re.match(r"\s*[A-Za-z_][\w.]*(Error|Exception|Warning|Interrupt|NotFound)\b", line)
    ]
    return lines[-1] if lines else ""


def repair(cell: ReadCell, cells: list[ReadCell], variables: list[Held]) -> Repair:
    """Find the remedy for a cell that failed."""
    line = error_line(cell)
    suggested = re.search(r"Did you mean:? '(\w+)'", line)
    for pattern, mend in _RULES:
        found = re.search(pattern, line)
        if found:
            wrong = found.group(1)
            if suggested and wrong not in IMPORTS:
                return _renamed(cell, wrong, suggested.group(1))
            return mend(_Case(cell=cell, wrong=wrong, cells=cells, variables=variables))
    return Repair(
        words=f"the last error is `{line[:200]}`, which none of my few rules can mend" if line else "I see no error in the latest cells"
    )


def _name_error(case: _Case) -> Repair:
    if case.wrong in IMPORTS:
        return Repair(words=f"`{case.wrong}` was never imported", code=f"{IMPORTS[case.wrong]}\n\n{case.cell.code}", edits=True)
    known = [held.name for held in case.variables] + [
        name for seen in case.cells for name in re.findall(r"^(\w+)\s*=[^=]", seen.code, re.MULTILINE)
    ]
    close = get_close_matches(case.wrong, [name for name in known if name != case.wrong], n=1)
    if close:
        return _renamed(case.cell, case.wrong, close[0])
    return Repair(words=f"`{case.wrong}` has no value yet: run the cell that defines it first, or tell me what it should be")


def _module_error(case: _Case) -> Repair:
    top = case.wrong.split(".")[0]
    return Repair(words=f"the module `{case.wrong}` is not installed", code=f"%pip install {DISTRIBUTIONS.get(top, top)}")


def _key_error(case: _Case) -> Repair:
    columns = [column for held in case.variables if "DataFrame" in held.type for column in column_names(held.summary)]
    close = get_close_matches(case.wrong.lower(), [column.lower() for column in columns], n=1, cutoff=0.5)
    if close:
        right = next(column for column in columns if column.lower() == close[0])
        words = f"there is no column `{case.wrong}`; the closest is `{right}`"
        return Repair(
            words=words,
            code=re.sub(rf"(['\"]){re.escape(case.wrong)}\1", lambda quote: quote.group(1) + right + quote.group(1), case.cell.code),
            edits=True,
        )
    frame = next(
        (held.name for held in case.variables if "DataFrame" in held.type and re.search(rf"\b{held.name}\b", case.cell.code)), None
    )
    if frame:
        return Repair(
            words=f"there is no column `{case.wrong}` in `{frame}`; this cell shows those there are", code=f"list({frame}.columns)"
        )
    return Repair(words=f"there is no key `{case.wrong}`, and I see nothing like it")


def _file_error(case: _Case) -> Repair:
    suffix = case.wrong.rsplit(".", 1)[-1] if "." in case.wrong else "*"
    code = f'from pathlib import Path\n\nsorted(str(path) for path in Path(".").rglob("*.{suffix}"))'
    return Repair(words=f"there is no file `{case.wrong}` here; this cell shows the ones of its kind", code=code)


def _attribute_error(case: _Case) -> Repair:
    return Repair(words=f"there is no attribute `{case.wrong}`, and I cannot tell what was meant")


def _renamed(cell: ReadCell, wrong: str, right: str) -> Repair:
    code = re.sub(rf"\b{re.escape(wrong)}\b", right, cell.code)
    return Repair(words=f"there is no `{wrong}`; you have `{right}`", code=code, edits=True)


_RULES = (
    (r"^ModuleNotFoundError: No module named '([\w.]+)'", _module_error),
    (r"^NameError: name '(\w+)' is not defined", _name_error),
    (r"^KeyError: ['\"]([^'\"]+)['\"]", _key_error),
    (r"^FileNotFoundError: .*No such file or directory: '([^']+)'", _file_error),
    (r"^AttributeError: .* has no attribute '(\w+)'", _attribute_error),
)
