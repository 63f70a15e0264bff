"""The same requests on `beaker` by a gateway and on `python3` by its own sockets: what comes back is equal, message by message.

The scenes, and what is made comparable, are those of a kernel process (`tests/system/clients/test_traces.py`).
"""

import os
import queue
from collections.abc import Iterator
from functools import partial
from typing import cast

import pytest
from jupyter_client.manager import KernelManager

from beaker.wire.websocket import WebsocketChannel
from tests.kit.gateway_client import Framing, KernelSocket
from tests.kit.gateway_kernel import GatewayKernel
from tests.kit.running_gateway import RunningGateway
from tests.system.clients.test_traces import CONFIGURATION, DIFFERENCES, PLAYS, not_meant, wait_until_subscribed
from tests.system.clients.tracing import Player
from tests.system.clients.wires import ZmqWire

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("plain gateway")]

OF_A_GATEWAY = DIFFERENCES | {
    # Its clients come by the gateway's own port; there are no others.
    "the ports": (['shell {"type": "connect_reply", "parent": 0, "content": {"status": "ok"}, '], ['shell {"type": "connect_reply", ']),
}

BY_THE_OLDER_FRAMING_TOO = [
    "prints a result and displays in their order",
    "input and a password that are answered",
    "a comm both ways with buffers",
    "kernel info on both channels",
]
"""Together they have all that a framing carries: four channels, buffers, and letters that take several bytes."""


class WebsocketWire:
    """One websocket of a kernel of a gateway."""

    def __init__(self, kernel: GatewayKernel, framing: Framing, session: str) -> None:
        self._came: queue.Queue[tuple[WebsocketChannel, list[bytes]]] = queue.Queue()
        self._socket = KernelSocket(
            kernel.gateway.url,
            kernel.gateway.token,
            kernel.kernel_id,
            lambda channel, parts: self._came.put((channel, parts)),
            session_id=session,
            framing=framing,
        )

    def send(self, channel: str, parts: list[bytes]) -> None:
        """Send a message: its four documents, and buffers."""
        self._socket.send(cast(WebsocketChannel, channel), parts)

    def receive(self, limit_s: float) -> Iterator[tuple[str, list[bytes]]]:
        """What has come, by channels; waits so long for the first of it."""
        try:
            yield self._came.get(timeout=limit_s)
            while True:
                yield self._came.get_nowait()
        except queue.Empty:
            return

    def close(self) -> None:
        """Leave."""
        self._socket.close()


@pytest.fixture(scope="module")
def kernel(plain_gateway: RunningGateway) -> Iterator[GatewayKernel]:
    (plain_gateway.root / "traces").mkdir()
    for file in (plain_gateway.folder / "home/.ipython/profile_default").glob("history.sqlite*"):
        file.unlink()  # what other sessions ran: python3 has a history of its own too
    kernel = GatewayKernel(plain_gateway, folder=plain_gateway.root / "traces")
    kernel.client.stop_channels()  # the players have their own
    yield kernel
    kernel.close()


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Player]:
    """A client of python3, with a history of its own."""
    folder = tmp_path_factory.mktemp("python3")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    (folder / "ipython/profile_default").mkdir(parents=True)
    (folder / "ipython/profile_default/ipython_config.py").write_text(CONFIGURATION)
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel(cwd=str(folder), env=environment | {"IPYTHONDIR": str(folder / "ipython")})
    info = {**manager.get_connection_info()}
    player = Player(partial(ZmqWire, info), folder, ours=False, info=info)
    try:
        wait_until_subscribed(player)
        yield player
    finally:
        player.close()
        manager.shutdown_kernel()


def _ours(kernel: GatewayKernel, framing: Framing) -> Player:
    player = Player(partial(WebsocketWire, kernel, framing), kernel.gateway.root / "traces", ours=True)
    wait_until_subscribed(player)
    return player


@pytest.fixture(scope="module")
def v1(kernel: GatewayKernel) -> Iterator[Player]:
    player = _ours(kernel, "v1")
    yield player
    player.close()


@pytest.fixture(scope="module")
def legacy(kernel: GatewayKernel) -> Iterator[Player]:
    player = _ours(kernel, "legacy")
    yield player
    player.close()


@pytest.mark.parametrize("name", PLAYS)
def test_the_trace_is_that_of_python3(name: str, v1: Player, theirs: Player) -> None:
    different = not_meant(name, [v1, theirs], OF_A_GATEWAY.get(name, ([], [])))
    assert not different, "\n".join(different)


@pytest.mark.parametrize("name", BY_THE_OLDER_FRAMING_TOO)
def test_the_trace_is_that_of_python3_by_the_older_framing_too(name: str, legacy: Player, theirs: Player) -> None:
    different = not_meant(name, [legacy, theirs], OF_A_GATEWAY.get(name, ([], [])))
    assert not different, "\n".join(different)
