"""Which endpoint answers, by what is configured."""

from typing import Literal

import pytest

from beaker.agent.endpoint import Endpoint, Unusable, choose_endpoint, find_key, read_presets

PRESETS = read_presets()
KEY = {"OPENAI_API_KEY": "sk-x"}
OPENAI = PRESETS["openai"]


def choose(environment: dict[str, str], *, model: str = "", base_url: str = "") -> Endpoint:
    chosen = choose_endpoint(environment, PRESETS, model=model, base_url=base_url)
    assert isinstance(chosen, Endpoint), chosen
    return chosen


@pytest.mark.parametrize(
    ("environment", "model", "base_url", "kind", "url", "chosen_model"),
    [
        ({}, "", "", "demo", "http://demo.invalid/v1", "demo model"),
        (KEY, "demo", "", "demo", "http://demo.invalid/v1", "demo model"),
        (KEY, "", "", "remote", "https://api.openai.com/v1", OPENAI.model),
        (KEY, "gpt-5", "", "remote", "https://api.openai.com/v1", "gpt-5"),
        ({}, "", "ollama", "remote", "http://127.0.0.1:11434/v1", ""),
        ({}, "qwen", "http://box:8000/v1", "remote", "http://box:8000/v1", "qwen"),
        (KEY, "", "https://api.openai.com/v1/", "remote", "https://api.openai.com/v1", OPENAI.model),
    ],
)
def test_the_endpoint_follows_from_what_is_set(
    environment: dict[str, str], model: str, base_url: str, kind: Literal["demo", "remote"], url: str, chosen_model: str
) -> None:
    chosen = choose(environment, model=model, base_url=base_url)
    assert (chosen.kind, chosen.base_url, chosen.model) == (kind, url, chosen_model)


def test_a_model_without_a_key_gives_the_demo_model_with_a_hint() -> None:
    assert "no key is set in OPENAI_API_KEY" in choose({}, model="gpt-5").hint


def test_a_preset_takes_its_own_key_and_never_that_of_openai() -> None:
    assert find_key(KEY, choose(KEY, base_url="openrouter")) is None
    both = {**KEY, "OPENROUTER_API_KEY": "or-x"}
    assert find_key(both, choose(both, base_url="openrouter")) == "or-x"


def test_reasoning_is_off_only_for_the_models_that_need_it() -> None:
    assert choose(KEY).model in choose(KEY).reasoning_off
    assert "gpt-4.1" not in choose(KEY, model="gpt-4.1").reasoning_off


@pytest.mark.parametrize("base_url", ["olama", "ftp://x/v1", "http://", "box:8000"])
def test_what_is_no_address_is_a_sentence_with_the_valid_names(base_url: str) -> None:
    chosen = choose_endpoint({}, PRESETS, model="", base_url=base_url)
    assert isinstance(chosen, Unusable)
    assert repr(base_url) in chosen.reason
    assert "ollama" in chosen.reason


def test_every_preset_has_an_address_and_a_way_to_a_model() -> None:
    for name, preset in PRESETS.items():
        assert preset.base_url.startswith("http"), name
        assert preset.local or (preset.model and preset.key_names), name
