"""`%beaker config`, and how it reads: first what could not be used, then every setting with its place."""

import os

from beaker.kernel.commands.command import Command, Entry, Order, taking_nothing
from beaker.kernel.commands.words import Table, Words, code, escaped
from beaker.settings.load import Loaded
from beaker.settings.schema import setting_names, value_of
from beaker.settings.shown import one_line, shown


class ShowConfig(Order, frozen=True, kw_only=True):
    """Show all settings."""


CONFIG = Command(
    "config",
    Entry(
        "%beaker config",
        "every setting: its value, and the file or variable it came from",
        "Lists what was found and could not be used, then all settings with the place that each came from. The key itself is never "
        "shown, only where it was found. Settings are changed in your own `beaker.toml`, whose path stands there, or by environment "
        "variables: `agent.model` is `BEAKER_AGENT_MODEL`. They are read when a kernel starts.",
    ),
    taking_nothing("config", ShowConfig()),
)


def config_words(loaded: Loaded) -> Words:
    """The text of `%beaker config`. The key is named by its place and never shown."""
    table = Table(
        columns=("setting", "value", "from"),
        rows=[("OPENAI_API_KEY", *_key(loaded)), *((name, _value(loaded, name), _place(loaded, name)) for name in setting_names())],
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
    if loaded.key_origin and not loaded.key_origin.startswith("environment"):
        warning = "Code in your cells can read the file that the key is in."
        plain.append(warning)
        markdown.append(warning)
    return Words(plain="\n\n".join(plain) + "\n", markdown="\n\n".join(markdown) + "\n")


def _key(loaded: Loaded) -> tuple[str, str]:
    if loaded.key_origin:
        return "set", one_line(loaded.key_origin)
    return "not set", "" if loaded.settings.agent.base_url else "the demo model answers"


def _value(loaded: Loaded, name: str) -> str:
    value = value_of(loaded.settings, name)
    return "not set" if value in ("", ()) else shown(value)


def _place(loaded: Loaded, name: str) -> str:
    return one_line(loaded.origins[name].words)
