"""Finding the model's key: where it may lie, and who may have put it there.

The first of these holds: OPENAI_API_KEY in the environment; the same name in the file that BEAKER_ENV_FILE names; the same
name in the `.env` of the notebook's folder, if the user trusts that folder (`beaker.settings.trust`). The entry of the kernel
calls this before it imports anything else, so that the key is sealed and out of the environment as early as can be: this
module and all that it imports need nothing but builtins, `os`, `stat` and `typing`, until a folder's `.env` holds a key.

The value stands in `FoundKey.value` and nowhere else: in no setting, origin or problem.
"""

import os
from collections.abc import Mapping
from typing import NamedTuple, cast

from beaker.settings.env_file import parse_env
from beaker.settings.reading import FileUnreadable, read_text, read_toml
from beaker.settings.trust import expand_home, is_trusted, user_file

KEY_VARIABLE = "OPENAI_API_KEY"
ENV_FILE_VARIABLE = "BEAKER_ENV_FILE"


class FoundKey(NamedTuple):
    """A key and its place."""

    value: str
    """The secret itself."""
    origin: str
    """Where it was found, in words for the user: `environment OPENAI_API_KEY`, `/home/x/p/.env: OPENAI_API_KEY`."""
    variable: str
    """The variable that has to leave the environment; empty when it came from a file."""

    def __repr__(self) -> str:
        """Everything but the secret."""
        return f"FoundKey(origin={self.origin!r}, variable={self.variable!r})"


class EnvPlace(NamedTuple):
    """The one `.env` file that counts."""

    path: str
    """There need not be such a file, unless the user named it."""
    named: bool
    """By BEAKER_ENV_FILE: the user's own word, so it may set everything."""


def find_key(environment: Mapping[str, str], folder: str | None) -> tuple[FoundKey | None, list[str]]:
    """Look for the model's key.

    Args:
        environment: of this process, before anything was taken from it.
        folder: the notebook's.

    Returns:
        What was found, and a sentence for each value that is no key. One in a folder that is not trusted is passed over: that is
        said by `beaker.settings.load`, together with whatever else such a folder wanted.
    """
    problems: list[str] = []
    if value := environment.get(KEY_VARIABLE, "").strip():
        if _is_usable(value):
            return FoundKey(value, f"environment {KEY_VARIABLE}", KEY_VARIABLE), problems
        problems.append(_unusable_words("environment"))
    if (place := env_place(environment, folder)) is None:
        return None, problems
    try:
        content = read_text(place.path)
    except FileUnreadable:
        return None, problems  # said by `load`, which reads the rest of it
    value = "" if content is None else parse_env(content).values.get(KEY_VARIABLE, "").strip()
    if not value or not (place.named or (folder is not None and _user_trusts(folder, environment))):
        return None, problems
    if not _is_usable(value):
        return None, [*problems, _unusable_words(place.path)]
    return FoundKey(value, f"{place.path}: {KEY_VARIABLE}", ""), problems


def env_place(environment: Mapping[str, str], folder: str | None) -> EnvPlace | None:
    """The file that BEAKER_ENV_FILE names, else the `.env` of the folder.

    A relative name is none: it would make the `.env` of every folder the user's own word.
    """
    named = expand_home(environment.get(ENV_FILE_VARIABLE, "").strip(), environment)
    if os.path.isabs(named):
        return EnvPlace(named, named=True)
    return None if folder is None else EnvPlace(os.path.join(folder, ".env"), named=False)


def _user_trusts(folder: str, environment: Mapping[str, str]) -> bool:
    try:
        content = read_toml(user_file(environment))
    except FileUnreadable:
        return False
    trust = (content or {}).get("trust")
    folders: object = cast("dict[str, object]", trust).get("folders") if isinstance(trust, dict) else None
    if not isinstance(folders, list):
        return False
    return is_trusted(folder, [item for item in cast("list[object]", folders) if isinstance(item, str)], environment)


def _is_usable(value: str) -> bool:
    """Whether it can be a key: it goes into an HTTP header, and a library's complaint about it would quote it."""
    return value.isascii() and value.isprintable() and " " not in value


def _unusable_words(place: str) -> str:
    return f"{place}: {KEY_VARIABLE} is not used: it contains a blank or a character that no key has."
