"""The entry module: names, the import path of a process of ours, and what is said where it cannot run."""

import os
import sys
from pathlib import Path

import pytest

import beaker_kernel


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
