"""One gateway at each address, with secrets that stay."""

import os
import stat
from pathlib import Path

import pytest

from actors.guardian.places import AnotherGateway, Instance, StateUnusable, is_left
from beaker.settings.gateway import GatewaySettings

SETTINGS = GatewaySettings(port=8888)


@pytest.fixture(autouse=True)
def own_runtime_folder(short_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test leaves another must not find."""
    short_folder.chmod(0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(short_folder))


def test_there_is_one_at_each_address_and_the_next_one_finds_what_it_left() -> None:
    first = Instance(os.environ, SETTINGS, 8888)
    with pytest.raises(AnotherGateway, match=f"process {os.getpid()}"):
        Instance(os.environ, GatewaySettings(host="localhost"), 8888)
    other = Instance(os.environ, SETTINGS, 8889)
    assert other.folder != first.folder
    assert other.secret != first.secret
    other.leave(forget=True)
    first.leave(forget=False)
    again = Instance(os.environ, SETTINGS, 8888)
    assert (again.folder, again.state, again.secret) == (first.folder, first.state, first.secret)
    again.leave(forget=True)
    assert not again.folder.exists()
    assert not again.state.exists()


def test_one_whose_roles_have_ended_leaves_no_socket_of_theirs() -> None:
    instance = Instance(os.environ, SETTINGS, 8888)
    (instance.folder / "host-0.sock").touch()
    instance.leave(forget=False)
    assert [path.name for path in instance.folder.iterdir()] == ["lock"]


def test_nobody_else_can_read_its_secret() -> None:
    instance = Instance(os.environ, SETTINGS, 8888)
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (instance.folder, instance.state, instance.state / "secret")]
    assert modes == [0o700, 0o700, 0o600]
    assert instance.secret.kernel != instance.secret.cookie
    assert "secret" not in repr(instance.secret).lower().removeprefix("secret")
    instance.leave(forget=True)


@pytest.mark.parametrize(("content", "mode", "words"), [(b"short", 0o600, "is damaged"), (b"x" * 64, 0o644, "is not yours alone")])
def test_a_secret_that_is_none_is_refused(content: bytes, mode: int, words: str) -> None:
    instance = Instance(os.environ, SETTINGS, 8888)
    instance.leave(forget=False)
    (instance.state / "secret").write_bytes(content)
    (instance.state / "secret").chmod(mode)
    with pytest.raises(StateUnusable, match=words):
        Instance(os.environ, SETTINGS, 8888)


def test_a_state_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "beaker").write_text("")
    with pytest.raises(StateUnusable, match="Set XDG_STATE_HOME"):
        Instance({**os.environ, "XDG_STATE_HOME": str(tmp_path)}, SETTINGS, 8890)


def test_addresses_that_share_a_port_share_no_state() -> None:
    here, there = Instance(os.environ, SETTINGS, 8888), Instance(os.environ, GatewaySettings(host="127.0.0.2"), 8888)
    assert here.state.name == "gateway-8888"
    assert there.state != here.state
    for instance in (here, there):
        instance.leave(forget=True)


def test_one_that_was_killed_is_told_from_one_that_runs() -> None:
    assert not is_left(os.environ, SETTINGS)
    instance = Instance(os.environ, SETTINGS, 8888)
    assert not is_left(os.environ, SETTINGS)
    instance.leave(forget=False)
    assert is_left(os.environ, SETTINGS)
