"""Finding the model's key."""

import subprocess
import sys
from pathlib import Path

import pytest

from beaker.settings.key import FoundKey, KeyFacts, find_key


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A user's home, with a configuration folder."""
    (tmp_path / "home/.config/beaker").mkdir(parents=True)
    return tmp_path / "home"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A notebook's folder."""
    (tmp_path / "notebooks").mkdir()
    return tmp_path / "notebooks"


def trust(home: Path, *folders: str) -> None:
    """Write the user's settings."""
    names = ", ".join(f'"{folder}"' for folder in folders)
    (home / ".config/beaker/beaker.toml").write_text(f"[trust]\nfolders = [{names}]\n")


def origin_of(environment: dict[str, str], folder: Path | None) -> str | None:
    """Where a key is found."""
    key, _ = find_key(environment, None if folder is None else str(folder))
    return key.facts.origin if key else None


def test_nothing_set_gives_nothing(home: Path, folder: Path) -> None:
    assert find_key({"HOME": str(home)}, str(folder)) == (None, [])
    assert find_key({}, None) == (None, [])


def test_the_environment_comes_first_and_says_which_variable_has_to_go(home: Path, folder: Path) -> None:
    (folder / ".env").write_text("OPENAI_API_KEY=sk-file")
    trust(home, str(folder))
    key, problems = find_key({"HOME": str(home), "OPENAI_API_KEY": " sk-environment\n"}, str(folder))
    assert key == FoundKey("sk-environment", KeyFacts("OPENAI_API_KEY", "environment OPENAI_API_KEY"), "OPENAI_API_KEY")
    assert problems == []


def test_a_folder_that_is_not_trusted_gives_no_key(home: Path, folder: Path) -> None:
    (folder / ".env").write_text("OPENAI_API_KEY=sk-file")
    assert find_key({"HOME": str(home)}, str(folder)) == (None, [])
    trust(home, str(folder.parent), str(folder / "below"), "relative", ".")
    assert find_key({"HOME": str(home)}, str(folder)) == (None, [])


def test_a_folder_that_is_trusted_gives_its_key(home: Path, folder: Path) -> None:
    (folder / ".env").write_text("export OPENAI_API_KEY='sk-file'  # mine")
    trust(home, "/elsewhere", str(folder))
    key, _ = find_key({"HOME": str(home)}, str(folder))
    assert key == FoundKey("sk-file", KeyFacts("OPENAI_API_KEY", f"{folder}/.env: OPENAI_API_KEY", str(folder)))


def test_trust_holds_by_real_path(home: Path, folder: Path) -> None:
    (folder / ".env").write_text("OPENAI_API_KEY=sk-file")
    link = folder.parent / "link"
    link.symlink_to(folder)
    trust(home, str(link))
    assert origin_of({"HOME": str(home)}, folder) == f"{folder}/.env: OPENAI_API_KEY"


def test_a_tilde_in_trust_is_the_home_of_the_environment(home: Path) -> None:
    (home / "work").mkdir()
    (home / "work/.env").write_text("OPENAI_API_KEY=sk-file")
    trust(home, "~/work")
    assert origin_of({"HOME": str(home)}, home / "work") is not None


def test_trust_is_read_from_the_configuration_folder_that_xdg_names(home: Path, folder: Path) -> None:
    (folder / ".env").write_text("OPENAI_API_KEY=sk-file")
    trust(home, str(folder))
    environment = {"HOME": "/nowhere", "XDG_CONFIG_HOME": str(home / ".config")}
    assert origin_of(environment, folder) is not None
    assert origin_of({"HOME": "/nowhere", "XDG_CONFIG_HOME": "relative/is/ignored"}, folder) is None


def test_the_folder_cannot_trust_itself(home: Path, folder: Path) -> None:
    (folder / ".env").write_text(
        f"OPENAI_API_KEY=sk-file\nXDG_CONFIG_HOME={folder}\nBEAKER_ENV_FILE={folder}/.env\nBEAKER_TRUST_FOLDERS={folder}"
    )
    (folder / "beaker").mkdir()
    for file in (folder / "beaker.toml", folder / "beaker/beaker.toml"):
        file.write_text(f'[trust]\nfolders = ["{folder}"]')
    assert origin_of({"HOME": str(home)}, folder) is None


def test_a_named_file_is_read_instead_of_the_folders(home: Path, folder: Path) -> None:
    (folder / ".env").write_text("OPENAI_API_KEY=sk-folder")
    (home / "keys").write_text("OPENAI_API_KEY=sk-named")
    trust(home, str(folder))
    assert origin_of({"HOME": str(home), "BEAKER_ENV_FILE": str(home / "keys")}, folder) == f"{home}/keys: OPENAI_API_KEY"
    assert origin_of({"HOME": str(home), "BEAKER_ENV_FILE": "~/keys"}, folder) == f"{home}/keys: OPENAI_API_KEY"
    assert origin_of({"HOME": str(home), "BEAKER_ENV_FILE": str(home / "missing")}, folder) is None


def test_a_relative_name_does_not_make_every_folder_the_users_own(home: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / ".env").write_text("OPENAI_API_KEY=sk-folder")
    monkeypatch.chdir(folder)
    assert origin_of({"HOME": str(home), "BEAKER_ENV_FILE": ".env"}, folder) is None


@pytest.mark.parametrize("value", ["sk canary", "sk-canary\u201d", "sk\x01canary", "sk-canary\udcff"])
def test_what_cannot_be_in_a_header_is_no_key_and_is_said_without_its_value(value: str) -> None:
    words = "environment: OPENAI_API_KEY is not used: it contains a blank or a character that no key has."
    assert find_key({"OPENAI_API_KEY": value}, None) == (None, [words])


def test_the_same_holds_for_a_key_in_a_file(home: Path) -> None:
    (home / "keys").write_text("OPENAI_API_KEY=sk canary")
    key, (problem,) = find_key({"BEAKER_ENV_FILE": str(home / "keys")}, None)
    assert key is None
    assert problem == f"{home}/keys: OPENAI_API_KEY is not used: it contains a blank or a character that no key has."


@pytest.mark.parametrize(
    "content",
    [
        "[trust",
        "trust = 1",
        "[trust]\nfolders = 1",
        "[trust]\nfolders = [1, [], {}]",
        '[trust]\nfolders = ["/a\\u0000b"]',
        "[[trust]]\nfolders = []",
    ],
)
def test_settings_that_cannot_be_read_trust_nothing(content: str, home: Path, folder: Path) -> None:
    (home / ".config/beaker/beaker.toml").write_text(content)
    (folder / ".env").write_text("OPENAI_API_KEY=sk-file")
    assert find_key({"HOME": str(home)}, str(folder)) == (None, [])


def test_a_found_key_does_not_show_its_value() -> None:
    assert "canary" not in repr(FoundKey("sk-canary", KeyFacts("OPENAI_API_KEY", "environment OPENAI_API_KEY"), "OPENAI_API_KEY"))
    assert "canary" not in f"{FoundKey('sk-canary', KeyFacts('', 'x'))}"


def test_looking_for_a_key_imports_next_to_nothing(tmp_path: Path) -> None:
    script = (
        # From Python 3.14 on the first class of this kind, whosever it is, brings the library for its annotations.
        "import sys, typing, stat, os\nclass Any(typing.NamedTuple): x: int\n"
        "sys.path.insert(0, sys.argv[1]); before = set(sys.modules)\n"
        "from beaker.settings.key import find_key; find_key(dict(os.environ), '/')\n"
        "print(*sorted(name for name in set(sys.modules) - before if not name.startswith('beaker')))"
    )
    root = Path(__file__).parents[3]
    run = subprocess.run(
        [sys.executable, "-I", "-c", script, str(root)], env={"HOME": str(tmp_path)}, capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == []
