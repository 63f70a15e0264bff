"""The code of ours as syntax, for tests that look for a habit or a rule in all of it: each file is read and walked once.

Such tests say the same on any Python, and are marked `source`: they run in one process, which then holds the only copy, and
a second run of the tests beside the first leaves them out (`-m 'not source'`, in `.ci/run`).
"""

import ast
import tokenize
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

SOURCE = [pytest.mark.source, pytest.mark.xdist_group("source")]
"""The marks of such a test."""


def own_files(root: Path = ROOT) -> list[Path]:
    """The files of the product, below another root too."""
    return sorted([*root.glob("actors/**/*.py"), *root.glob("beaker/**/*.py"), *root.glob("*.py")])


@cache
def tree_of(file: Path) -> ast.Module:
    """The syntax of a file."""
    return ast.parse(file.read_bytes())


@cache
def nodes_of(file: Path) -> list[ast.AST]:
    """Every node of a file's syntax, as `ast.walk` gives them."""
    return list(ast.walk(tree_of(file)))


@cache
def commented_in(file: Path) -> set[int]:
    """The lines of a file that end with a comment."""
    with file.open("rb") as stream:
        return {token.start[0] for token in tokenize.tokenize(stream.readline) if token.type == tokenize.COMMENT}
