"""What can be typed to beaker in a cell, and its help: the one place that knows the commands that exist.

`beaker.kernel.magics` takes the names from here, so that nothing can be typed that has no help, and nothing has help that
cannot be typed.
"""

from collections.abc import Iterable
from typing import Literal, get_args

import msgspec

from beaker.kernel.commands.words import Table, Words

CommandName = Literal["help", "status", "restart", "config", "stop"]
"""What stands behind `%beaker`."""

COMMAND_NAMES: tuple[CommandName, ...] = get_args(CommandName)

ASK_TOPIC = "%%ai"
"""The topic of help that is no command."""


class Entry(msgspec.Struct, frozen=True):
    """One thing that can be typed."""

    usage: str
    summary: str
    """A few words, without a full stop."""
    details: str
    """Sentences for its own help; backticks mark code."""


COMMANDS: dict[CommandName, Entry] = {
    "help": Entry(
        "%beaker help [COMMAND]",
        "this list, or the help of one command",
        "`%beaker`, `%beaker?` and `%beaker help` show what can be typed. `%beaker help status` and `%beaker status?` say more about one.",
    ),
    "status": Entry(
        "%beaker status",
        "the subkernel, the agent and the log file: what runs, since when, how much waits",
        "Shows the kernel that runs your ordinary cells (its process, how long it is up, the cell that runs now, how many wait), the "
        "agent that answers questions with its model, and where the log is. It looks from outside: no code runs in your session.",
    ),
    "restart": Entry(
        "%beaker restart",
        "end the session with all its variables and start a fresh one",
        "Ends the process that runs your ordinary cells and starts a new one: all variables are lost, cells that wait are aborted, "
        "numbers begin at 1 again. It is also the way back after the subkernel was given up.",
    ),
    "config": Entry(
        "%beaker config",
        "every setting: its value, and the file or variable it came from",
        "Lists what was found and could not be used, then all settings with the place that each came from. The key itself is never "
        "shown, only where it was found. Settings are changed in your own `beaker.toml`, whose path stands there, or by environment "
        "variables: `agent.model` is `BEAKER_AGENT_MODEL`. They are read when a kernel starts.",
    ),
    "stop": Entry(
        "%beaker stop [N]",
        "stop the answer to question N, or every answer that is being given",
        "Ends the turn, not only the call to the model: no further step follows. What was answered so far stays. The number stands at "
        "the answer; without a number all turns end. Your own running cells go on: interrupt those with the frontend's stop button.",
    ),
}

ASK = Entry(
    "%%ai QUESTION",
    "ask the model; cells that you run meanwhile do not wait for it",
    "The question may begin on the first line and go on below it. `%%ask` is another name for `%%ai`, and `%ai QUESTION` does for "
    "one line. The answer streams in below the cell; code that the model proposes comes as a cell of its own and is not run until "
    "you run it.",
)

OPTIONS: dict[str, Entry] = {
    "--model": Entry("--model M", "the model that answers, by its name at the endpoint", ""),
    "--background": Entry("--background", "the cell is done at once, and the answer goes on below it", ""),
}
"""Of `%%ai`, in front of the question."""

TOPICS: tuple[str, ...] = (ASK_TOPIC, *COMMAND_NAMES)
"""What `help_words` has a text for."""


def help_words(topic: str = "") -> Words:
    """The help of one topic; of an unknown one, or none, the list of all that can be typed.

    Args:
        topic: a command's name; `%%ai`; empty.
    """
    for name, entry in COMMANDS.items():
        if name == topic:
            return _one(entry)
    if topic == ASK_TOPIC:
        return _one(ASK, OPTIONS)
    return _overview()


def _overview() -> Words:
    table = _entries([ASK, *COMMANDS.values()])
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
