"""Notebooks run by nbclient on the kernel under test and on python3: equal cell by cell."""

import asyncio
from pathlib import Path

import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

from tests.system.clients.comparing import comparable
from tests.system.clients.notebooks import ALL, Cell, notebook

pytestmark = pytest.mark.slow

CELL_LIMIT_S = 60
"""No cell here takes more than a few seconds; a longer wait means that an idle or a reply was lost."""


async def _executed(cells: list[Cell], kernel: str, folder: Path, environment: dict[str, str]) -> NotebookNode:
    client = NotebookClient(
        notebook(cells), kernel_name=kernel, timeout=CELL_LIMIT_S, resources={"metadata": {"path": str(folder)}}, store_widget_state=True
    )
    done: NotebookNode = await client.async_execute(env=environment)
    return done


async def _first_difference(cells: list[Cell], kernel: str, folder: Path, environment: dict[str, str]) -> str:
    """Executes the cells on both kernels at the same time; empty when they agree, else where and how they do not."""
    ours, theirs = await asyncio.gather(*(_executed(cells, name, folder, environment) for name in (kernel, "python3")))
    for number, (our, their) in enumerate(zip(comparable(ours), comparable(theirs), strict=True)):
        if our != their:
            at = next((i for i, (a, b) in enumerate(zip(our, their, strict=False)) if a != b), min(len(our), len(their)))
            start = max(0, at - 200)
            what = cells[number] if number < len(cells) else "the state of the widgets"
            return f"cell {number}: {what!r}\n{kernel}: ...{our[start : at + 400]}\npython3: ...{their[start : at + 400]}"
    return ""


@pytest.mark.parametrize("name", ALL)
async def test_a_notebook_comes_out_as_on_python3(name: str, kernel_name: str, work_folder: Path, environment: dict[str, str]) -> None:
    assert await _first_difference(ALL[name], kernel_name, work_folder, environment) == ""


async def test_the_comparison_sees_a_difference(work_folder: Path, environment: dict[str, str]) -> None:
    cells: list[Cell] = ["print('same')", "import os\nos.getpid()"]
    assert "cell 1: " in await _first_difference(cells, "python3", work_folder, environment)


async def test_the_language_information_is_that_of_python3(kernel_name: str, work_folder: Path, environment: dict[str, str]) -> None:
    ours, theirs = [await _executed(["1"], name, work_folder, environment) for name in (kernel_name, "python3")]
    assert ours.metadata.language_info == theirs.metadata.language_info


async def test_a_cell_with_an_unexpected_error_stops_the_run(kernel_name: str, work_folder: Path, environment: dict[str, str]) -> None:
    from nbclient.exceptions import CellExecutionError

    with pytest.raises(CellExecutionError) as caught:
        await _executed(["x = 1", "x / 0", "print('not reached')"], kernel_name, work_folder, environment)
    assert caught.value.ename == "ZeroDivisionError"
