"""Notebooks run by nbclient on the kernel under test and on python3: equal cell by cell."""

import asyncio
from pathlib import Path

import pytest
import zmq.asyncio
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbformat import NotebookNode

from tests.system.clients.comparing import comparable
from tests.system.clients.notebooks import ALL, Cell, notebook

pytestmark = pytest.mark.slow

CELL_LIMIT_S = 100
"""No cell here takes more than a few seconds; a longer wait means that an idle or a reply was lost."""


class _RoomyClient(AsyncKernelClient):
    """A client whose sockets keep all that comes until nbclient reads it: by default ZeroMQ drops outputs beyond 1000, in silence."""

    def _context_default(self) -> zmq.asyncio.Context:
        context = super()._context_default()
        context.rcvhwm = 0
        return context


class _Manager(AsyncKernelManager):
    """A manager that makes such clients."""

    client_factory = _RoomyClient


async def _keep_awake(client: NotebookClient) -> None:
    """Makes nbclient look at its shell socket again and again, so that a reply does not wait until the cell's limit.

    jupyter_client (8.10) sends by a shadow of the socket, behind the back of zmq.asyncio, which then misses the edge of the socket's
    descriptor: a reply that comes in while nbclient's Output widget sends is noticed only when the wait ends. So on python3 too.
    """
    while True:
        if client.kc is not None and not (socket := client.kc.shell_channel.socket).closed:
            await socket.poll(100)
        await asyncio.sleep(0.05)


async def executed(cells: list[Cell], kernel: str, folder: Path, environment: dict[str, str]) -> NotebookNode:
    client = NotebookClient(
        notebook(cells),
        kernel_name=kernel,
        kernel_manager_class=_Manager,
        timeout=CELL_LIMIT_S,
        iopub_timeout=CELL_LIMIT_S,
        resources={"metadata": {"path": str(folder)}},
        store_widget_state=True,
    )
    keeping_awake = asyncio.create_task(_keep_awake(client))
    try:
        done: NotebookNode = await client.async_execute(env=environment)
    finally:
        keeping_awake.cancel()
    return done


def first_difference_of(ours: NotebookNode, theirs: NotebookNode, cells: list[Cell]) -> str:
    """Empty when two executed notebooks agree, in the language that they name too; else where and how they do not."""
    if ours.metadata.language_info != theirs.metadata.language_info:
        return f"the language\nours: {ours.metadata.language_info}\npython3: {theirs.metadata.language_info}"
    for number, (our, their) in enumerate(zip(comparable(ours), comparable(theirs), strict=True)):
        if our != their:
            at = next((i for i, (a, b) in enumerate(zip(our, their, strict=False)) if a != b), min(len(our), len(their)))
            start = max(0, at - 200)
            what = cells[number] if number < len(cells) else "the state of the widgets"
            return f"cell {number}: {what!r}\nours: ...{our[start : at + 400]}\npython3: ...{their[start : at + 400]}"
    return ""


async def _first_difference(cells: list[Cell], kernel: str, folder: Path, environment: dict[str, str]) -> str:
    """Executes the cells on both kernels at the same time."""
    async with asyncio.TaskGroup() as group:
        ours, theirs = [group.create_task(executed(cells, name, folder, environment)) for name in (kernel, "python3")]
    return first_difference_of(ours.result(), theirs.result(), cells)


@pytest.mark.parametrize("name", ALL)
async def test_a_notebook_comes_out_as_on_python3(name: str, kernel_name: str, work_folder: Path, environment: dict[str, str]) -> None:
    assert await _first_difference(ALL[name], kernel_name, work_folder, environment) == ""


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
