"""Notebooks run by nbclient on the kernel under test and on python3: equal cell by cell."""

import asyncio
from pathlib import Path

import pytest
from nbformat import NotebookNode

from tests.system.clients.executing import OnPython3, executed, first_difference_of
from tests.system.clients.notebooks import ALL, Cell, notebook

pytestmark = pytest.mark.slow

of_the_notebooks = pytest.mark.xdist_group("plain gateway")
"""These share with those of `gateway/test_notebooks.py` what python3 made of each."""


@of_the_notebooks
@pytest.mark.parametrize("name", ALL)
async def test_a_notebook_comes_out_as_on_python3(
    name: str, on_python3: OnPython3, kernel_name: str, work_folder: Path, environment: dict[str, str]
) -> None:
    async with asyncio.TaskGroup() as group:
        ours = group.create_task(executed(ALL[name], kernel_name, work_folder, environment))
        theirs = group.create_task(on_python3.executed(name))
    assert first_difference_of(ours.result(), theirs.result(), ALL[name]) == ""


def test_the_comparison_sees_a_difference() -> None:
    cells: list[Cell] = ["print('same')", "import os\nos.getpid()"]
    ours, theirs = notebook(cells), notebook(cells)
    assert first_difference_of(ours, theirs, cells) == ""
    for executed_one, pid in ((ours, "4711"), (theirs, "4712")):
        shown = {"output_type": "execute_result", "data": {"text/plain": pid}, "metadata": {}, "execution_count": 2}
        executed_one.cells[1].outputs.append(NotebookNode(shown))  # type: ignore[no-untyped-call]  # nbformat is untyped
    assert "cell 1: " in first_difference_of(ours, theirs, cells)
    assert "the language" in first_difference_of(ours, notebook(cells, language="R"), cells)


async def test_a_cell_with_an_unexpected_error_stops_the_run(kernel_name: str, work_folder: Path, environment: dict[str, str]) -> None:
    from nbclient.exceptions import CellExecutionError

    with pytest.raises(CellExecutionError) as caught:
        await executed(["x = 1", "x / 0", "print('not reached')"], kernel_name, work_folder, environment)
    assert caught.value.ename == "ZeroDivisionError"
