"""Kernels that are asked: one with the demo model, and two whose model follows the test's script, of which one is for tests that kill.

All tests here run in one process, so that each of the kernels is started once.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.kit.questions import PATIENT_LOOKS
from tests.kit.running_kernel import RunningKernel, running_kernel
from tests.kit.shared_kernel import SharedKernel
from tests.scripted.replies import STALL


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the tests of this folder into one group, for the kernels that they share."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.xdist_group("questions"))


@contextmanager
def patient_kernel(*, env: Mapping[str, str], folder: Path) -> Iterator[RunningKernel]:
    with running_kernel(env={**env, **PATIENT_LOOKS}, folder=folder) as kernel:
        yield kernel


@pytest.fixture(scope="session")
def demo() -> Iterator[RunningKernel]:
    """Shared: questions leave nothing behind that another test would trip over."""
    with running_kernel(env=PATIENT_LOOKS) as kernel:
        yield kernel


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedKernel]:
    """Shared, and as if nobody had asked."""
    kernel = SharedKernel(tmp_path_factory.mktemp("shared"), start=patient_kernel)
    yield kernel
    kernel.close()


@pytest.fixture
def stalling(shared: SharedKernel) -> Iterator[RunningKernel]:
    """Its model says a few words and no more."""
    with shared.asking(STALL) as (kernel, _):
        yield kernel


@pytest.fixture(scope="session")
def battered(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedKernel]:
    """Shared by tests that kill one of its processes, or interrupt more than the last test would: each finds it whole."""
    kernel = SharedKernel(tmp_path_factory.mktemp("battered"), start=patient_kernel)
    yield kernel
    kernel.close()


@pytest.fixture
def stalling_battered(battered: SharedKernel) -> Iterator[RunningKernel]:
    """Its model says a few words and no more."""
    with battered.asking(STALL, STALL) as (kernel, _):
        yield kernel
