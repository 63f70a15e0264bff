"""The gateway's settings in the places where settings stand, and that no folder has a word in them."""

import pytest

from actors.guardian.options import parse_options
from beaker.settings.gateway import GatewaySettings
from beaker.settings.load import load
from beaker.settings.schema import all_setting_names, setting_names
from tests.beaker.settings.place import Place

NAMES = [name for name in all_setting_names() if name.startswith("gateway.")]
TEXTS = {"gateway.base_url": "/lab/"}
TEXTS |= dict.fromkeys(("gateway.max_body_bytes", "gateway.replay_bytes", "gateway.lag_bytes"), "2097152")
TEXTS["gateway.replay_total_bytes"] = "33554432"
TEXTS |= dict.fromkeys(("gateway.no_token", "gateway.insecure", "gateway.keep_kernels", "gateway.ui", "gateway.open"), "true")


@pytest.mark.parametrize("name", NAMES)
def test_each_has_its_variable(name: str, place: Place) -> None:
    loaded = place.load(**{"BEAKER_" + name.replace(".", "_").upper(): TEXTS.get(name, "7")})
    assert loaded.problems == []
    assert loaded.settings.gateway != GatewaySettings()


PLACES = ["default", "user file", "env file", "environment", "command line"]
"""As `docs/gateway.md` and the manual have them: the later of these holds."""
LEVELS = dict(zip(PLACES, ["info", "error", "warning", "debug", "error"], strict=True))


@pytest.mark.parametrize("highest", PLACES)
def test_the_users_own_file_the_named_env_file_the_environment_and_the_command_line_come_in_this_order(highest: str, place: Place) -> None:
    said = PLACES[1 : PLACES.index(highest) + 1]
    named, environment = place.home / "named.env", {"HOME": str(place.home)}
    command_line = {}
    for number, where in enumerate(said, start=2):
        if where == "user file":
            place.write_user(f"[gateway]\nworkers = {number}\n[logs]\nlevel = '{LEVELS[where]}'")
        elif where == "command line":
            command_line = parse_options(["--workers", str(number), "--log-level", LEVELS[where]]).settings
        else:
            variables = {"BEAKER_GATEWAY_WORKERS": str(number), "BEAKER_LOGS_LEVEL": LEVELS[where]}
            if where == "environment":
                environment |= variables
            else:
                named.write_text("".join(f"{name}={value}\n" for name, value in variables.items()))
                environment["BEAKER_ENV_FILE"] = str(named)
    loaded = load(environment, folder=None, command_line=command_line)
    held = (loaded.settings.gateway.workers, loaded.settings.logs.level, loaded.origins["logs.level"].kind)
    assert (loaded.problems, held) == ([], (len(said) + 1, LEVELS[highest], highest))


def test_a_list_in_a_variable_is_parted_at_blanks_and_commas(place: Place) -> None:
    gateway = place.load(BEAKER_GATEWAY_ALLOW_ORIGIN="https://a.example, https://b.example").settings.gateway
    assert gateway.allow_origin == ("https://a.example", "https://b.example")


@pytest.mark.parametrize("trusted", [False, True])
def test_no_folder_may_set_any(trusted: bool, place: Place) -> None:
    place.write_user(f"[trust]\nfolders = ['{place.folder}']" if trusted else "")
    place.write_folder("[gateway]\nno_token = true")
    place.write_env("BEAKER_GATEWAY_HOST=0.0.0.0")
    loaded = place.load()
    assert loaded.settings.gateway == GatewaySettings()
    assert [problem.rpartition(": ")[2] for problem in loaded.problems] == [
        "no folder may set gateway.no_token, trusted or not.",
        "no folder may set gateway.host, trusted or not.",
    ]
    assert loaded.gateway_problems == []


def test_a_kernel_shows_none_of_them(place: Place) -> None:
    place.write_user("[gateway]\nworkers = 2")
    loaded = place.load(BEAKER_GATEWAY_TOKEN="canary")
    assert (loaded.problems, NAMES and set(NAMES) & {*loaded.origins, *setting_names()}) == ([], set())


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[gateway]\nworkers = 0", "gateway.workers = 0 is not used: it takes a whole number from 1 to 64 (default 1)."),
        ("[gateway]\nui = 'yes'", 'gateway.ui = "yes" is not used: it takes true or false (default false).'),
        ("[gateway]\nbase_url = 'lab'", 'it takes a path that begins and ends with /, such as "/lab/" (default "/").'),
        ("[gateway]\nbase_url = '/{x}/'", "it takes a path that begins and ends with /"),
        ("[gateway]\nbase_url = '/lab/../'", "it takes a path that begins and ends with /"),
        ("[gateway]\nwokers = 2", "gateway.wokers is not used: there is no such setting of [gateway]. Did you mean workers?"),
        ("[gateway]\nlog_level = 'debug'", "gateway.log_level is not used: how much is logged is level in the section [logs]."),
        ("[logs]\nlevel = 'loud'", 'logs.level = "loud" is not used: it takes one of "debug", "info", "warning", "error"'),
        ("[gateway]\ntoken = 'canary'", "gateway.token is not used: put it into a file, and the path of that into gateway.token_file."),
    ],
)
def test_a_mistake_in_one_is_told_apart_from_those_of_kernels(text: str, sentence: str, place: Place) -> None:
    place.write_user(text + "\n[agent]\nnonsense = 1")
    loaded = place.load()
    (problem,) = loaded.gateway_problems
    assert sentence in problem
    assert "canary" not in problem
    assert len(loaded.problems) == 2


def test_a_file_that_cannot_be_read_may_have_said_something_of_them(place: Place) -> None:
    place.write_user("[gateway\nhost = '127.0.0.2'")
    place.write_env("BEAKER_GATEWAY_PORT=\"9999\nBEAKER_AGENT_MODEL='x")
    named = place.load(BEAKER_ENV_FILE=str(place.folder / ".env"))
    toml, line = named.gateway_problems
    assert "beaker.toml" in toml
    assert "BEAKER_GATEWAY_PORT in line 1 is not used" in line
    assert place.load().gateway_problems == [toml]


@pytest.mark.parametrize("named", ["/nowhere/keys", "keys", "/"])
def test_a_named_env_file_that_gives_nothing_may_have_said_something_of_them(named: str, place: Place) -> None:
    loaded = place.load(BEAKER_ENV_FILE=named)
    assert loaded.gateway_problems == loaded.problems != []


def test_a_user_file_that_is_a_folder_may_have_been_meant_to_say_something_of_them(place: Place) -> None:
    place.user_file.mkdir()
    (place.folder / "beaker.toml").mkdir()
    assert place.load().gateway_problems == [f"{place.user_file}: it is a folder, and has to be a file."]


def test_an_env_file_that_names_another_is_told(place: Place) -> None:
    place.write_env("BEAKER_ENV_FILE=/other")
    named = place.load(BEAKER_ENV_FILE=str(place.folder / ".env"))
    assert [problem.rpartition(": ")[2] for problem in named.gateway_problems] == ["only the environment can name a file."]
    assert place.load().gateway_problems == []


def test_a_variable_that_is_none_of_them_is_told(place: Place) -> None:
    (problem,) = place.load(BEAKER_GATEWAY_PROT="1").gateway_problems
    assert problem == "environment: BEAKER_GATEWAY_PROT is not used: there is no such variable; did you mean BEAKER_GATEWAY_PORT?"


def test_the_token_in_an_env_file_is_hidden_from_a_kernel(place: Place) -> None:
    place.write_env("BEAKER_GATEWAY_TOKEN='canary\nBEAKER_X=canary")
    assert "canary" not in str(place.load())
