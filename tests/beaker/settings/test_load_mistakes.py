"""Mistakes in settings: each costs one setting and is said, and no content of a file raises."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beaker.settings.schema import Settings, setting_names
from beaker.settings.trust import STRICTNESS
from tests.beaker.settings.place import Place

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
        "[agnet] is not used: there is no such section. Did you mean agent? There are subkernel, kernel, agent, logs, trust, gateway.",
    ),
    (
        "[logs]\nkep = 'canary'",
        "logs.kep is not used: there is no such setting of [logs]. Did you mean keep? There are level, max_bytes, keep.",
    ),
    ("[agent]\napi_key = 'canary'", "agent.api_key is not used: a key does not belong here, put it into OPENAI_API_KEY."),
    ("[agent]\nOPENAI_API_KEY = 'canary'", "agent.OPENAI_API_KEY is not used: a key does not belong here, put it into OPENAI_API_KEY."),
    ("[logs]\n'a\\nb' = 1", "logs.a\\nb is not used"),
]


def test_a_link_to_a_file_that_is_not_there_is_said_and_ends_the_start_of_a_gateway(place: Place) -> None:
    place.user_file.symlink_to(place.home / "not mounted")
    said = [f"{place.user_file}: it is a link to a file that is not there."]
    loaded = place.load()
    assert (loaded.problems, loaded.gateway_problems) == (said, said)
    assert loaded.settings == Settings()


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


def test_a_folder_in_the_place_of_a_toml_file_is_said(place: Place) -> None:
    place.user_file.mkdir()
    (place.folder / "beaker.toml").mkdir()
    assert place.load().problems == [
        f"{path}: it is a folder, and has to be a file." for path in (place.user_file, place.folder / "beaker.toml")
    ]


def test_a_folder_in_the_place_of_the_env_file_beside_a_notebook_may_be_a_virtual_environment(place: Place) -> None:
    (place.folder / ".env").mkdir()
    assert place.load().problems == []


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
        ("BEAKER_ENV_FILE", "/", "BEAKER_ENV_FILE names /, and that is a folder. Put a file there, or unset the variable."),
        (
            "BEAKER_ENV_FILE",
            "/nowhere/keys",
            "BEAKER_ENV_FILE names /nowhere/keys, and there is no such file. Put a file there, or unset the variable.",
        ),
    ],
)
def test_a_mistake_in_a_variable_is_said(variable: str, value: str, sentence: str | None, place: Place) -> None:
    problems = place.load(**{variable: value}).problems
    assert len(problems) == (0 if sentence is None else 1)
    assert all(problem.startswith(f"environment: {sentence}") for problem in problems)
    assert "canary" not in repr(problems)


_fields = st.sampled_from([name.partition(".")[2] for name in setting_names()] + ["", "x", "a\nb", "\0"])


_scalars = st.booleans() | st.integers() | st.floats() | st.text(max_size=20)


_tables = st.dictionaries(_fields, _scalars | st.lists(_scalars, max_size=3), max_size=4)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=60, deadline=None)
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


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=60, deadline=None)
@given(st.text(alphabet="[]=\"'.{}\n,#_agentsplimodfr0123 \x00\u2028", max_size=120))
def test_no_text_of_a_file_raises(place: Place, text: str) -> None:
    place.write_user(text)
    place.write_env(text)
    assert all(problem.isprintable() for problem in place.load().problems)
