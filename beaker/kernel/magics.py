"""Which cells are ours, and what they say.

A cell is ours if its first line that is not blank begins with `%%ai` or `%%ask`, or if the whole of it is one line that begins
with `%ai` or `%beaker`; every other cell is the subkernel's, untouched. `might_be_ours` answers for the undecoded bytes of a
request, `parse` for the text. Neither raises, whatever the cell holds: what cannot be done is a `Refused` with a sentence for
the user. Completion and help in such cells are in
`beaker.kernel.commands.assistance`, the comment that stands for one in the subkernel in `beaker.kernel.commands.comments`.
"""

import re
from typing import Literal

import msgspec

from beaker.errors import unknown_name
from beaker.kernel.commands.words import size_words
from beaker.kernel.help_words import ASK_TOPIC, COMMAND_NAMES, OPTIONS, TOPICS

PROMPT_LIMIT_BYTES = 256_000
"""Of a question in UTF-8: about 64,000 tokens. With history and cells it must fit into one message of 1 MB between processes."""

# Blank is what JSON and editors agree on; in JSON these stand as themselves or escaped, in whatever way a client chooses.
_BLANKS = " \t\n\r\f\v"
_BLANKS_LIMIT = 10_000
"""Blank characters that may stand in front of a cell of ours: no request may cost a walk over all of its bytes."""

_KEYS_LIMIT_BYTES = 65_536
"""How far behind the first key called `code` another one is looked for; clients send it first, or behind a few flags."""

_CODE_BEGINS = re.compile(rb'"code"\s*:\s*"(?: |\\[tnrf]|\\u00(?:09|0[a-dA-D]|20)){0,10000}(?:%|\\u0025)')
_HEAD = re.compile(r"(%%ai|%%ask|%ai|%beaker)(?=[\s?]|$)")
# Texts, which `re` compiles when the first question needs them: together they cost the kernel's start 3 ms.
_LINE_END = r"\r\n|\n|\r"
_UNREADABLE = "[\x00\ud800-\udfff]"
_CONTROLS = "[\x01-\x07\x0e-\x1a\x1c-\x1f\x7f-\x84\x86-\x9f\ufffd]"
"""Control characters but those of blanks, backspace and terminal colours; and what decoders put where they fail."""

_OPTION = r"(?P<name>--[A-Za-z][^\s=]*|--(?=\s|$))(?:=(?P<value>\S*))?(?=\s|$)"
_BLANK_LINES = r"\A\s*[\r\n]"
_OPTIONS_LIMIT_CHARS = 10_000
"""Generously what options in front of a question may take."""

_BINARY_SHARE = 0.05
"""A paste in which every twentieth character is none is no text; a traceback with odd bytes in it is."""


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """A question for the model."""

    prompt: str
    """Not blank; without blank lines around it."""
    model: str | None = None
    """None: as configured."""
    background: bool = False
    """The cell is to be done at once."""


class ShowHelp(msgspec.Struct, frozen=True, kw_only=True):
    """`%beaker`, `%beaker help`, or a question mark behind any of ours."""

    topic: str = ""
    """For `help_words`."""


class ShowStatus(msgspec.Struct, frozen=True, kw_only=True):
    """`%beaker status`."""


class RestartSubkernel(msgspec.Struct, frozen=True, kw_only=True):
    """`%beaker restart`."""


class ShowConfig(msgspec.Struct, frozen=True, kw_only=True):
    """`%beaker config`."""


class StopTurns(msgspec.Struct, frozen=True, kw_only=True):
    """`%beaker stop [N]`."""

    number: int | None = None
    """None: all of them."""


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """Ours, and nothing that can be done."""

    reason: str
    """A sentence for the user: what was wrong, and what would be right."""


Ours = Ask | ShowHelp | ShowStatus | RestartSubkernel | ShowConfig | StopTurns | Refused

Head = Literal["%%ai", "%%ask", "%ai", "%beaker"]


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """A cell that is ours, by its outer form."""

    head: Head
    """How it begins."""
    start: int
    """Where that is, in code points."""
    rest: str
    """Everything behind it."""


def might_be_ours(content: bytes) -> bool:
    """Whether the content of a request may carry a cell of ours; only then is it worth decoding.

    True for all of ours, and for other cells that begin with `%`. Costs a search for `"code"`, not a look at the whole.
    """
    at = content.find(b'"code"')
    end = at + _KEYS_LIMIT_BYTES
    while at >= 0:
        if _CODE_BEGINS.match(content, at):
            return True
        at = content.find(b'"code"', at + 6, end)
    return False


def find_cell(code: str) -> Cell | None:
    """The outer form of a cell that is ours, None for every other."""
    start = len(code) - len(code.lstrip(_BLANKS))
    if start > _BLANKS_LIMIT or (start and code[start - 1] not in "\r\n"):
        return None  # or it is indented
    found = _HEAD.match(code, start)
    if found is None:
        return None
    head, rest = found[1], code[found.end() :]
    if not head.startswith("%%") and re.search(_LINE_END, rest.rstrip()):
        return None
    return Cell(head=head, start=start, rest=rest)  # type: ignore[arg-type]  # the pattern's alternatives are the Literal's


def parse(code: str) -> Ours | None:
    """What a cell wants of us; None if it is not ours."""
    cell = find_cell(code)
    if cell is None:
        return None
    rest = cell.rest.strip()
    if _wants_help(cell):
        return ShowHelp(topic="" if cell.head == "%beaker" else ASK_TOPIC)
    if cell.head == "%beaker":
        return _command(rest)
    if len(rest) > PROMPT_LIMIT_BYTES + _OPTIONS_LIMIT_CHARS:
        return _too_long(len(rest))  # not looked at any further: it may have the size of the largest message
    return _question(cell.rest)


def is_complete(code: str) -> Literal["complete", "incomplete"] | None:
    """Whether a console should run a cell when Enter is pressed; None if it is not ours.

    A line magic is complete. A question goes on until its last line is blank, as the bodies of IPython's cell magics do; while
    there is none it takes a second blank line, so that one is free to begin below.
    """
    cell = find_cell(code)
    if cell is None:
        return None
    if not cell.head.startswith("%%") or _wants_help(cell):
        return "complete"
    blank_lines = len(re.findall(_LINE_END, cell.rest[len(cell.rest.rstrip()) :]))
    needed = 1 if cell.rest.strip() else 2
    return "complete" if blank_lines >= needed else "incomplete"


def _wants_help(cell: Cell) -> bool:
    return cell.rest.rstrip().lstrip(" \t") in {"?", "??"}


def _command(rest: str) -> Ours:
    words = rest.rstrip("?").split()
    if not words:
        return ShowHelp()
    name, arguments = words[0], words[1:]
    if name not in COMMAND_NAMES:
        return Refused(reason=unknown_name("a command of %beaker", name, COMMAND_NAMES))
    if rest.endswith("?"):
        return ShowHelp(topic=name)
    if name == "help" and arguments:
        return _help_about(arguments[0])
    if name == "stop" and arguments:
        return _stop(arguments)
    if arguments:
        return Refused(reason=f"`%beaker {name}` takes nothing behind it, and there is {arguments[0][:60]!r}.")
    match name:
        case "help":
            return ShowHelp()
        case "status":
            return ShowStatus()
        case "restart":
            return RestartSubkernel()
        case "config":
            return ShowConfig()
        case "stop":
            return StopTurns()


def _help_about(topic: str) -> Ours:
    if topic.lstrip("%") in {"ai", "ask"}:
        return ShowHelp(topic=ASK_TOPIC)
    if topic in COMMAND_NAMES:
        return ShowHelp(topic=topic)
    return Refused(reason=unknown_name("something that `%beaker help` knows", topic, TOPICS))


def _stop(arguments: list[str]) -> Ours:
    number = arguments[0]
    # Nine digits: no session has more questions, and longer ones would not fit into a message.
    if len(arguments) > 1 or not (number.isascii() and number.isdecimal() and len(number) <= 9 and int(number) > 0):
        given = " ".join(arguments)[:60]
        return Refused(reason=f"`%beaker stop` takes the number of a question, as in `%beaker stop 2`, and there is {given!r}.")
    return StopTurns(number=int(number))


def _question(rest: str) -> Ours:
    line_end = re.search(_LINE_END, rest)
    end = line_end.start() if line_end else len(rest)
    first, body = rest[:end].strip(), rest[end:]
    model: str | None = None
    background = False
    while found := re.match(_OPTION, first):
        name, value = found["name"], found["value"]
        first = first[found.end() :].lstrip()
        if name == "--":
            break
        if name == "--help":
            return ShowHelp(topic=ASK_TOPIC)
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
        model = value
    prompt = (first + body).rstrip()
    if not first:
        prompt = re.sub(_BLANK_LINES, "", prompt, count=1)
    return _refusal(prompt) or Ask(prompt=prompt, model=model, background=background)


def _refusal(prompt: str) -> Refused | None:
    """Why this cannot be asked."""
    if not prompt:
        return Refused(reason="There is no question. Write it behind `%%ai` or on the lines below, as in `%%ai what is in df?`.")
    unreadable = re.search(_UNREADABLE, prompt) is not None
    if unreadable or len(re.findall(_CONTROLS, prompt)) > _BINARY_SHARE * len(prompt):
        return Refused(reason="The question holds binary data, not text. Put the data into a file or a variable and ask about that.")
    if len(prompt) * 4 > PROMPT_LIMIT_BYTES and (size := len(prompt.encode())) > PROMPT_LIMIT_BYTES:
        return _too_long(size)
    return None


def _too_long(size: int) -> Refused:
    lengths = f"The question is {size_words(size)} long, and {size_words(PROMPT_LIMIT_BYTES)} is the most."
    return Refused(reason=f"{lengths} Put the data into a file or a variable and ask about that.")
