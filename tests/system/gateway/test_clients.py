"""What a client does with a kernel beside running cells, by a gateway: widgets, subshells, the debugger, and the session's death.

They are tests of kernel processes, with another kernel: only what the traces (`test_traces.py`) do not show already.
"""

from collections.abc import Iterator

import pytest
from jupyter_client.blocking.client import BlockingKernelClient

from tests.kit.gateway_kernel import GatewayKernel, gateway_kernel
from tests.kit.running_gateway import RunningGateway
from tests.system.clients.test_comms import test_the_comms_of_a_widget_are_closed_behind_the_news_of_the_restart
from tests.system.clients.test_debugger import test_a_breakpoint_is_told_and_left
from tests.system.clients.test_subshells import test_a_subshell_runs_cells_while_the_main_shell_is_busy
from tests.system.faults.test_subkernel_death import test_killed_during_a_cell_every_request_gets_one_answer

__all__ = [  # what is collected here
    "test_a_breakpoint_is_told_and_left",
    "test_a_subshell_runs_cells_while_the_main_shell_is_busy",
    "test_killed_during_a_cell_every_request_gets_one_answer",
    "test_the_comms_of_a_widget_are_closed_behind_the_news_of_the_restart",
]

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("plain gateway")]


@pytest.fixture(scope="module")
def kernel(plain_gateway: RunningGateway) -> Iterator[GatewayKernel]:
    """One for all: none of them leaves anything behind but a session."""
    with gateway_kernel(plain_gateway) as kernel:
        yield kernel


@pytest.fixture
def client(kernel: GatewayKernel) -> BlockingKernelClient:
    return kernel.client
