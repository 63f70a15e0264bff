"""Settings gathered from their places."""

import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beaker.settings.key import KeyFacts
from beaker.settings.load import Loaded, load
from beaker.settings.schema import Settings, setting_names
from beaker.settings.trust import STRICTNESS, USER_FILE_ONLY
from beaker.settings.trust_store import fingerprint, forget, record
from tests.kit.settings import load_all


class Place(NamedTuple):
    """A user's home and a notebook's folder."""

    home: Path
    folder: Path

    def write_user(self, text: str) -> None:
        """The user's own beaker.toml."""
        self.user_file.write_text(text)

    def write_folder(self, text: str) -> None:
        """The beaker.toml beside the notebook."""
        (self.folder / "beaker.toml").write_text(text)

    def write_env(self, text: str) -> None:
        """The `.env` beside the notebook."""
        (self.folder / ".env").write_text(text)

    @property
    def user_file(self) -> Path:
        """The path of the user's own beaker.toml."""
        return self.home / ".config/beaker/beaker.toml"

    def load(self, **variables: str) -> Loaded:
        """What holds for a kernel in that folder."""
        return load_all({"HOME": str(self.home), **variables}, folder=self.folder)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Both, empty."""
    (tmp_path / "home/.config/beaker").mkdir(parents=True)
    (tmp_path / "nb").mkdir()
    return Place(tmp_path / "home", tmp_path / "nb")


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


_MISTAKES = [
    ("[agent]\nstep_limit = 'many'", 'agent.step_limit = "many" is not used: it takes a whole number from 1 to 1000 (default 25).'),
    ("[agent]\nstep_limit = 2.5", "agent.step_limit = 2.5 is not used: it takes a whole number from 1 to 1000 (default 25)."),
    ("[agent]\nstep_limit = true", "agent.step_limit = true is not used: it takes a whole number from 1 to 1000 (default 25)."),
    ("[agent]\nstep_limit = 0", "agent.step_limit = 0 is not used: it takes a whole number from 1 to 1000 (default 25)."),
    (
        f"[agent]\nstep_limit = 0x{'f' * 6000}",
        "agent.step_limit = a number of more than 38 digits is not used: it takes a whole number from 1 to 1000 (default 25).",
    ),
    ("[kernel]\nlease_s = nan", "kernel.lease_s = nan is not used: it takes a number of seconds above 0 to 604800 (default 10)."),
    ("[kernel]\nlease_s = inf", "kernel.lease_s = inf is not used: it takes a number of seconds above 0 to 604800 (default 10)."),
    (
        "[kernel]\nlease_s = 2026-01-01",
        "kernel.lease_s = 2026-01-01 is not used: it takes a number of seconds above 0 to 604800 (default 10).",
    ),
    (
        "[agent]\nretry_after_limit_s = -1",
        "agent.retry_after_limit_s = -1 is not used: it takes a number of seconds from 0 to 86400 (default 60).",
    ),
    ("[logs]\nlevel = 'INFO'", 'logs.level = "INFO" is not used: it takes one of "debug", "info", "warning", "error" (default "info").'),
    ("[subkernel]\nspec = ''", 'subkernel.spec = "" is not used: it takes a text that is not empty (default "python3").'),
    ("[agent]\nmodel = [1]", 'agent.model = [1] is not used: it takes a text (default "").'),
    ('[agent]\nmodel = "a\\u0000"', 'agent.model = "a\\x00" is not used: it takes a text of visible characters (default "").'),
    (
        "[agent]\nbase_url = 'ftp://me:canary@h'",
        'agent.base_url = "ftp://***@h" is not used: '
        'it takes an address that begins with http:// or https://, or the name of a preset (default "").',
    ),
    ("[trust]\nfolders = '/a'", 'trust.folders = "/a" is not used: it takes a list of texts (default []).'),
    ("[trust]\nfolders = ['a/b']", '"a/b" in trust.folders is not used: it has to be an absolute path.'),
    ("agent = 1", "agent is not used: it has to be a section, [agent] on a line of its own."),
    (
        "[agnet]\nmodel = 'canary'",
        "[agnet] is not used: there is no such section. Did you mean agent? There are subkernel, kernel, agent, logs, trust.",
    ),
    (
        "[logs]\nkep = 'canary'",
        "logs.kep is not used: there is no such setting of [logs]. Did you mean keep? There are level, max_bytes, keep.",
    ),
    ("[agent]\napi_key = 'canary'", "agent.api_key is not used: a key does not belong here, put it into OPENAI_API_KEY."),
    ("[agent]\nOPENAI_API_KEY = 'canary'", "agent.OPENAI_API_KEY is not used: a key does not belong here, put it into OPENAI_API_KEY."),
    ("[logs]\n'a\\nb' = 1", "logs.a\\nb is not used"),
]


@pytest.mark.parametrize(("text", "sentence"), _MISTAKES)
def test_a_mistake_costs_that_one_setting_and_is_said(text: str, sentence: str, place: Place) -> None:
    place.write_user(text)
    loaded = place.load()
    (problem,) = loaded.problems
    assert problem.startswith(f"{place.user_file}: {sentence}")
    assert "canary" not in problem
    if "trust" not in text:
        assert loaded.settings == Settings()


def test_the_rest_of_a_file_with_mistakes_counts(place: Place) -> None:
    place.write_user("[agent]\nstep_limit = 'x'\ncall_limit = 2\n[nonsense]\n[logs]\nkeep = 1\n")
    loaded = place.load()
    assert (loaded.settings.agent.step_limit, loaded.settings.agent.call_limit, loaded.settings.logs.keep) == (25, 2, 1)
    assert len(loaded.problems) == 2


def test_a_file_that_is_not_toml_is_said_and_costs_nothing_else(place: Place) -> None:
    place.write_user("[agent\n")
    loaded = place.load(BEAKER_KERNEL_LEASE_S="1")
    (problem,) = loaded.problems
    assert problem.startswith(f"{place.user_file}: it is not TOML (")
    assert loaded.settings.kernel.lease_s == 1.0


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        (
            "BEAKER_KERNEL_LEASE_S",
            "soon",
            'BEAKER_KERNEL_LEASE_S = "soon" is not used: it takes a number of seconds above 0 to 604800 (default 10).',
        ),
        ("BEAKER_AGENT_STEP_LIMIT", "9" * 5000, "BEAKER_AGENT_STEP_LIMIT = "),
        ("BEAKER_MODEL", "a\udcff", 'BEAKER_MODEL = "a\\udcff" is not used'),
        ("BEAKER_MODEL", "sk-canary-0123456789abcdef\n", None),
        ("BEAKER_MODLE", "canary", "BEAKER_MODLE is not used: there is no such variable; did you mean BEAKER_MODEL?"),
        (
            "BEAKER_XYZ",
            "canary",
            "BEAKER_XYZ is not used: there is no such variable; a setting's is BEAKER_SECTION_NAME, such as BEAKER_SUBKERNEL_SPEC.",
        ),
        ("BEAKER_TRUST_FOLDERS", "/", 'BEAKER_TRUST_FOLDERS = "/" is not used: only your own '),
        ("BEAKER_ENV_FILE", "keys", 'BEAKER_ENV_FILE = "keys" is not used: it has to be an absolute path.'),
        ("BEAKER_ENV_FILE", "/nowhere/keys", "BEAKER_ENV_FILE names /nowhere/keys, and there is no such file."),
    ],
)
def test_a_mistake_in_a_variable_is_said(variable: str, value: str, sentence: str | None, place: Place) -> None:
    problems = place.load(**{variable: value}).problems
    assert len(problems) == (0 if sentence is None else 1)
    assert all(problem.startswith(f"environment: {sentence}") for problem in problems)
    assert "canary" not in repr(problems)


class TestFolderThatIsNotTrusted:
    """What the files of a folder can do that the user has said nothing about."""

    @pytest.mark.parametrize(
        "text",
        [
            "[agent]\nbase_url = 'http://evil.test'",
            "[agent]\nmodel = 'evil'",
            "[subkernel]\nspec = 'evil'",
            "[subkernel]\nshutdown_grace_s = 1",
            "[kernel]\nlease_s = 1",
            "[logs]\nlevel = 'debug'",
            "[logs]\nkeep = 0",
            "[agent]\nstep_limit = 26",
            "[agent]\nmode = 'auto'",
            "[agent]\nsession_cost_limit_usd = 21",
            "[agent]\nkey_file = '/etc/hostname'",
            "[agent]\nkey_command = ['touch', '/tmp/evil']",
            "[agent]\nkeyring = 'evil'",
            "[subkernel]\nkeep_env = ['OPENAI_API_KEY']",
            "[agent]\nturn_time_limit_s = 601",
            "[trust]\nfolders = ['/']",
            "[agent]\nOPENAI_API_KEY = 'x'",
        ],
    )
    def test_its_beaker_toml_can_only_lower(self, text: str, place: Place) -> None:
        place.write_folder(text)
        loaded = place.load()
        assert loaded.settings == Settings()
        (problem,) = loaded.problems
        assert problem.startswith(f"{place.folder}/beaker.toml: ")

    @pytest.mark.parametrize(
        "text",
        [
            "OPENAI_API_KEY=sk-x",
            "OPENAI_BASE_URL=http://evil.test",
            "BEAKER_MODEL=evil",
            "BEAKER_SUBKERNEL=evil",
            "BEAKER_AGENT_STEP_LIMIT=26",
            "BEAKER_ENV_FILE=/etc/passwd",
            "BEAKER_TRUST_FOLDERS=/",
            "XDG_CONFIG_HOME=/tmp\nBEAKER_LOGS_LEVEL=debug",
            "OPENAI_API_KEY='never closed",
        ],
    )
    def test_its_env_file_can_only_lower(self, text: str, place: Place) -> None:
        place.write_env(text)
        loaded = place.load()
        assert (loaded.settings, loaded.key_origin) == (Settings(), "")
        (problem,) = loaded.problems
        assert problem.startswith(f"{place.folder}/.env: ")
        assert "sk-x" not in problem

    def test_smaller_budgets_are_taken_and_later_ones_must_be_smaller_still(self, place: Place) -> None:
        place.write_user("[agent]\nstep_limit = 50\n")
        place.write_folder("[agent]\nstep_limit = 40\ncall_limit = 1\n[kernel]\ntranscript_bytes = 0\n")
        place.write_env("BEAKER_AGENT_STEP_LIMIT=45\nBEAKER_AGENT_REPAIR_LIMIT=0")
        loaded = place.load()
        agent = loaded.settings.agent
        assert (agent.step_limit, agent.call_limit, agent.repair_limit, loaded.settings.kernel.transcript_bytes) == (40, 1, 0, 0)
        assert loaded.problems == [
            f'{place.folder}/.env: BEAKER_AGENT_STEP_LIMIT = "45" is not used: '
            "a folder that you have not trusted may only lower it, and now it is 40."
        ]

    def test_one_sentence_names_all_that_a_file_may_not_set_and_the_ways_to_allow_it(self, place: Place) -> None:
        place.write_env("OPENAI_API_KEY=sk-canary\nOPENAI_BASE_URL=http://h\nBEAKER_MODEL=m\nBEAKER_AGENT_CALL_LIMIT=1")
        loaded = place.load()
        assert loaded.problems == [
            f"{place.folder}/.env: not used: OPENAI_API_KEY, OPENAI_BASE_URL, BEAKER_MODEL. You have not trusted this folder, so it may "
            "only lower limits: `%beaker trust` shows what else it wants. For OPENAI_API_KEY, OPENAI_BASE_URL put "
            f'folders = ["{place.folder}"] under [trust] in {place.user_file}, '
            f"or start Jupyter with BEAKER_ENV_FILE={place.folder}/.env, if you wrote the file."
        ]
        assert loaded.settings.agent.call_limit == 1

    def test_its_key_is_not_missed_where_there_is_another(self, place: Place) -> None:
        place.write_env("OPENAI_API_KEY=sk-file")
        assert place.load(OPENAI_API_KEY="sk-environment").problems == []

    def test_it_can_make_the_mode_stricter_and_not_looser(self, place: Place) -> None:
        place.write_folder("[agent]\nmode = 'plan'")
        assert (place.load().settings.agent.mode, place.load().problems) == ("plan", [])
        place.write_user("[agent]\nmode = 'plan'")
        place.write_folder("[agent]\nmode = 'ask'")
        loaded = place.load()
        assert loaded.settings.agent.mode == "plan"
        assert loaded.problems[0].startswith(f'{place.folder}/beaker.toml: agent.mode = "ask" is not used')

    def test_what_repeats_the_value_that_holds_is_no_news(self, place: Place) -> None:
        place.write_folder("[agent]\nstep_limit = 25")
        loaded = place.load()
        assert (loaded.problems, loaded.origins["agent.step_limit"].kind) == ([], "default")

    def test_a_flood_of_mistakes_is_cut(self, place: Place) -> None:
        place.write_folder("".join(f"[s{number}]\n" for number in range(500)))
        problems = place.load().problems
        assert len(problems) == 21
        assert problems[-1] == f"{place.folder}/beaker.toml: 480 more of its lines are not used."

    def test_its_names_cannot_break_the_lines_of_a_text(self, place: Place) -> None:
        place.write_folder('["a\\nb"]\n[agent]\n"\\u001b[31m" = 1\n')
        assert all(problem.isprintable() for problem in place.load().problems)


class TestFolderThatTheCommandTrusts:
    """What they can do once somebody has typed `%beaker trust` there: a cell of a notebook that came with them, perhaps."""

    def trust(self, place: Place) -> None:
        """As the command does."""
        record({"HOME": str(place.home)}, str(place.folder), fingerprint(str(place.folder)))

    def test_they_set_what_is_harmless(self, place: Place) -> None:
        place.write_folder("[agent]\nmodel = 'm'\n[kernel]\ntranscript_bytes = 9000000")
        place.write_env("BEAKER_SUBKERNEL=ir")
        self.trust(place)
        loaded = place.load()
        assert (loaded.problems, loaded.trust) == ([], "said")
        settings = loaded.settings
        assert (settings.agent.model, settings.kernel.transcript_bytes, settings.subkernel.spec) == ("m", 9_000_000, "ir")

    @pytest.mark.parametrize(
        "text",
        [
            "[agent]\nbase_url = 'http://evil.test'",
            "[agent]\nmode = 'auto'",
            "[agent]\nstep_limit = 26",
            "[agent]\nsession_cost_limit_usd = 21",
            "[agent]\nkey_file = '/etc/hostname'",
            "[agent]\nkey_command = ['touch', '/tmp/evil']",
            "[agent]\nkeyring = 'evil'",
            "[subkernel]\nkeep_env = ['OPENAI_API_KEY']",
            "[trust]\nfolders = ['/']",
        ],
    )
    def test_address_mode_caps_and_commands_stay_the_users_own(self, text: str, place: Place) -> None:
        place.write_folder(text)
        self.trust(place)
        loaded = place.load()
        assert loaded.settings == Settings()
        (problem,) = loaded.problems
        assert problem.startswith(f"{place.folder}/beaker.toml: ")

    def test_so_does_the_key(self, place: Place) -> None:
        place.write_env("OPENAI_API_KEY=sk-canary")
        self.trust(place)
        loaded = place.load()
        assert loaded.key is None
        (problem,) = loaded.problems
        assert problem.startswith(f"{place.folder}/.env: not used: OPENAI_API_KEY. For OPENAI_API_KEY put folders = ")

    @pytest.mark.parametrize("name", ["beaker.toml", ".env"])
    def test_a_file_that_changed_ends_it_and_that_is_said(self, name: str, place: Place) -> None:
        place.write_folder("[agent]\nmodel = 'm'")
        self.trust(place)
        (place.folder / name).write_text("")
        loaded = place.load()
        assert loaded.settings == Settings()
        assert loaded.problems[0] == f"{place.folder}: its files have changed since you trusted them, so they may only lower limits again."

    def test_it_holds_by_real_path_and_for_that_folder_alone(self, place: Place) -> None:
        place.write_folder("[agent]\nmodel = 'm'")
        link = place.home / "link"
        link.symlink_to(place.folder)
        record({"HOME": str(place.home)}, str(link), fingerprint(str(link)))
        assert place.load().settings.agent.model == "m"
        other = place.home / "other"
        other.mkdir()
        (other / "beaker.toml").write_text("[agent]\nmodel = 'm'")
        assert load_all({"HOME": str(place.home)}, folder=other).settings.agent.model == ""

    def test_it_can_be_taken_back(self, place: Place) -> None:
        place.write_folder("[agent]\nmodel = 'm'")
        self.trust(place)
        assert forget({"HOME": str(place.home)}, str(place.folder))
        assert not forget({"HOME": str(place.home)}, str(place.folder))
        assert place.load().settings.agent.model == ""


class TestFolderThatIsTrusted:
    """What they can do once the user's own file names the folder."""

    def test_its_files_set_everything_but_trust(self, place: Place) -> None:
        place.write_user(f'[trust]\nfolders = ["{place.folder}"]')
        place.write_folder("[agent]\nmodel = 'm'\nstep_limit = 100\n[trust]\nfolders = ['/']")
        place.write_env("OPENAI_API_KEY=sk-x\nOPENAI_BASE_URL=http://h/v1")
        loaded = place.load()
        agent = loaded.settings.agent
        assert (agent.model, agent.step_limit, agent.base_url) == ("m", 100, "http://h/v1")
        assert loaded.key_origin == f"{place.folder}/.env: OPENAI_API_KEY"
        assert loaded.settings.trust.folders == (str(place.folder),)
        (problem,) = loaded.problems
        assert "only your own" in problem

    def test_a_folder_below_is_not_trusted_with_it(self, place: Place) -> None:
        place.write_user(f'[trust]\nfolders = ["{place.folder.parent}"]')
        place.write_folder("[agent]\nmodel = 'm'")
        assert place.load().settings.agent.model == ""


class TestNamedEnvFile:
    """The file that BEAKER_ENV_FILE names is the user's own word."""

    def test_it_sets_everything_wherever_the_notebook_lies(self, place: Place) -> None:
        (place.home / "keys").write_text("OPENAI_API_KEY=sk-x\nBEAKER_MODEL=m\n")
        place.write_env("BEAKER_MODEL=evil")
        loaded = place.load(BEAKER_ENV_FILE=str(place.home / "keys"))
        assert loaded.settings.agent.model == "m"
        assert loaded.origins["agent.model"].words == f"{place.home}/keys: BEAKER_MODEL"
        assert loaded.key_origin == f"{place.home}/keys: OPENAI_API_KEY"
        assert loaded.problems == []

    def test_the_environment_comes_before_it(self, place: Place) -> None:
        (place.home / "keys").write_text("BEAKER_MODEL=file\n")
        assert place.load(BEAKER_ENV_FILE=str(place.home / "keys"), BEAKER_MODEL="environment").settings.agent.model == "environment"


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


_fields = st.sampled_from([name.partition(".")[2] for name in setting_names()] + ["", "x", "a\nb", "\0"])
_scalars = st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
_tables = st.dictionaries(_fields, _scalars | st.lists(_scalars, max_size=3), max_size=4)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(["agent", "kernel", "subkernel", "logs", "trust", "x"]), _tables | _scalars, max_size=4))
def test_no_content_of_a_folders_file_raises_or_raises_a_limit(place: Place, content: dict[str, object]) -> None:
    def written(value: object) -> str:
        if isinstance(value, dict):
            return "{" + ", ".join(f"{json.dumps(key)} = {written(item)}" for key, item in value.items()) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(map(written, value)) + "]"
        if isinstance(value, str):
            return json.dumps(value.encode(errors="replace").decode()).replace("\x7f", "")
        return json.dumps(value).replace("NaN", "nan").replace("Infinity", "inf")

    place.write_folder("\n".join(f"{section} = {written(value)}" for section, value in content.items()))
    loaded, default = place.load(), Settings()
    for section in ("agent", "kernel", "subkernel", "logs", "trust"):
        now, before = getattr(loaded.settings, section), getattr(default, section)
        for field in now.__struct_fields__:
            value, default_value = getattr(now, field), getattr(before, field)
            if field == "mode":
                value, default_value = STRICTNESS.index(value), STRICTNESS.index(default_value)
            assert value == default_value or value < default_value
    assert loaded.settings.agent.model == loaded.settings.agent.base_url == ""
    assert loaded.settings.trust == default.trust


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.text(alphabet="[]=\"'.{}\n,#_agentsplimodfr0123 \x00\u2028", max_size=120))
def test_no_text_of_a_file_raises(place: Place, text: str) -> None:
    place.write_user(text)
    place.write_env(text)
    assert all(problem.isprintable() for problem in place.load().problems)


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
