"""The conformance suite of the Jupyter project, whole, on a kernel of a gateway: every request and reply goes by a websocket.

Left out is its test of `iopub_welcome` (JEP 65), which greets a subscriber of a kernel's own socket: no websocket of jupyter_server is
greeted either, whatever its kernel does.
"""

from collections.abc import Iterator

import pytest

from tests.kernel_protocol import test_jupyter_kernel_test as own_suite
from tests.kit.gateway_kernel import gateway_kernel
from tests.kit.running_gateway import RunningGateway

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("plain gateway")]


class TestKernelConformance(own_suite.TestKernelConformance):
    """With the samples that a kernel process is tested with, all of them."""

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def kernel(cls, plain_gateway: RunningGateway) -> Iterator[None]:
        """In place of the kernel and the client that the suite starts."""
        with gateway_kernel(plain_gateway) as kernel:
            cls.kc = kernel.client
            yield

    @classmethod
    def setUpClass(cls) -> None:
        """Nothing: see `kernel`."""

    @classmethod
    def tearDownClass(cls) -> None:
        """Likewise."""
