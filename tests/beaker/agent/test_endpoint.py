"""Which endpoint answers, by what is configured."""

from typing import Literal

import pytest

from beaker.agent.endpoint import Endpoint, Unusable, choose_endpoint, read_presets
from beaker.settings.key import KeyFacts

PRESETS = read_presets()
KEY = KeyFacts("OPENAI_API_KEY", "environment OPENAI_API_KEY")
ROUTER_KEY = KeyFacts("OPENROUTER_API_KEY", "environment OPENROUTER_API_KEY")
NAMELESS = KeyFacts("", "pass (agent.key_command)")
OPENAI = PRESETS["openai"]


def choose(key: KeyFacts | None, *, model: str = "", base_url: str = "", ground: str = "") -> Endpoint:
    chosen = choose_endpoint(key, PRESETS, model=model, base_url=base_url, ground=ground)
    assert isinstance(chosen, Endpoint), chosen
    return chosen


@pytest.mark.parametrize(
    ("key", "model", "base_url", "kind", "url", "chosen_model"),
    [
        (None, "", "", "demo", "http://demo.invalid/v1", "demo model"),
        (KEY, "demo", "", "demo", "http://demo.invalid/v1", "demo model"),
        (KEY, "", "", "remote", "https://api.openai.com/v1", OPENAI.model),
        (KEY, "gpt-5", "", "remote", "https://api.openai.com/v1", "gpt-5"),
        (None, "", "ollama", "remote", "http://127.0.0.1:11434/v1", ""),
        (None, "qwen", "http://box:8000/v1", "remote", "http://box:8000/v1", "qwen"),
        (KEY, "", "https://api.openai.com/v1/", "remote", "https://api.openai.com/v1", OPENAI.model),
    ],
)
def test_the_endpoint_follows_from_what_is_set(
    key: KeyFacts | None, model: str, base_url: str, kind: Literal["demo", "remote"], url: str, chosen_model: str
) -> None:
    chosen = choose(key, model=model, base_url=base_url)
    assert (chosen.kind, chosen.base_url, chosen.model) == (kind, url, chosen_model)


def test_a_model_without_a_key_gives_the_demo_model_with_a_hint() -> None:
    assert "no key is set in OPENAI_API_KEY" in choose(None, model="gpt-5").hint


@pytest.mark.parametrize(
    ("key", "base_url", "ground", "goes"),
    [
        (KEY, "", "", True),
        (KEY, "http://box:8000/v1", "", True),
        (KEY._replace(ground="/nb"), "http://box:8000/v1", "/nb", True),
        (NAMELESS, "", "", True),
        (NAMELESS, "openrouter", "", True),
        (ROUTER_KEY, "openrouter", "", True),
        (ROUTER_KEY, "https://openrouter.ai/api/v1", "/nb", True),  # its variable names its host, whoever chose that
        (KEY, "openrouter", "", False),
        (KEY, "ollama", "", False),
        (ROUTER_KEY, "http://box:8000/v1", "", False),
    ],
)
def test_a_key_goes_only_to_its_host(key: KeyFacts, base_url: str, ground: str, goes: bool) -> None:
    chosen = choose(key, base_url=base_url, ground=ground)
    assert (chosen.key_origin, chosen.key_note) == (key.origin if goes else "", "")


@pytest.mark.parametrize(
    ("key", "base_url", "ground"),
    [
        (KEY, "http://box:8000/v1", "/nb"),
        (KEY, "http://127.0.0.1:4000/v1", "/nb"),
        (KEY._replace(ground="/nb"), "http://box:8000/v1", ""),
        (NAMELESS, "openrouter", "/nb"),
        (NAMELESS, "http://box:8000/v1", "/nb"),
    ],
)
def test_a_key_of_one_ground_does_not_go_to_an_address_of_another(key: KeyFacts, base_url: str, ground: str) -> None:
    chosen = choose(key, base_url=base_url, ground=ground)
    assert chosen.key_origin == ""
    place = ground or "your own settings"
    assert chosen.key_note == f"The key from {key.origin} is not sent there, because the address comes from {place}."


def test_reasoning_is_off_only_for_the_models_that_need_it() -> None:
    assert choose(KEY).model in choose(KEY).reasoning_off
    assert "gpt-4.1" not in choose(KEY, model="gpt-4.1").reasoning_off


@pytest.mark.parametrize("base_url", ["olama", "ftp://x/v1", "http://", "box:8000"])
def test_what_is_no_address_is_a_sentence_with_the_valid_names(base_url: str) -> None:
    chosen = choose_endpoint(None, PRESETS, model="", base_url=base_url)
    assert isinstance(chosen, Unusable)
    assert repr(base_url) in chosen.reason
    assert "ollama" in chosen.reason


def test_every_preset_has_an_address_and_a_way_to_a_model() -> None:
    for name, preset in PRESETS.items():
        assert preset.base_url.startswith("http"), name
        assert preset.local or (preset.model and preset.key_names), name


def test_the_demo_model_says_why_a_place_that_was_named_gave_no_key() -> None:
    missed = "environment: BEAKER_ENV_FILE names /nowhere, and there is no such file."
    for model in ("", "gpt-5"):
        chosen = choose_endpoint(None, PRESETS, model=model, base_url="", key_missed=missed)
        assert isinstance(chosen, Endpoint)
        assert chosen.hint == missed
