"""Which endpoint the key is for, by a narrow reading of the user's places."""

from pathlib import Path

import pytest

from beaker.agent.endpoint import read_presets
from beaker.settings.key_wishes import all_key_names, key_names, read_wishes


def test_the_narrow_reading_of_the_presets_is_the_whole_ones() -> None:
    for name, preset in read_presets().items():
        assert key_names(name) == preset.key_names, name
        assert key_names(preset.base_url) == key_names(f"{preset.base_url}/") == preset.key_names, name
    assert all_key_names() == {key for preset in read_presets().values() for key in preset.key_names}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / ".config/beaker").mkdir(parents=True)
    (tmp_path / "nb").mkdir()
    return tmp_path


def write_user(home: Path, text: str) -> None:
    (home / ".config/beaker/beaker.toml").write_text(text)


def base_url(home: Path, **variables: str) -> str:
    return read_wishes({"HOME": str(home), **variables}, str(home / "nb")).base_url


def test_each_place_overrides_the_ones_before_it(home: Path) -> None:
    assert base_url(home) == ""
    write_user(home, f'[agent]\nbase_url = "user"\n[trust]\nfolders = ["{home}/nb"]\n')
    assert base_url(home) == "user"
    (home / "nb/beaker.toml").write_text('[agent]\nbase_url = "folder"\n')
    assert base_url(home) == "folder"
    (home / "nb/.env").write_text("OPENAI_BASE_URL=env\n")
    assert base_url(home) == "env"
    assert base_url(home, OPENAI_BASE_URL="short") == "short"
    assert base_url(home, OPENAI_BASE_URL="short", BEAKER_AGENT_BASE_URL="long") == "long"


def test_a_folder_that_is_not_trusted_says_nothing(home: Path) -> None:
    (home / "nb/beaker.toml").write_text('[agent]\nbase_url = "folder"\nkey_command = ["x"]\n')
    (home / "nb/.env").write_text("OPENAI_BASE_URL=env\nOPENAI_API_KEY=x\n")
    wishes = read_wishes({"HOME": str(home)}, str(home / "nb"))
    assert (wishes.base_url, wishes.env_values, wishes.key_command) == ("", {}, [])


def test_not_even_a_trusted_one_says_where_the_key_lies(home: Path) -> None:
    write_user(home, f'[trust]\nfolders = ["{home}/nb"]\n')
    (home / "nb/beaker.toml").write_text('[agent]\nkey_file = "/x"\nkeyring = "x"\nkey_command = ["x"]\n[subkernel]\nkeep_env = ["X"]\n')
    (home / "nb/.env").write_text("BEAKER_AGENT_KEY_FILE=/x\nBEAKER_AGENT_KEYRING=x\n")
    wishes = read_wishes({"HOME": str(home)}, str(home / "nb"))
    assert (wishes.key_file, wishes.keyring, wishes.key_command, wishes.keep_env) == ("", "", [], [])


@pytest.mark.parametrize(
    ("value", "limit_s"), [("5", 5.0), ("0.5", 0.5), ("0", 10.0), ("61", 10.0), ("nan", 10.0), ('"x"', 10.0), ("true", 1.0)]
)
def test_a_time_limit_that_makes_no_sense_is_the_default(value: str, limit_s: float, home: Path) -> None:
    write_user(home, f'[agent]\nkey_command = ["x"]\nkey_command_timeout_s = {value}\n')
    assert read_wishes({"HOME": str(home)}, None).key_command_timeout_s == limit_s
