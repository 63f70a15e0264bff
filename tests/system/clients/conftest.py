"""What the client tests share: the name of the kernel under test, and an environment as a user's shell has it."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def kernel_name() -> str:
    """The kernel under test; KERNEL_UNDER_TEST=python3 shows what bare ipykernel does with the same test."""
    return os.environ.get("KERNEL_UNDER_TEST", "beaker")


@pytest.fixture
def environment() -> dict[str, str]:
    """The environment without pytest's mark, by which ipykernel would turn off its capture of what C code prints."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}


@pytest.fixture
def work_folder(tmp_path: Path) -> Path:
    """The folder that a kernel is started in."""
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Put in what a test starts by itself: what still runs at its end is ended."""
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait(10)
