"""Runs notebooks by nbclient, on the kernel under test and on python3, and finds where they came out differently."""

import asyncio
import os
from pathlib import Path

import zmq.asyncio
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbformat import NotebookNode

from tests.system.clients.comparing import comparable
from tests.system.clients.notebooks import ALL, Cell, notebook

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
    """Runs these cells on a kernel of their own."""
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


class OnPython3:
    """The notebooks as python3 runs them: each once for all tests that compare something with it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._done: dict[str, NotebookNode] = {}

    async def executed(self, name: str) -> NotebookNode:
        """Runs the notebook of this name, if nobody has yet."""
        if name not in self._done:
            folder = self._folder / f"{len(self._done)}"
            folder.mkdir()
            environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
            self._done[name] = await executed(ALL[name], "python3", folder, environment)
        return self._done[name]


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
