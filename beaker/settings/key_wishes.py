"""What the user's places say about the key: which endpoint it is for, and where else it may lie.

A first, narrow reading of what `beaker.settings.load` reads whole later: it runs before anything is imported, in an image of the
process that lives for milliseconds. A file is taken apart only if one of the few words in question stands in it; a value
that `load` will refuse counts here as none or as some address, and either way leads to no key for a place that `load` does not choose.
"""

import os
from collections.abc import Mapping
from typing import NamedTuple, cast

from beaker.settings.env_file import parse_env
from beaker.settings.reading import FileUnreadable, parse_toml, read_text
from beaker.settings.trust import expand_home, is_trusted, user_file

KEY_VARIABLE = "OPENAI_API_KEY"
"""For every endpoint that is no preset with a variable of its own."""
ENV_FILE_VARIABLE = "BEAKER_ENV_FILE"
TOKEN_VARIABLE = "BEAKER_GATEWAY_TOKEN"
"""What clients of the gateway must show. No setting: it is held apart, as the key is."""
DEMO_CHOICE = "demo"
"""What BEAKER_MODEL may say to get the demo model though a key is there."""
USERS_OWN = ""
"""The ground of what the user herself configured, in whichever of her places."""

_TELLING = ("base_url", "model", "key", "keep_env", "folders")
"""A beaker.toml without any of these in its text has nothing to say here."""

_VARIABLES = {
    "base_url": ("BEAKER_AGENT_BASE_URL", "OPENAI_BASE_URL"),
    "model": ("BEAKER_AGENT_MODEL", "BEAKER_MODEL"),
    "key_file": ("BEAKER_AGENT_KEY_FILE",),
    "keyring": ("BEAKER_AGENT_KEYRING",),
}
"""The first that is set holds."""

_FOLDERS_OWN = frozenset({"base_url", "model"})
"""What files of a folder that the user trusts may say; where the user keeps her key is none of it."""

_PRESETS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "agent", "presets.toml")


class EnvPlace(NamedTuple):
    """The one `.env` file that counts."""

    path: str
    """There need not be such a file, unless the user named it."""
    named: bool
    """By BEAKER_ENV_FILE: the user's own word, so it may set everything."""


class Wishes(NamedTuple):
    """What was said; empty where nothing was."""

    base_url: str
    model: str
    key_file: str
    keyring: str
    key_command: list[str]
    key_command_timeout_s: float
    keep_env: list[str]
    env_path: str
    env_values: dict[str, str]
    """Of a `.env` that may give a key; empty for one that may not."""
    env_ground: str
    """USERS_OWN, or the folder that the file lies in."""


def read_wishes(environment: Mapping[str, str], folder: str | None) -> Wishes:
    """Gather them, each place overriding the ones before it, as `load` does."""
    own = _read_toml(user_file(environment))
    agent = _table(own, "agent")
    found = {name: _text(agent, name) for name in _VARIABLES}
    folders = _texts(_table(own, "trust").get("folders"))
    trusted = folder is not None and is_trusted(folder, folders, environment)
    if trusted and folder is not None:
        theirs = _table(_read_toml(os.path.join(folder, "beaker.toml")), "agent")
        found |= {name: value for name in _FOLDERS_OWN if (value := _text(theirs, name))}
    place = env_place(environment, folder)
    values = _read_env(place.path) if place is not None and (place.named or trusted) else {}
    for variables, names in ((values, _VARIABLES if place is not None and place.named else _FOLDERS_OWN), (environment, _VARIABLES)):
        found |= {name: value for name in names if (value := _variable(variables, name))}
    timeout_s = agent.get("key_command_timeout_s")
    return Wishes(
        base_url=found["base_url"],
        model=found["model"],
        key_file=found["key_file"],
        keyring=found["keyring"],
        key_command=_texts(agent.get("key_command")),
        key_command_timeout_s=timeout_s if isinstance(timeout_s, int | float) and 0 < timeout_s <= 60 else 10.0,
        keep_env=_texts(_table(own, "subkernel").get("keep_env")),
        env_path=place.path if place is not None else "",
        env_values=values,
        env_ground=USERS_OWN if place is None or place.named else folder or USERS_OWN,
    )


def env_place(environment: Mapping[str, str], folder: str | None) -> EnvPlace | None:
    """The file that BEAKER_ENV_FILE names, else the `.env` of the folder.

    A relative name is none: it would make the `.env` of every folder the user's own word.
    """
    named = expand_home(environment.get(ENV_FILE_VARIABLE, "").strip(), environment)
    if os.path.isabs(named):
        return EnvPlace(named, named=True)
    return None if folder is None else EnvPlace(os.path.join(folder, ".env"), named=False)


def key_names(base_url: str) -> list[str]:
    """The variables in which the key of an endpoint may stand; none for a preset that needs no key.

    Args:
        base_url: an address, the name of a preset, or empty for OpenAI's own.

    >>> key_names("openrouter"), key_names("ollama"), key_names("https://models.example/v1")
    (['OPENROUTER_API_KEY'], [], ['OPENAI_API_KEY'])
    """
    if not base_url:
        return [KEY_VARIABLE]
    for name, address, names in _presets():
        if base_url == name or base_url.rstrip("/") == address:
            return names
    return [KEY_VARIABLE]


def all_key_names() -> set[str]:
    """Every variable in which some endpoint's key may stand."""
    return {KEY_VARIABLE, *(variable for _, _, names in _presets() for variable in names)}


def _presets() -> list[tuple[str, str, list[str]]]:
    """Names, addresses and key variables of `presets.toml`, which is ours and plain enough to be read line by line."""
    presets: list[tuple[str, str, list[str]]] = []
    with open(_PRESETS, encoding="utf-8") as file:
        for line in file:
            name, _, value = line.strip().partition(" = ")
            if line.startswith("["):
                presets.append((line.strip().strip("[]"), "", []))
            elif name == "base_url":
                presets[-1] = (presets[-1][0], value.strip('"'), [])
            elif name == "key_names":
                presets[-1][2].extend(item.strip().strip('"') for item in value.strip("[]").split(","))
    return presets


def _read_toml(path: str) -> dict[str, object]:
    try:
        text = read_text(path)
        if text is None or not any(word in text for word in _TELLING):
            return {}
        return parse_toml(text)
    except FileUnreadable:
        return {}  # said by `load`


def _read_env(path: str) -> dict[str, str]:
    try:
        return parse_env(read_text(path) or "").values
    except FileUnreadable:
        return {}  # said by `load`


def _table(content: Mapping[str, object], name: str) -> dict[str, object]:
    table = content.get(name)
    return cast("dict[str, object]", table) if isinstance(table, dict) else {}


def _text(table: Mapping[str, object], name: str) -> str:
    value = table.get(name)
    return value if isinstance(value, str) else ""


def _texts(value: object) -> list[str]:
    return [item for item in cast("list[object]", value) if isinstance(item, str)] if isinstance(value, list) else []


def _variable(variables: Mapping[str, str], name: str) -> str:
    return next((value for variable in _VARIABLES[name] if (value := variables.get(variable, "").strip())), "")
