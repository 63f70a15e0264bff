"""The same requests on `beaker` and on `python3`: what comes back is equal, message by message.

Where the two differ on purpose it stands in `DIFFERENCES`, with the reason; nothing else may differ.
"""

import difflib
import json
import os
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from jupyter_client.manager import KernelManager

from actors.kernel.channels.kernel_info import HINT
from tests.system.clients import cell_scenes, side_scenes
from tests.system.clients.tracing import Player, is_of
from tests.system.clients.wires import LIMIT_S, ZmqWire

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("traces")]

DIFFERENCES: dict[str, tuple[list[str], list[str]]] = {
    # ipykernel leaves a client that asks for what it does not know without a reply for ever; beaker answers in its place.
    "a request of an unknown type": (
        ['control {"type": "no_such_reply", "parent": 1, ', 'shell {"type": "no_such_reply", "parent": 0, '],
        [],
    ),
}
"""By scene: how the lines begin that only beaker has, and those that only python3 has."""

CONFIGURATION = "c.InteractiveShell.enable_tip = False; c.Completer.use_jedi = False\n"
"""Of both: a tip in the banner is another each time, and jedi reads for seconds before its first completion."""

PLAYS = cell_scenes.SCENES.plays | side_scenes.SCENES.plays
TWO_THREADS = cell_scenes.SCENES.two_threads | side_scenes.SCENES.two_threads


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return [tmp_path_factory.mktemp(name) for name in ("beaker", "python3")]


@pytest.fixture(scope="module")
def players(folders: list[Path]) -> Iterator[list[Player]]:
    """A client of each kernel. Both start at once, each with a history of its own."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    managers = [KernelManager(kernel_name=name) for name in ("beaker", "python3")]
    players: list[Player] = []
    try:
        for manager, folder in zip(managers, folders, strict=True):
            (folder / "ipython/profile_default").mkdir(parents=True)
            (folder / "ipython/profile_default/ipython_config.py").write_text(CONFIGURATION)
            manager.start_kernel(cwd=str(folder), env=environment | {"IPYTHONDIR": str(folder / "ipython")})
        for manager, folder in zip(managers, folders, strict=True):
            info = {**manager.get_connection_info()}
            player = Player(partial(ZmqWire, info), folder, ours=manager.kernel_name == "beaker", info=info)
            players.append(player)
            wait_until_subscribed(player)
        yield players
    finally:
        for player in players:
            player.close()
        for manager in managers:
            manager.shutdown_kernel()


def wait_until_subscribed(player: Player) -> None:
    """Return once a request's idle is heard: the first ones may pass before the subscription is known."""
    deadline = time.monotonic() + LIMIT_S
    while True:
        asked = player.send("kernel_info_request", {})
        try:
            player.settle(asked, limit_s=1)
        except TimeoutError:
            assert time.monotonic() < deadline
        else:
            break
    # On a busy machine an earlier one is answered later: its words are of no scene.
    for request in player.requests:
        player.until("shell", partial(is_of, request["msg_id"]))
    player.settle(player.send("kernel_info_request", {}))


def _play(name: str, player: Player) -> list[str]:
    """The trace of a scene. In each banner our line is taken out, where it has to stand: it says that this kernel can be asked."""
    player.begin()
    PLAYS[name](player)
    hint = json.dumps(HINT)[1:-1]
    lines: list[str] = []
    for line in player.trace(by_request=name in TWO_THREADS):
        if player.ours and '"type": "kernel_info_reply"' in line:
            assert line.count(hint) == 1
        lines.append(line.replace(hint, "") if player.ours else line)
    return lines


def not_meant(name: str, players: list[Player], meant: tuple[list[str], list[str]]) -> list[str]:
    """Play a scene on our kernel and on theirs; gives the lines in which the traces differ without being meant to."""
    ours, theirs = (_play(name, player) for player in players)
    different = [line for line in difflib.ndiff(theirs, ours) if line[0] in "+-"]
    for sign, beginnings in zip("+-", meant, strict=True):
        for beginning in beginnings:
            (found,) = (line for line in different if line.startswith(f"{sign} {beginning}"))
            different.remove(found)
    return different


@pytest.mark.parametrize("name", PLAYS)
def test_the_trace_is_that_of_python3(name: str, players: list[Player]) -> None:
    different = not_meant(name, players, DIFFERENCES.get(name, ([], [])))
    assert not different, "\n".join(different)


def test_every_difference_is_one_of_a_scene() -> None:
    assert set(DIFFERENCES) <= set(PLAYS)


def test_a_second_subscriber_is_welcomed_where_python3_welcomes_only_the_first(players: list[Player]) -> None:
    """JEP 65 wants it of each; ipykernel sees only the first, whose subscription no other had made before."""
    assert [player.first_of_another() for player in players] == ["iopub_welcome", "status"]
