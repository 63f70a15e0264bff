"""Kernels that are asked: one with the demo model, one whose model follows the test's script, and one whose model falls silent."""

from collections.abc import Iterator

import pytest

from tests.kit.running_kernel import RunningKernel, running_kernel
from tests.kit.shared_kernel import SharedKernel, shared_kernel  # noqa: F401  # tests find it as `shared`
from tests.scripted.replies import STALL
from tests.scripted.threaded import serving


@pytest.fixture(scope="session")
def demo() -> Iterator[RunningKernel]:
    """Shared: questions leave nothing behind that another test would trip over."""
    with running_kernel() as kernel:
        yield kernel


@pytest.fixture
def stalling(shared: SharedKernel) -> Iterator[RunningKernel]:
    """Its model says a few words and no more."""
    with shared.asking(STALL) as (kernel, _):
        yield kernel


@pytest.fixture
def stalling_alone() -> Iterator[RunningKernel]:
    """Likewise, for a test that kills or counts from one."""
    with serving([STALL]) as endpoint, running_kernel(env=endpoint.environment) as kernel:
        yield kernel
