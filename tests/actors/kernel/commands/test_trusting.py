"""`%beaker trust`: shown first, given by the code that was shown, taken back."""

import re
from pathlib import Path
from typing import Any

import pytest

from actors.kernel.commands.trusting import Trusting
from beaker.kernel.commands.trust import GiveTrust, ShowTrust, TakeTrustBack
from tests.kit.settings import load_all

HARMLESS = "[agent]\nmodel = 'm'\n"


class Cell:
    """A cell of ours that keeps what it is told."""

    def __init__(self) -> None:
        self.plain = ""
        self.failed = ""

    def show(self, words: Any) -> None:  # Any: stands for an OwnCell, which needs a whole kernel
        self.plain = words.plain

    def fail(self, _name: str, reason: str) -> None:
        self.failed = reason


class Notebook:
    """A notebook's folder and the kernel that runs there."""

    def __init__(self, home: Path) -> None:
        self.environment = {"HOME": str(home)}
        self.home = home
        self.folder = home / "nb"
        self.folder.mkdir()
        self.start()

    def start(self) -> None:
        """Another kernel process."""
        self.trusting = Trusting(load_all(self.environment, folder=self.folder), self.environment)

    def type(self, order: ShowTrust | GiveTrust | TakeTrustBack) -> Cell:
        cell: Any = Cell()  # Any: see Cell
        self.trusting.perform(cell, order)
        return cell  # type: ignore[no-any-return]  # see Cell

    def code(self) -> str:
        found = re.search(r"%beaker trust ([0-9a-f]{6})\n", self.type(ShowTrust()).plain)
        assert found is not None
        return found[1]

    def model(self) -> str:
        """What holds for a kernel that starts now."""
        return load_all(self.environment, folder=self.folder).settings.agent.model


@pytest.fixture
def notebook(tmp_path: Path) -> Notebook:
    return Notebook(tmp_path)


def test_without_files_there_is_nothing_to_trust(notebook: Notebook) -> None:
    assert notebook.type(ShowTrust()).plain == f"There is nothing to trust: {notebook.folder} holds neither a beaker.toml nor a .env.\n"


def test_it_shows_what_the_files_would_change_and_what_they_never_will(notebook: Notebook) -> None:
    (notebook.folder / "beaker.toml").write_text(HARMLESS)
    (notebook.folder / ".env").write_text("OPENAI_API_KEY=sk-canary\nOPENAI_BASE_URL=http://evil.test/v1\nBEAKER_AGENT_MODE=auto\n")
    plain = notebook.type(ShowTrust()).plain
    assert f"{notebook.folder} has a beaker.toml and .env." in plain
    assert ["agent.model", '""', '"m"'] in [line.split() for line in plain.splitlines()]
    assert f"Not even then:\n  {notebook.folder}/.env: " in plain
    assert "OPENAI_API_KEY, OPENAI_BASE_URL" in plain
    assert "canary" not in plain


def test_showing_changes_nothing(notebook: Notebook) -> None:
    (notebook.folder / "beaker.toml").write_text(HARMLESS)
    notebook.type(ShowTrust())
    assert notebook.model() == ""


def test_the_code_trusts_the_files_for_later_kernels(notebook: Notebook) -> None:
    (notebook.folder / "beaker.toml").write_text(HARMLESS)
    cell = notebook.type(GiveTrust(code=notebook.code()))
    assert "is trusted as it is now" in cell.plain
    assert notebook.model() == "m"
    assert "To take it back: %beaker trust off" in notebook.type(ShowTrust()).plain


def test_a_code_of_another_kernel_process_is_none(notebook: Notebook) -> None:
    """Or else a notebook could bring the cell that trusts its own folder."""
    (notebook.folder / "beaker.toml").write_text(HARMLESS)
    code = notebook.code()
    notebook.start()
    assert "no code for these files" in notebook.type(GiveTrust(code=code)).failed
    assert notebook.model() == ""


def test_files_that_changed_since_they_were_shown_need_another_code(notebook: Notebook) -> None:
    (notebook.folder / "beaker.toml").write_text(HARMLESS)
    code = notebook.code()
    (notebook.folder / ".env").write_text("BEAKER_SUBKERNEL=evil")
    assert "no code for these files" in notebook.type(GiveTrust(code=code)).failed
    assert notebook.model() == ""


@pytest.mark.parametrize("code", ["", "é", "000000", "yes"])
def test_what_was_not_shown_is_no_code(code: str, notebook: Notebook) -> None:
    (notebook.folder / "beaker.toml").write_text(HARMLESS)
    assert notebook.type(GiveTrust(code=code)).failed
    assert notebook.model() == ""


def test_it_is_taken_back(notebook: Notebook) -> None:
    (notebook.folder / "beaker.toml").write_text(HARMLESS)
    notebook.type(GiveTrust(code=notebook.code()))
    assert "is trusted no more" in notebook.type(TakeTrustBack()).plain
    assert notebook.model() == ""
    assert "was not trusted" in notebook.type(TakeTrustBack()).plain


def test_trust_in_the_users_own_file_is_told_with_the_place_to_take_it_back(notebook: Notebook) -> None:
    (notebook.folder / "beaker.toml").write_text(HARMLESS)
    (notebook.home / ".config/beaker").mkdir(parents=True)
    (notebook.home / ".config/beaker/beaker.toml").write_text(f'[trust]\nfolders = ["{notebook.folder}"]')
    notebook.start()
    plain = notebook.type(ShowTrust()).plain
    assert f"{notebook.home}/.config/beaker/beaker.toml names this folder under [trust]" in plain
    assert "%beaker trust " not in plain


def test_a_state_folder_that_cannot_be_written_is_a_sentence(notebook: Notebook) -> None:
    (notebook.folder / "beaker.toml").write_text(HARMLESS)
    (notebook.home / ".local").write_text("in the way")
    assert "the trust could not be recorded" in notebook.type(GiveTrust(code=notebook.code())).failed


def test_a_folder_that_is_gone_is_a_sentence(notebook: Notebook) -> None:
    notebook.trusting = Trusting(load_all(notebook.environment, folder=None), notebook.environment)
    assert "which is gone" in notebook.type(ShowTrust()).plain
    assert notebook.type(GiveTrust(code="000000")).failed
    assert "was not trusted" in notebook.type(TakeTrustBack()).plain
