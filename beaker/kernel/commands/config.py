"""`%beaker config`, and how it reads: first what could not be used, then every setting with its place."""

import os
from collections.abc import Iterable

from beaker.kernel.commands.command import Command, Entry, Order, Refused, Values
from beaker.kernel.commands.words import Table, Words, code, escaped
from beaker.settings.key import environment_words
from beaker.settings.key_wishes import KEY_VARIABLE
from beaker.settings.load import Loaded
from beaker.settings.schema import setting_names, value_of
from beaker.settings.shown import one_line, shown


class ShowConfig(Order, frozen=True, kw_only=True):
    """Show all settings."""


class ChooseMagics(Order, frozen=True, kw_only=True):
    """Say whose `%%ai`, `%%ask` and `%ai` are, for as long as this kernel lives."""

    ours: bool


_MAGICS = {"magics=off": ChooseMagics(ours=False), "magics=beaker": ChooseMagics(ours=True)}


def _read(words: list[str]) -> Order:
    match words:
        case []:
            return ShowConfig()
        case [word] if word in _MAGICS:
            return _MAGICS[word]
        case _:
            return Refused(
                reason=f"`%beaker config` takes nothing, `magics=off` or `magics=beaker`, and there is {' '.join(words)[:60]!r}."
            )


def _complete(words: list[str], values: Values) -> Iterable[str]:
    del values
    return () if words else sorted(_MAGICS)


CONFIG = Command(
    "config",
    Entry(
        "%beaker config",
        "every setting: its value, and the file or variable it came from",
        "Lists what was found and could not be used, then all settings with the place that each came from. The key itself is never "
        "shown, only where it was found and where else it can still be read. Settings are changed in your own `beaker.toml`, whose path "
        "stands there, or by environment "
        "variables: `agent.model` is `BEAKER_AGENT_MODEL`. They are read when a kernel starts. "
        "If the session has an `%%ai` magic of its own, from an extension that you loaded, `%beaker config magics=off` lets it have "
        "`%%ai`, `%%ask` and `%ai`; `magics=beaker` takes them back.",
    ),
    _read,
    _complete,
)


def magics_words(order: ChooseMagics) -> Words:
    """The text of `%beaker config magics=...`."""
    if order.ours:
        text = "`%%ai`, `%%ask` and `%ai` ask the model again."
    else:
        text = "`%%ai`, `%%ask` and `%ai` go to the session untouched. `%beaker config magics=beaker` takes them back."
    return Words(plain=text.replace("`", "") + "\n", markdown=text)


def config_words(loaded: Loaded) -> Words:
    """The text of `%beaker config`. The key is named by its place and never shown."""
    table = Table(
        columns=("setting", "value", "from"),
        rows=[_key(loaded), *((name, _value(loaded, name), _place(loaded, name)) for name in setting_names())],
        code_columns=frozenset({0, 1}),
    )
    plain: list[str] = []
    markdown: list[str] = []
    if loaded.problems:
        plain.append("\n".join(["Not used:", *(f"  {sentence}" for sentence in loaded.problems)]))
        markdown.append("\n".join(["**Not used**", "", *(f"- {escaped(sentence)}" for sentence in loaded.problems)]))
    plain.append(table.plain())
    markdown.append(table.markdown())
    path = one_line(loaded.user_file)
    if path:
        words = "Your own settings are in" if os.path.exists(loaded.user_file) else "Your own settings would be in"
        plain.append(f"{words} {path}, read when a kernel starts.")
        markdown.append(f"{words} {code(path)}, read when a kernel starts.")
    for sentence in _where_it_still_is(loaded):
        plain.append(sentence)
        markdown.append(escaped(sentence))
    return Words(plain="\n\n".join(plain) + "\n", markdown="\n\n".join(markdown) + "\n")


def _key(loaded: Loaded) -> tuple[str, str, str]:
    if loaded.key is None:
        return KEY_VARIABLE, "not set", "" if loaded.settings.agent.base_url else "the demo model answers"
    return loaded.key.name or "the key", "set", one_line(loaded.key.origin)


def _where_it_still_is(loaded: Loaded) -> list[str]:
    """The places outside of beaker's own processes in which code in a cell can find the key, or a password in the address."""
    sentences: list[str] = []
    origin = loaded.key_origin
    if loaded.withheld:
        sentences.append(
            f"Cells do not get {loaded.withheld}. The program that started this kernel still has it in its environment, and code in your "
            "cells can look there."
        )
    elif loaded.key is not None and origin == environment_words(loaded.key.name):
        sentences.append(f"Cells get {loaded.key.name}, because subkernel.keep_env gives it to them.")
    elif origin.endswith(("(agent.key_command)", "(agent.keyring)")):
        sentences.append("Code in your cells can ask there for the key as beaker did.")
    elif origin:
        sentences.append("Code in your cells can read the file that the key is in.")
    if "@" in loaded.settings.agent.base_url:
        sentences.append("The address in agent.base_url holds a password, and code in your cells can read it where it was set.")
    return sentences


def _value(loaded: Loaded, name: str) -> str:
    value = value_of(loaded.settings, name)
    return "not set" if value in ("", ()) else shown(value)


def _place(loaded: Loaded, name: str) -> str:
    return one_line(loaded.origins[name].words)
