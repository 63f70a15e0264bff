"""All notebooks that a kernel process is given, run by nbclient on a kernel of a gateway and on python3: equal cell by cell.

Left out is what they would tell no more of by this way: a kernel for each of them, as in one session none is in the way of another, and a
gateway of several workers, as one client's messages go by one of them. (Two clients at two workers: `test_kernels.py`.)

jupyter_server's own client of a gateway does not serve here: it opens its websocket without a token, and cannot read buffers.
"""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

from tests.kit.gateway_client import AsyncGatewayClient
from tests.kit.running_gateway import RunningGateway
from tests.system.clients.notebooks import ALL, Cell, notebook
from tests.system.clients.test_notebooks import CELL_LIMIT_S, executed, first_difference_of

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("plain gateway")]

CELLS: list[Cell] = [cell for cells in ALL.values() for cell in cells]
"""One behind the other in one session: it is the messages that have another way here, not the sessions."""


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


@pytest.mark.timeout(300)  # floods and plots on two kernels at once: twenty seconds of a processor
async def test_notebooks_come_out_as_on_python3(plain_gateway: RunningGateway, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    async with asyncio.TaskGroup() as group:
        ours = group.create_task(_executed_by(plain_gateway, CELLS))
        theirs = group.create_task(executed(CELLS, "python3", tmp_path, environment))
    assert first_difference_of(ours.result(), theirs.result(), CELLS) == ""
