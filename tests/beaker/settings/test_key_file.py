"""A file that holds the key alone."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from beaker.settings.key_file import NoKey, read_key_file

CANARY = "sk-canary-0123456789"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """One that only its owner can read."""
    path = tmp_path / "key"
    path.write_text(f"{CANARY}\n")
    path.chmod(0o600)
    return path


def read(path: Path | str) -> str:
    return read_key_file(str(path), {"HOME": os.path.dirname(path)})


def test_its_content_is_the_key(file: Path) -> None:
    assert read(file) == f"{CANARY}\n"
    assert read_key_file("~/key", {"HOME": str(file.parent)}) == f"{CANARY}\n"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o644])
def test_one_that_others_can_read_or_change_is_refused(mode: int, file: Path) -> None:
    file.chmod(mode)
    with pytest.raises(NoKey, match=f"others can read {file}; run chmod 600 on it"):
        read(file)
    assert stat.S_IMODE(file.stat().st_mode) == mode, "it is the user's file"


def test_one_of_another_user_is_refused_and_one_of_root_is_not(
    file: Path, monkeypatch: pytest.MonkeyPatch, need: Callable[..., None]
) -> None:
    need("root, who alone can give a file away", there=os.getuid() == 0)
    file.chmod(0o644)
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    assert read(file) == f"{CANARY}\n"
    os.chown(file, 54321, -1)
    with pytest.raises(NoKey, match="belongs to another user"):
        read(file)


@pytest.mark.parametrize(("path", "what"), [("/", "a folder"), ("/dev/zero", "no ordinary file")])
def test_nobody_is_told_to_change_the_mode_of_what_is_no_file(path: str, what: str) -> None:
    with pytest.raises(NoKey, match=f"^{path} is {what}, and has to be a file$"):
        read_key_file(path, {})


@pytest.mark.parametrize("make", [lambda path: path.mkdir(0o700), lambda path: os.mkfifo(path, 0o600), lambda path: None])
def test_what_is_no_file_is_said_at_once(make: object, tmp_path: Path) -> None:
    assert callable(make)
    make(tmp_path / "it")
    with pytest.raises(NoKey, match=r"it[: ]"):
        read(tmp_path / "it")


def test_a_relative_path_is_refused() -> None:
    with pytest.raises(NoKey, match="absolute"):
        read_key_file("key", {})
