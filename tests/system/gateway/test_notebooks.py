"""All notebooks that a kernel process is given, run by nbclient on a kernel of a gateway and on python3: equal cell by cell.

Left out is what they would tell no more of by this way: a gateway of several workers, as one client's messages go by one of them. (Two
clients at two workers: `test_kernels.py`.)

jupyter_server's own client of a gateway does not serve here: it opens its websocket without a token, and cannot read buffers.
"""

import asyncio
from typing import Any

import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

from tests.kit.gateway_client import AsyncGatewayClient
from tests.kit.running_gateway import RunningGateway
from tests.system.clients.executing import CELL_LIMIT_S, OnPython3, first_difference_of
from tests.system.clients.notebooks import ALL, Cell, notebook

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("plain gateway")]


class _Manager:
    """A kernel that runs, as nbclient wants one to be managed."""

    has_kernel = True

    def __init__(self, gateway: RunningGateway, kernel_id: str) -> None:
        self._gateway = gateway
        self._kernel_id = kernel_id

    def client(self) -> AsyncGatewayClient:
        """A client of it."""
        return AsyncGatewayClient(self._gateway.url, self._gateway.token, self._kernel_id)

    async def is_alive(self) -> bool:
        """It is: one that dies is told otherwise."""
        return True


async def _executed_by(gateway: RunningGateway, cells: list[Cell]) -> NotebookNode:
    kernel_id = await gateway.start_kernel("beaker")
    manager: Any = _Manager(gateway, kernel_id)  # Any: as much of a KernelManager as is used here
    limits = {"timeout": CELL_LIMIT_S, "iopub_timeout": CELL_LIMIT_S}
    client = NotebookClient(notebook(cells), km=manager, store_widget_state=True, **limits)
    try:
        done: NotebookNode = await client.async_execute()
    finally:
        if client.kc is not None:
            client.kc.stop_channels()
        await gateway.call("DELETE", f"/kernels/{kernel_id}")
    return done


@pytest.mark.timeout(300)  # floods and plots on two kernels at once take seconds of a processor
@pytest.mark.parametrize("name", ALL)
async def test_a_notebook_comes_out_as_on_python3(name: str, on_python3: OnPython3, plain_gateway: RunningGateway) -> None:
    async with asyncio.TaskGroup() as group:
        ours = group.create_task(_executed_by(plain_gateway, ALL[name]))
        theirs = group.create_task(on_python3.executed(name))
    assert first_difference_of(ours.result(), theirs.result(), ALL[name]) == ""
