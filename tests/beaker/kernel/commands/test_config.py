"""How `%beaker config` reads."""

from pathlib import Path

import pytest

from beaker.kernel.commands.command import Refused
from beaker.kernel.commands.config import CONFIG, ChooseMagics, config_words, magics_words
from beaker.settings.schema import setting_names
from tests.kit.settings import load_all


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A user's home, with a configuration folder."""
    (tmp_path / ".config/beaker").mkdir(parents=True)
    return tmp_path


def test_every_setting_stands_there_with_its_value_and_place(home: Path) -> None:
    words = config_words(load_all({"HOME": str(home), "BEAKER_KERNEL_LEASE_S": "1"}, folder=None))
    rows = [line.split(maxsplit=2) for line in words.plain.splitlines()]
    assert [row[0] for row in rows if row and "." in row[0]] == setting_names()
    assert ["kernel.lease_s", "1", "environment BEAKER_KERNEL_LEASE_S"] in rows
    assert ["subkernel.spec", '"python3"', "default"] in rows
    assert "| `kernel.lease_s` | `1` | environment BEAKER\\_KERNEL\\_LEASE\\_S |" in words.markdown.splitlines()


def test_problems_come_first(home: Path) -> None:
    (home / ".config/beaker/beaker.toml").write_text("[agent]\nmodle = 1\n")
    words = config_words(load_all({"HOME": str(home)}, folder=None))
    assert words.plain.startswith(f"Not used:\n  {home}/.config/beaker/beaker.toml: agent.modle is not used: ")
    assert words.markdown.startswith("**Not used**\n\n- ")


def test_without_problems_nothing_is_said_of_them(home: Path) -> None:
    assert "Not used" not in config_words(load_all({"HOME": str(home)}, folder=None)).plain


@pytest.mark.parametrize(
    ("variables", "line"),
    [
        ({}, "OPENAI_API_KEY not set the demo model answers"),
        ({"OPENAI_BASE_URL": "http://localhost:1/v1"}, "OPENAI_API_KEY not set"),
        ({"OPENAI_API_KEY": "sk-canary"}, "OPENAI_API_KEY set environment OPENAI_API_KEY"),
    ],
)
def test_the_key_is_named_by_its_place(variables: dict[str, str], line: str, home: Path) -> None:
    words = config_words(load_all({"HOME": str(home), **variables}, folder=None))
    assert line in [" ".join(found.split()) for found in words.plain.splitlines()]
    assert "canary" not in words.plain + words.markdown


def test_a_key_in_a_file_is_named_with_the_warning_that_cells_can_read_it(home: Path) -> None:
    (home / "keys").write_text("OPENAI_API_KEY=sk-canary")
    words = config_words(load_all({"HOME": str(home), "BEAKER_ENV_FILE": str(home / "keys")}, folder=None))
    assert f"set {home}/keys: OPENAI_API_KEY" in " ".join(words.plain.split())
    assert "Code in your cells can read the file that the key is in." in words.plain
    assert "canary" not in words.plain + words.markdown


def test_secrets_in_the_wrong_place_are_hidden(home: Path) -> None:
    variables = {"OPENAI_BASE_URL": "https://me:canary@h/v1?key=canary", "BEAKER_MODEL": "sk-canary-0123456789abcdef"}
    words = config_words(load_all({"HOME": str(home), **variables}, folder=None))
    assert "canary" not in words.plain + words.markdown
    assert '"https://***@h/v1?***"' in words.plain


def test_it_says_where_the_users_file_is_or_would_be(home: Path) -> None:
    path = home / ".config/beaker/beaker.toml"
    assert f"Your own settings would be in {path}," in config_words(load_all({"HOME": str(home)}, folder=None)).plain
    path.write_text("")
    assert f"Your own settings are in {path}," in config_words(load_all({"HOME": str(home)}, folder=None)).plain


def test_the_content_of_a_folders_file_cannot_become_markup(home: Path) -> None:
    (home / "nb").mkdir()
    (home / "nb/beaker.toml").write_text("[agent]\nstep_limit = '<img src=x onerror=alert(1)>'\n\"[a](javascript:x)\" = 1\n")
    words = config_words(load_all({"HOME": str(home)}, folder=home / "nb"))
    assert "&lt;img src=x onerror=alert(1)\\>" in words.markdown
    assert "\\[a\\](javascript:x)" in words.markdown


@pytest.mark.parametrize(
    ("variables", "user_file", "sentence"),
    [
        (
            {"OPENAI_API_KEY": "sk-canary"},
            "",
            "Cells do not get OPENAI_API_KEY. The program that started this kernel still has it in its environment, and code in your cells "
            "can look there.",
        ),
        (
            {"OPENAI_API_KEY": "sk-canary"},
            '[subkernel]\nkeep_env = ["OPENAI_API_KEY"]',
            "Cells get OPENAI_API_KEY, because subkernel.keep_env gives it to them.",
        ),
        ({"BEAKER_AGENT_KEY_FILE": "~/keys"}, "", "Code in your cells can read the file that the key is in."),
        (
            {"OPENAI_BASE_URL": "http://me:canary@h/v1"},
            "",
            "The address in agent.base_url holds a password, and code in your cells can read it where it was set.",
        ),
    ],
)
def test_the_places_that_still_hold_the_key_are_named(variables: dict[str, str], user_file: str, sentence: str, home: Path) -> None:
    (home / ".config/beaker/beaker.toml").write_text(user_file)
    (home / "keys").write_text("sk-canary")
    (home / "keys").chmod(0o600)
    words = config_words(load_all({"HOME": str(home), **variables}, folder=None))
    assert sentence in words.plain.splitlines()
    assert "canary" not in words.plain + words.markdown


def test_a_key_in_the_variable_of_another_endpoint_is_shown_under_its_name(home: Path) -> None:
    words = config_words(load_all({"HOME": str(home), "OPENAI_BASE_URL": "groq", "GROQ_API_KEY": "gsk-x"}, folder=None))
    assert "GROQ_API_KEY set environment GROQ_API_KEY" in [" ".join(line.split()) for line in words.plain.splitlines()]


@pytest.mark.parametrize(("typed", "ours"), [("magics=off", False), ("magics=beaker", True)])
def test_whose_the_magics_are_is_read_and_told(typed: str, ours: bool) -> None:
    order = CONFIG.read([typed])
    assert order == ChooseMagics(ours=ours)
    assert "%%ai" in magics_words(ChooseMagics(ours=ours)).plain


@pytest.mark.parametrize("words", [["magics=on"], ["magics=off", "now"], ["agent.mode=auto"]])
def test_what_cannot_be_chosen_is_refused_with_what_can(words: list[str]) -> None:
    refused = CONFIG.read(words)
    assert isinstance(refused, Refused)
    assert "`magics=off` or `magics=beaker`" in refused.reason
