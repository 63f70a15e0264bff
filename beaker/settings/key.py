"""Finding the model's key: where it may lie, and who may have put it there.

The first of these holds: the endpoint's variable in the environment; the same name in the file that BEAKER_ENV_FILE names; the same
name in the `.env` of the notebook's folder, if the user's own beaker.toml trusts that folder; `agent.key_file`;
`agent.key_command`; `agent.keyring`. The entry of the kernel calls this before it imports anything else, so that the key is sealed
and out of the environment as early as can be: this module and all that it imports need nothing but builtins, `os`, `stat` and
`typing`, until one of the files says something of a key.

The value stands in `FoundKey.value` and nowhere else: in no setting, origin or problem.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from beaker.settings.key_file import NoKey, read_key_file
from beaker.settings.key_wishes import DEMO_CHOICE, USERS_OWN, Wishes, key_names, read_wishes


class KeyFacts(NamedTuple):
    """What may be known of a key."""

    name: str
    """The variable that the key would stand in; which endpoints it is for. Empty: for whichever the user configured."""
    origin: str
    """Where it was found, in words for the user: `environment OPENAI_API_KEY`, `/home/x/p/.env: OPENAI_API_KEY`."""
    ground: str = USERS_OWN
    """Whose it is: the user's own, or the folder in whose file it stands. A key is not sent to an address of another ground."""


class FoundKey(NamedTuple):
    """A key and its place."""

    value: str
    """The secret itself."""
    facts: KeyFacts
    variable: str = ""
    """The variable that has to leave the environment; empty when it came from elsewhere or the user gives it to her cells."""

    def __repr__(self) -> str:
        """Everything but the secret."""
        return f"FoundKey(facts={self.facts!r}, variable={self.variable!r})"


class Doors(NamedTuple):
    """How to ask where no file is read; each raises NoKey."""

    run_command: Callable[[Sequence[str], Mapping[str, str], float], str]
    """Takes the command, its environment and its time limit in seconds."""
    ask_keyring: Callable[[str], str]
    """Takes the service."""


def find_key(environment: Mapping[str, str], folder: str | None, doors: Doors | None = None) -> tuple[FoundKey | None, list[str]]:
    """Look for the model's key.

    Args:
        environment: of this process, before anything was taken from it.
        folder: the notebook's.
        doors: to the places that are no files; None leaves those out.

    Returns:
        What was found, and a sentence for each value that is no key. One in a folder that is not trusted is passed over: that is
        said by `beaker.settings.load`, together with whatever else such a folder wanted.
    """
    problems: list[str] = []
    wishes = read_wishes(environment, folder)
    if wishes.model == DEMO_CHOICE:
        return None, problems  # nothing is sent anywhere, so the variable stays where it is
    names = key_names(wishes.base_url)
    for name in names:
        if value := environment.get(name, "").strip():
            if is_usable(value):
                variable = "" if name in wishes.keep_env else name
                return FoundKey(value, KeyFacts(name, environment_words(name)), variable), problems
            problems.append(_unusable_words("environment", name))
    for name in names:
        if value := wishes.env_values.get(name, "").strip():
            if is_usable(value):
                return FoundKey(value, KeyFacts(name, f"{wishes.env_path}: {name}", wishes.env_ground)), problems
            problems.append(_unusable_words(wishes.env_path, name))
    for setting, origin, get in _own_places(wishes, environment, doors):
        try:
            value = get().strip()
        except NoKey as refused:
            problems.append(f"{setting} gives no key: {refused}.")
            continue
        if value and is_usable(value):
            return FoundKey(value, KeyFacts("", origin)), problems
        problems.append(f"{setting} gives no key: it has to be one word and nothing else.")
    return None, problems


def _own_places(wishes: Wishes, environment: Mapping[str, str], doors: Doors | None) -> Iterator[tuple[str, str, Callable[[], str]]]:
    """The user's further places: the setting, words for its origin, and how to look there."""
    if wishes.key_file:
        yield "agent.key_file", f"{wishes.key_file} (agent.key_file)", lambda: read_key_file(wishes.key_file, environment)
    if doors is None:
        return
    if wishes.key_command:
        origin = f"{os.path.basename(wishes.key_command[0])} (agent.key_command)"
        command, limit_s = wishes.key_command, wishes.key_command_timeout_s
        yield "agent.key_command", origin, lambda: doors.run_command(command, environment, limit_s)
    if wishes.keyring:
        yield "agent.keyring", f"keyring {wishes.keyring} (agent.keyring)", lambda: doors.ask_keyring(wishes.keyring)


def environment_words(name: str) -> str:
    """The origin of a key in a variable of the environment."""
    return f"environment {name}"


def is_usable(value: str) -> bool:
    """Whether it can be a key: it goes into an HTTP header, and a library's complaint about it would quote it."""
    return value.isascii() and value.isprintable() and " " not in value


def _unusable_words(place: str, name: str) -> str:
    return f"{place}: {name} is not used: it contains a blank or a character that no key has."
