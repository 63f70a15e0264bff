"""Gateways and a Jupyter server, for all tests that end their kernels and kill no more than workers; others start their own."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.kit.gateway_kernel import configure_ipython, serving_gateway
from tests.kit.jupyter_server import jupyter_server
from tests.kit.running_gateway import RunningGateway, Server

DESCRIPTORS = 900
"""That the user of the shared gateways may have open: fewer than she could ask for."""


@pytest.fixture(scope="session", params=[1, 3], ids=["one worker", "three workers"])
def gateway(request: pytest.FixtureRequest) -> Iterator[RunningGateway]:
    """Serves all tests of the group."""
    folder = Path(tempfile.mkdtemp(prefix="bg", dir="/tmp"))
    running = RunningGateway(folder, "--port", "0", "--workers", str(request.param))
    running.descriptors = DESCRIPTORS
    running.start()
    yield running
    running.close()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def plain_gateway() -> Iterator[RunningGateway]:
    """One without options, of one worker, for suites that run on kernels of it and kill nothing but those."""
    with serving_gateway() as running:
        configure_ipython(running)
        yield running


@pytest.fixture(scope="session")
def jupyter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Path]]:
    """A real Jupyter server, and the folder that it serves: a test leaves no kernel behind."""
    root = tmp_path_factory.mktemp("jupyter") / "test"
    (root / "sub").mkdir(parents=True)
    with jupyter_server(root, tmp_path_factory.mktemp("jr"), "--FileContentsManager.delete_to_trash=False") as server:
        yield server, root


@pytest.fixture
def start_gateway(short_folder: Path) -> Iterator[Callable[..., RunningGateway]]:
    """Starts one for a test alone."""
    made: list[RunningGateway] = []

    def start(*options: str, **variables: str) -> RunningGateway:
        made.append(RunningGateway(short_folder, *options, **variables).start())
        return made[-1]

    yield start
    for running in made:
        running.close()
