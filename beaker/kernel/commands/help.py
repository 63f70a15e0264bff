"""`%beaker help [COMMAND]`: what can be typed to beaker in a cell, and the help of each.

Parsing and completion take the names from here too, so that nothing can be typed that has no help, and nothing has help
that cannot be typed.
"""

from collections.abc import Iterable

from beaker.errors import unknown_name
from beaker.kernel.commands.command import Command, Entry, Order, Refused, Values
from beaker.kernel.commands.table import COMMANDS
from beaker.kernel.commands.words import Table, Words
from beaker.kernel.question import ASK, ASK_TOPIC, OPTIONS


class ShowHelp(Order, frozen=True, kw_only=True):
    """`%beaker`, `%beaker help`, or a question mark behind any of ours."""

    topic: str = ""
    """For `help_words`."""


def _read(words: list[str]) -> Order:
    if not words:
        return ShowHelp()
    topic = words[0]
    if topic.lstrip("%") in {"ai", "ask"}:
        return ShowHelp(topic=ASK_TOPIC)
    if topic in COMMAND_NAMES:
        return ShowHelp(topic=topic)
    return Refused(reason=unknown_name("something that `%beaker help` knows", topic, TOPICS))


def _complete(words: list[str], values: Values) -> Iterable[str]:
    del values
    return () if words else (*COMMAND_NAMES, ASK_TOPIC)


HELP = Command(
    "help",
    Entry(
        "%beaker help [COMMAND]",
        "this list, or the help of one command",
        "`%beaker`, `%beaker?` and `%beaker help` show what can be typed. `%beaker help status` and `%beaker status?` say more about one.",
    ),
    _read,
    _complete,
)

ALL: dict[str, Command] = {command.name: command for command in (HELP, *COMMANDS)}
"""By name."""

COMMAND_NAMES = tuple(ALL)
"""What can stand behind `%beaker`."""

TOPICS = (ASK_TOPIC, *COMMAND_NAMES)
"""What `help_words` has a text for."""


def read_order(rest: str) -> Order:
    """What a `%beaker` cell wants.

    Args:
        rest: what stands behind `%beaker`; not a question mark alone.
    """
    words = rest.rstrip("?").split()
    if not words:
        return ShowHelp()
    command = ALL.get(words[0])
    if command is None:
        return Refused(reason=unknown_name("a command of %beaker", words[0], COMMAND_NAMES))
    if rest.endswith("?"):
        return ShowHelp(topic=command.name)
    return command.read(words[1:])


def help_words(topic: str = "") -> Words:
    """The help of one topic; of an unknown one, or none, the list of all that can be typed.

    Args:
        topic: a command's name; `%%ai`; empty.
    """
    if topic in ALL:
        return _one(ALL[topic].entry)
    if topic == ASK_TOPIC:
        return _one(ASK, OPTIONS)
    return _overview()


def _overview() -> Words:
    table = _entries([ASK, *(command.entry for command in ALL.values())])
    more = "`%beaker help COMMAND` says more about one of them; `%%ai?` about questions. Tab completes them."
    rest = "Every other cell runs as it would without beaker."
    return Words(
        plain=f"{table.plain()}\n\n{more.replace('`', '')}\n{rest}\n",
        markdown=f"{table.markdown()}\n\n{more} {rest}\n",
    )


def _one(entry: Entry, options: dict[str, Entry] | None = None) -> Words:
    usage = entry.usage if options is None else " ".join([entry.usage.split()[0], "[options]", *entry.usage.split()[1:]])
    plain, markdown = [usage, entry.details.replace("`", "")], [f"`{usage}`", entry.details]
    if options:
        table = _entries(options.values())
        plain.append(table.plain())
        markdown.append(table.markdown())
    return Words(plain="\n\n".join(plain) + "\n", markdown="\n\n".join(markdown) + "\n")


def _entries(entries: Iterable[Entry]) -> Table:
    return Table(columns=("type", "for"), rows=[(entry.usage, entry.summary) for entry in entries], code_columns=frozenset({0}))
