"""The entry module: names, the import path of a process of ours, and what is said where it cannot run."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import beaker_kernel
from actors.logs import command


def test_an_unknown_name_is_an_attribute_error_that_names_it() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        _ = beaker_kernel.nonsense


def test_every_public_name_can_be_imported() -> None:
    for name in dir(beaker_kernel):
        assert getattr(beaker_kernel, name) is not None


def test_on_windows_one_sentence_names_the_remedy(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(os, "name", "nt")
    for entry in (beaker_kernel.main, beaker_kernel.gateway):
        assert entry() == 1
        assert "WSL 2" in capsys.readouterr().err


ROOT = Path(beaker_kernel.__file__).parent


@pytest.mark.parametrize("words", [["gateway.py"], ["-m", "beaker_kernel", "-f", "x.json"]])
def test_a_python_without_what_we_need_is_told_how_to_get_it(words: list[str], tmp_path: Path) -> None:
    environment = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path), "PYTHONPATH": ""}
    done = subprocess.run([sys.executable, "-S", *words], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert f"beaker is not installed for {sys.executable}, which has no module " in done.stderr
    assert f"`{sys.executable} -m pip install .`" in done.stderr


def test_a_module_that_is_missing_in_something_else_is_no_word_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_words: list[str]) -> int:
        raise ModuleNotFoundError("No module named 'theirs'", name="theirs")

    monkeypatch.setattr(command, "main", fail)
    with pytest.raises(ModuleNotFoundError, match="theirs"):
        beaker_kernel.logs()


def test_what_we_need_is_what_is_installed_with_us() -> None:
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    modules = {re.match(r"[\w-]+", requirement)[0].replace("pyzmq", "zmq") for requirement in needed}  # type: ignore[index]  # each begins with a name
    assert modules == {*beaker_kernel._NEEDED}


def test_the_current_folder_leaves_the_import_path_before_the_standard_library_only(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    library = str(Path(os.__file__).parent)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), "", ".", "/elsewhere", library, str(tmp_path)])
    beaker_kernel._drop_current_folder()
    assert sys.path == ["/elsewhere", library, str(tmp_path)]


def test_a_folder_that_is_gone_is_no_reason_to_stop(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    before = list(sys.path)
    beaker_kernel._drop_current_folder()
    assert sys.path == before
