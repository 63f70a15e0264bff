"""Nodes for the tests of this folder: one by itself, whose clock is turned by hand, and two to be linked."""

from collections.abc import AsyncIterator

import pytest

from actors.runtime.kit import ManualClock
from actors.runtime.node import Node


@pytest.fixture
async def clock() -> ManualClock:
    """The clock of the one."""
    return ManualClock()


@pytest.fixture
async def node(clock: ManualClock) -> AsyncIterator[Node]:
    """The one."""
    node = Node("test", clock=clock)
    yield node
    await node.stop()


@pytest.fixture
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where the two meet."""
    return str(tmp_path_factory.mktemp("s") / "a.sock")


@pytest.fixture
async def server() -> AsyncIterator[Node]:
    """The one that listens."""
    node = Node("server", protocol=3)
    yield node
    await node.stop()


@pytest.fixture
async def client() -> AsyncIterator[Node]:
    """The one that connects."""
    node = Node("client", protocol=3)
    yield node
    await node.stop()
