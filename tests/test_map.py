"""ARCHITECTURE.md is the map: it names every file of ours, and none that is not there."""

import ast
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.kit.own_sources import ROOT, SOURCE, tree_of

pytestmark = SOURCE

MAP = (ROOT / "ARCHITECTURE.md").read_text()
NAMED = {name.rpartition("/")[2] for name in re.findall(r"`([\w/]+\.\w+)`", MAP)}


def _files() -> list[Path]:
    return sorted([*ROOT.glob("actors/**/*.py"), *ROOT.glob("beaker/**/*.py")])


@pytest.mark.parametrize("folder", ["actors", "beaker"])
def test_every_file_is_on_the_map(folder: str) -> None:
    here = [str(file.relative_to(ROOT)) for file in _files() if file.is_relative_to(ROOT / folder)]
    assert [file for file in here if file.rpartition("/")[2] not in NAMED] == []


def test_the_map_names_no_python_file_that_is_not_there() -> None:
    there = {file.name for file in [*_files(), *ROOT.glob("*.py"), *ROOT.glob("tests/**/*.py")]} | {"__init__.py"}
    assert {name for name in NAMED if name.endswith(".py")} - there == set()


def test_no_modules_import_each_other_in_a_circle() -> None:
    """At their top: what is imported inside a function, or for the type checker alone, closes no circle."""
    modules = {".".join(file.relative_to(ROOT).with_suffix("").parts): file for file in _files()}
    imports = {name: _imported_at_the_top(file) & modules.keys() for name, file in modules.items()}
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def _imported_at_the_top(file: Path) -> set[str]:
    found: set[str] = set()
    for node in tree_of(file).body:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found
