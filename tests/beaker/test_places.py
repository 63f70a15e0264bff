"""Folders: private, found again, and short enough for sockets."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from beaker.messages.base import KernelId
from beaker.places import (
    SOCKET_PATH_LIMIT,
    KernelFolder,
    PlaceError,
    config_folder,
    kernel_folder,
    kernel_id,
    make_private,
    runtime_candidates,
    runtime_root,
    state_folder,
)

UID = os.getuid()


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder with a short path: pytest's own are too long for sockets below them."""
    path = Path(tempfile.mkdtemp(prefix="bk", dir="/tmp"))
    yield path
    shutil.rmtree(path)


def test_a_kernel_is_named_by_its_file_and_key(tmp_path: Path) -> None:
    file = tmp_path / "kernel-1.json"
    link = tmp_path / "link.json"
    file.touch()
    link.symlink_to(file)
    name = kernel_id(str(file), b"key")
    assert len(name) == 12
    assert kernel_id(str(link), b"key") == name
    assert kernel_id(str(file), b"other") != name


def test_the_runtime_folder_lies_in_the_users_runtime_directory(tmp_path: Path) -> None:
    root = runtime_root({"XDG_RUNTIME_DIR": str(tmp_path), "TMPDIR": "/elsewhere"}, uid=UID)
    assert root == tmp_path / "beaker"
    assert root.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("given", ["", "relative/path"])
def test_an_unusable_runtime_directory_gives_way_to_the_temporary_one(given: str, tmp_path: Path) -> None:
    candidates = runtime_candidates({"XDG_RUNTIME_DIR": given, "TMPDIR": str(tmp_path)}, uid=1234)
    assert candidates == [tmp_path / "beaker-1234", Path("/tmp/beaker-1234")]


def test_a_runtime_directory_that_is_missing_gives_way_to_the_temporary_one(tmp_path: Path) -> None:
    root = runtime_root({"XDG_RUNTIME_DIR": str(tmp_path / "missing"), "TMPDIR": str(tmp_path)}, uid=UID)
    assert root == tmp_path / f"beaker-{UID}"


def test_a_path_too_long_for_sockets_gives_way() -> None:
    candidates = runtime_candidates({"XDG_RUNTIME_DIR": "/run/" + "x" * 80, "TMPDIR": "/tmp/" + "y" * 90}, uid=7)
    assert candidates == [Path("/tmp/beaker-7")]


def test_every_socket_path_stays_within_the_limit() -> None:
    longest = "/run/" + "x" * (SOCKET_PATH_LIMIT - len("/run//beaker/0123456789ab/supervisor.sock"))
    [first, *_] = runtime_candidates({"XDG_RUNTIME_DIR": longest}, uid=7)
    folder = KernelFolder(first / "0123456789ab")
    assert len(os.fsencode(folder.supervisor_socket)) == SOCKET_PATH_LIMIT
    assert len(os.fsencode(folder.life(9_999_999) / "s-5")) <= SOCKET_PATH_LIMIT


def test_a_symlink_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(PlaceError, match="link is a symbolic link"):
        make_private(tmp_path / "link", uid=UID)


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(PlaceError, match="file is not a folder"):
        make_private(tmp_path / "file", uid=UID)


def test_a_folder_of_somebody_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    with pytest.raises(PlaceError, match=f"belongs to user {UID}, not to you \\({UID + 1}\\)"):
        make_private(tmp_path / "theirs", uid=UID + 1)


def test_an_open_folder_of_ours_is_tightened(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir(mode=0o755)
    make_private(tmp_path / "open", uid=UID)
    assert (tmp_path / "open").stat().st_mode & 0o777 == 0o700


def test_without_any_place_the_refusal_names_each(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    candidates = [tmp_path / "missing" / "beaker", tmp_path / "file"]
    candidates[1].touch()
    monkeypatch.setattr("beaker.places.runtime_candidates", lambda *_, **__: candidates)
    with pytest.raises(
        PlaceError, match=r"no place for sockets: .*missing/beaker cannot be made.*file is not a folder.*Set XDG_RUNTIME_DIR"
    ):
        runtime_root({}, uid=UID)


def test_a_kernels_folder_is_private_and_found_again(tmp_path: Path) -> None:
    environment = {"XDG_RUNTIME_DIR": str(tmp_path)}
    folder = kernel_folder(environment, KernelId("0123456789ab"), uid=UID)
    assert folder.path.stat().st_mode & 0o777 == 0o700
    assert kernel_folder(environment, KernelId("0123456789ab"), uid=UID) == folder


def test_state_and_configuration_follow_the_base_directories() -> None:
    assert state_folder({"XDG_STATE_HOME": "/s", "HOME": "/h"}) == Path("/s/beaker")
    assert state_folder({"HOME": "/h"}) == Path("/h/.local/state/beaker")
    assert config_folder({"XDG_CONFIG_HOME": "relative", "HOME": "/h"}) == Path("/h/.config/beaker")
