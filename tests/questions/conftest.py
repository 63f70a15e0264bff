"""Kernels that are asked: one with the demo model, and one whose model falls silent in the middle of its answer."""

from collections.abc import Iterator

import pytest

from tests.kit.running_kernel import RunningKernel, running_kernel
from tests.kit.scripted_process import scripted


@pytest.fixture(scope="module")
def demo() -> Iterator[RunningKernel]:
    """Shared: questions leave nothing behind that another test would trip over."""
    with running_kernel() as kernel:
        yield kernel


@pytest.fixture
def stalling() -> Iterator[RunningKernel]:
    """Its model says a few words and no more."""
    with scripted("stall") as env, running_kernel(env=env) as kernel:
        yield kernel
