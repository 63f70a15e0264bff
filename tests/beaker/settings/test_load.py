"""Settings gathered from their places."""

import subprocess
import sys
from pathlib import Path

import pytest

from actors.agent.order import order_of
from beaker.settings.key import KeyFacts
from beaker.settings.load import load
from beaker.settings.schema import Settings, setting_names
from beaker.settings.trust import USER_FILE_ONLY
from tests.beaker.settings.place import Place


def test_with_nothing_there_the_defaults_hold(place: Place) -> None:
    loaded = place.load()
    assert loaded.settings == Settings()
    assert list(loaded.origins) == setting_names()
    assert {origin.words for origin in loaded.origins.values()} == {"default"}
    assert (loaded.problems, loaded.key_origin, loaded.user_file) == ([], "", str(place.user_file))


def test_without_a_folder_only_the_users_own_places_count(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.write_env("BEAKER_AGENT_STEP_LIMIT=1")
    place.write_folder("[agent]\nstep_limit = 1")
    monkeypatch.chdir(place.folder)
    assert load({"HOME": str(place.home)}, folder=None).settings == Settings()


def test_each_place_overrides_the_ones_before_it(place: Place) -> None:
    def step_limit(**variables: str) -> tuple[int, str]:
        loaded = place.load(**variables)
        assert loaded.problems == []
        return loaded.settings.agent.step_limit, loaded.origins["agent.step_limit"].words

    assert step_limit() == (25, "default")
    place.write_user("[agent]\nstep_limit = 20")
    assert step_limit() == (20, f"{place.user_file}: agent.step_limit")
    place.write_folder("[agent]\nstep_limit = 15")
    assert step_limit() == (15, f"{place.folder}/beaker.toml: agent.step_limit")
    place.write_env("BEAKER_AGENT_STEP_LIMIT=10")
    assert step_limit() == (10, f"{place.folder}/.env: BEAKER_AGENT_STEP_LIMIT")
    assert step_limit(BEAKER_AGENT_STEP_LIMIT="30") == (30, "environment BEAKER_AGENT_STEP_LIMIT")


def test_the_command_line_comes_last(place: Place) -> None:
    environment = {"HOME": str(place.home), "BEAKER_SUBKERNEL": "bash"}
    loaded = load(environment, folder=place.folder, command_line={"subkernel.spec": "ir"})
    assert loaded.settings.subkernel.spec == "ir"
    assert loaded.origins["subkernel.spec"].words == "command line"


@pytest.mark.parametrize("name", [name for name in setting_names() if name not in USER_FILE_ONLY])
def test_every_setting_has_its_variable(name: str, place: Place) -> None:
    variable = "BEAKER_" + name.replace(".", "_").upper()
    special = {"logs.level": "debug", "agent.base_url": "http://h", "subkernel.shutdown_grace_s": "1", "agent.mode": "plan"}
    value = special.get(name, "2097152" if name.endswith(("_bytes", "_token_limit")) else "7")
    loaded = load({"HOME": str(place.home), variable: value}, folder=place.folder)
    assert loaded.problems == []
    assert loaded.origins[name].words == f"environment {variable}"
    assert loaded.settings != Settings()


@pytest.mark.parametrize(
    ("variables", "name", "value", "variable"),
    [
        ({"BEAKER_MODEL": "m"}, "agent.model", "m", "BEAKER_MODEL"),
        ({"OPENAI_BASE_URL": "http://h/v1"}, "agent.base_url", "http://h/v1", "OPENAI_BASE_URL"),
        ({"BEAKER_SUBKERNEL": "ir"}, "subkernel.spec", "ir", "BEAKER_SUBKERNEL"),
        ({"BEAKER_MODEL": "m", "BEAKER_AGENT_MODEL": "long"}, "agent.model", "long", "BEAKER_AGENT_MODEL"),
        ({"BEAKER_AGENT_MODEL": "long", "BEAKER_MODEL": "m"}, "agent.model", "long", "BEAKER_AGENT_MODEL"),
        ({"BEAKER_AGENT_MODEL": "", "BEAKER_MODEL": " m "}, "agent.model", "m", "BEAKER_MODEL"),
    ],
)
def test_some_have_a_short_variable_and_the_long_one_holds(
    variables: dict[str, str], name: str, value: str, variable: str, place: Place
) -> None:
    loaded = place.load(**variables)
    section, field = name.split(".")
    assert getattr(getattr(loaded.settings, section), field) == value
    assert (loaded.origins[name].words, loaded.problems) == (f"environment {variable}", [])


def test_empty_variables_set_nothing(place: Place) -> None:
    place.write_env("BEAKER_MODEL=\nOPENAI_API_KEY=\n")
    loaded = place.load(BEAKER_MODEL="", OPENAI_BASE_URL=" ", BEAKER_KERNEL_LEASE_S="", OPENAI_API_KEY="", BEAKER_ENV_FILE="")
    assert (loaded.settings, loaded.problems, loaded.key_origin) == (Settings(), [], "")


def test_variables_of_others_are_passed_over(place: Place) -> None:
    place.write_env("DATABASE_URL=postgres://me:canary@h\nOPENAI_ORG=x\nBAD-LINE\nOTHER='open\n")
    assert place.load(PATH="/bin", OPENAI_LOG="debug").problems == []


def test_a_kernel_started_in_the_configuration_folder_reads_the_users_file_once(place: Place) -> None:
    place.write_user("[agent]\nmodel = 'm'\nnonsense = 1")
    loaded = load({"HOME": str(place.home)}, folder=place.user_file.parent)
    assert loaded.settings.agent.model == "m"
    assert len(loaded.problems) == 1


def test_the_key_was_looked_for_before_and_is_handed_in(place: Place) -> None:
    facts = KeyFacts("OPENAI_API_KEY", "environment OPENAI_API_KEY")
    loaded = load({"HOME": str(place.home)}, folder=place.folder, key=facts, key_problems=["environment: ..."])
    assert (loaded.key_origin, loaded.problems) == ("environment OPENAI_API_KEY", ["environment: ..."])
    assert load({"HOME": str(place.home), "OPENAI_API_KEY": "sk-canary"}, folder=place.folder).key is None


def test_an_agent_is_told_why_a_place_that_was_named_gives_no_key(place: Place) -> None:
    gone = place.load(BEAKER_ENV_FILE="/nowhere/keys")
    assert order_of(gone).key_missed == gone.key_missed == gone.problems[0]
    assert place.load(BEAKER_AGENT_KEY_FILE="/nowhere/key").key_missed.startswith(
        "agent.key_file gives no key: /nowhere/key cannot be read"
    )
    assert place.load(BEAKER_ENV_FILE="/nowhere/keys", OPENAI_API_KEY="sk-canary").key_missed == ""
    assert place.load(BEAKER_AGENT_STEP_LIMIT="x").key_missed == ""


def test_the_address_of_the_endpoint_is_of_the_ground_that_named_it(place: Place) -> None:
    place.write_user(f'[trust]\nfolders = ["{place.folder}"]')
    assert place.load(OPENAI_BASE_URL="http://h/v1").endpoint_ground == ""
    place.write_env("OPENAI_BASE_URL=http://h/v1")
    assert place.load().endpoint_ground == str(place.folder)
    assert place.load(BEAKER_ENV_FILE=str(place.folder / ".env")).endpoint_ground == ""


def test_not_even_a_trusted_folder_says_where_the_key_lies(place: Place) -> None:
    place.write_user(f'[trust]\nfolders = ["{place.folder}"]')
    place.write_folder('[agent]\nkey_file = "/etc/hostname"\nkeyring = "x"\nkey_command = ["x"]\n[subkernel]\nkeep_env = ["X"]')
    loaded = place.load()
    assert (loaded.settings.agent, loaded.settings.subkernel) == (Settings().agent, Settings().subkernel)
    assert len(loaded.problems) == 4


def test_no_part_of_what_was_loaded_holds_the_key(place: Place) -> None:
    place.write_user(f'[trust]\nfolders = ["{place.folder}"]')
    place.write_env("OPENAI_API_KEY=sk-canary")
    assert "canary" not in repr(place.load())
    assert "canary" not in repr(place.load(OPENAI_API_KEY="sk-canary"))


def test_where_nothing_is_set_loading_imports_nothing_but_ours(tmp_path: Path) -> None:
    script = (
        "import sys, os, stat, typing, msgspec; sys.path.insert(0, sys.argv[1]); before = set(sys.modules)\n"
        "from beaker.settings.load import load; assert not load(dict(os.environ), folder='/').problems\n"
        "print(*sorted(name for name in set(sys.modules) - before if not name.startswith('beaker')))"
    )
    root = Path(__file__).parents[3]
    run = subprocess.run(
        [sys.executable, "-I", "-c", script, str(root)], env={"HOME": str(tmp_path)}, capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == []
