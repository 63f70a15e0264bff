"""The conformance suite of the Jupyter project, whole, on a kernel of a gateway: every request and reply goes by a websocket.

Left out is its test of `iopub_welcome` (JEP 65), which greets a subscriber of a kernel's own socket: no websocket of jupyter_server is
greeted either, whatever its kernel does.
"""

from collections.abc import Iterator

import pytest

from tests.kernel_protocol import test_jupyter_kernel_test as own_suite
from tests.kit.gateway_kernel import configure_ipython, gateway_kernel, serving_gateway

pytestmark = pytest.mark.slow


class TestKernelConformance(own_suite.TestKernelConformance):
    """With the samples that a kernel process is tested with, all of them."""

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def kernel(cls) -> Iterator[None]:
        """In place of the kernel and the client that the suite starts."""
        with serving_gateway() as gateway:
            configure_ipython(gateway)
            with gateway_kernel(gateway) as kernel:
                cls.kc = kernel.client
                yield

    @classmethod
    def setUpClass(cls) -> None:
        """Nothing: see `kernel`."""

    @classmethod
    def tearDownClass(cls) -> None:
        """Likewise."""
