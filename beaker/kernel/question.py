"""What a `%%ai` cell asks: its options, the question, and why it cannot be asked.

It never raises, whatever the cell holds: what cannot be asked is a `Refused` with a sentence for the user.
"""

import re
from typing import Literal, get_args

import msgspec

from beaker.errors import unknown_name
from beaker.kernel.cell_head import LINE_END
from beaker.kernel.commands.command import Entry, Refused
from beaker.kernel.habits import short_option, taken_for_command
from beaker.messages.look import Mentioned
from beaker.prompt_limit import PROMPT_LIMIT_BYTES, too_long, too_long_words

ASK_TOPIC = "%%ai"
"""The topic of help that is no command."""

ASK = Entry(
    "%%ai QUESTION",
    "ask the model; cells that you run meanwhile do not wait for it",
    "The question may begin on the first line and go on below it. `%%ask` is another name for `%%ai`, and `%ai QUESTION` does for "
    "one line. The answer streams in below the cell; code that the model proposes comes as a cell of its own and is not run until "
    "you run it. `@df` attaches a variable, `@file:data.csv` a file of the notebook's folder (Tab completes both); `{x}` puts a value "
    "into the question, and so do `{In[3]}`, `{Out[3]}` and `{Err[3]}` for cell 3. `{{x}}` stands for `{x}`.",
)

OPTIONS: dict[str, Entry] = {
    "--model": Entry("--model M", "the model that answers, by its name at the endpoint", ""),
    "--mode": Entry(
        "--mode ask|auto|plan",
        "what becomes of code that the model wants to run: you are asked, it runs unless it is risky, or it never runs",
        "",
    ),
    "--background": Entry("--background", "the cell is done at once, and the answer goes on below it", ""),
}
"""Of `%%ai`, in front of the question."""

# Texts, which `re` compiles when the first question needs them: together they cost the kernel's start 3 ms.
_UNREADABLE = "[\x00\ud800-\udfff]"
_CONTROLS = "[\x01-\x07\x0e-\x1a\x1c-\x1f\x7f-\x84\x86-\x9f\ufffd]"
"""Control characters but those of blanks, backspace and terminal colours; and what decoders put where they fail."""

_OPTION = r"(?P<name>--[A-Za-z][^\s=]*|--(?=\s|$))(?:=(?P<value>\S*))?(?=\s|$)"
_SHORT_HELP = r"-[h?](?=\s|$)"
_BLANK_LINES = r"\A\s*[\r\n]"
_OPTIONS_LIMIT_CHARS = 10_000
"""Generously what options in front of a question may take."""

_BINARY_SHARE = 0.05
"""A paste in which every twentieth character is none is no text; a traceback with odd bytes in it is."""


Mode = Literal["ask", "auto", "plan"]
"""What becomes of code that the model wants to run."""

MODES: tuple[Mode, ...] = get_args(Mode)


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """A question for the model."""

    prompt: str
    """Not blank; without blank lines around it."""
    model: str | None = None
    """None: as configured."""
    background: bool = False
    """The cell is to be done at once."""
    mode: Mode | None = None
    """None: as configured."""
    attached: tuple[Mentioned, ...] = ()
    """Data that came with the question; in it nothing is filled in or looked up."""


def read_question(rest: str) -> Ask | Refused | None:
    """What a cell asks.

    Args:
        rest: what stands behind `%%ai`.

    Returns:
        None if it asks for help.
    """
    length = len(rest.strip())
    if length > PROMPT_LIMIT_BYTES + _OPTIONS_LIMIT_CHARS:
        return Refused(reason=too_long_words(length))  # not looked at any further: it may have the size of the largest message
    line_end = re.search(LINE_END, rest)
    end = line_end.start() if line_end else len(rest)
    first, body = rest[:end].strip(), rest[end:]
    model: str | None = None
    mode: Mode | None = None
    background = literal = False
    while found := re.match(_OPTION, first):
        name, value = found["name"], found["value"]
        first = first[found.end() :].lstrip()
        if name == "--":
            literal = True
            break
        if name == "--help":
            return None
        if name not in OPTIONS:
            sentence = unknown_name("an option of %%ai", name, OPTIONS)
            return Refused(reason=f"{sentence} A question that begins with two dashes goes behind `--`.")
        if name == "--background":
            if value is not None:
                return Refused(reason=f"`--background` takes no value, and there is {value[:60]!r}.")
            background = True
            continue
        if value is None:  # not `--model=M` but `--model M`
            value, first = [*first.split(maxsplit=1), "", ""][:2]
        if not value or value.startswith("--"):
            return Refused(reason=f"`{name}` needs a value behind it, as in `{OPTIONS[name].usage}`.")
        if name == "--model":
            model = value
            continue
        mode = next((known for known in MODES if known == value), None)
        if mode is None:
            return Refused(reason=unknown_name("a mode of %%ai", value, MODES))
    if not literal:
        if re.match(_SHORT_HELP, first):
            return None
        if (refused := short_option(first, OPTIONS) or taken_for_command(first, body)) is not None:
            return refused
    prompt = (first + body).rstrip()
    if not first:
        prompt = re.sub(_BLANK_LINES, "", prompt, count=1)
    return check_prompt(prompt) or Ask(prompt=prompt, model=model, background=background, mode=mode)


def check_prompt(prompt: str) -> Refused | None:
    """Why this cannot be asked; None if it can."""
    if not prompt:
        return Refused(reason="There is no question. Write it behind `%%ai` or on the lines below, as in `%%ai what is in df?`.")
    # First: what is too long is not looked through.
    if (reason := too_long(prompt)) is not None:
        return Refused(reason=reason)
    unreadable = re.search(_UNREADABLE, prompt) is not None
    if unreadable or len(re.findall(_CONTROLS, prompt)) > _BINARY_SHARE * len(prompt):
        return Refused(reason="The question holds binary data, not text. Put the data into a file or a variable and ask about that.")
    return None
