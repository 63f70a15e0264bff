"""What the demo model reads out of a conversation: the question, the session, the results of its tools.

It reads the request exactly as it stands on the wire and nothing else, as any other model would.
"""

import re

import msgspec

from beaker.agent.conversation import Assistant, ChatMessage, System, ToolResult, User


class OfferedFunction(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a tool's definition that is looked at."""

    name: str


class OfferedTool(msgspec.Struct, frozen=True, kw_only=True):
    """A tool that may be called."""

    function: OfferedFunction


class DemoRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a chat-completions request that the demo model looks at."""

    messages: list[ChatMessage]
    model: str = ""
    stream: bool = False
    tools: list[OfferedTool] = []
    tool_choice: str = "auto"


class ReadCell(msgspec.Struct, frozen=True, kw_only=True):
    """A cell as it was written down for the model."""

    code: str
    output: str
    failed: bool
    number: str = ""
    """Under which it ran; empty if that is not known."""


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A variable as `list_variables` told of it."""

    name: str
    type: str
    summary: str


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """All that one answer of the demo model depends on."""

    question: str
    language: str
    cells: list[ReadCell]
    variables: list[Held] | None
    """None until the variables were listed in this turn."""
    steps: int
    """Messages of its own since the question: 0 at the first."""
    proposed: str
    """What the last `propose_cell` or `edit_cell` of this turn answered; empty before."""
    may_call: bool
    tools: frozenset[str] = frozenset()
    """The names of those that may be called in this turn, and that would not be refused."""
    shown: str = ""
    """What `show_variable` answered last."""
    ran: str = ""
    """What code that was to run answered last: its output, or why it did not run."""
    reply: str = ""
    """What the user said when she was asked back; empty if she was not."""


PROCEDURES = ("overview",)
"""Of the context `dataframes`: what it calls where it is offered."""

_CELL = re.compile(
    r'<cell((?:-\d+)?)(?: number="(\d+)")? status="(\w+)"(?: session="[^"]*")?(?: handle="[^"]*")?>\n'
    r"(.*?)(?:\n<output\1>\n(.*?)\n</output\1>)?\n</cell\1>",
    re.DOTALL,
)
_VARIABLE = re.compile(r"^(\w+): ([^=\n]+?)(?: = (.*))?$")


def read_scene(request: DemoRequest) -> Scene:
    """Read a request."""
    messages = request.messages
    last = max((position for position, message in enumerate(messages) if isinstance(message, User)), default=-1)
    asked = messages[last] if last >= 0 else None
    since = messages[last + 1 :]
    calls = _names_of_calls(since)
    results = [(calls.get(message.tool_call_id, ""), message.content) for message in since if isinstance(message, ToolResult)]

    def last_of(*names: str) -> str:
        return next((text for name, text in reversed(results) if name in names), "")

    listed = [text for name, text in results if name == "list_variables"]
    sessions = [
        message.content for message in messages[:last] if isinstance(message, User) and message.content.startswith("The latest cells")
    ]
    return Scene(
        question=asked.content if isinstance(asked, User) else "",
        language=_language(messages),
        cells=_cells(sessions[-1]) if sessions else [],
        variables=_variables(listed[-1]) if listed else None,
        steps=sum(isinstance(message, Assistant) for message in since),
        proposed=last_of("propose_cell", "edit_cell"),
        may_call=bool(request.tools) and request.tool_choice != "none",
        tools=_usable(request),
        shown=last_of("show_variable"),
        ran=last_of("run_code", *PROCEDURES),
        reply=last_of("ask_user").removeprefix("The user answered: "),
    )


def column_names(summary: str) -> list[str]:
    """Guess the column names of a data frame from its one-line summary or the head of its repr.

    >>> column_names("DataFrame 2190 x 3, columns: date, city, temp")
    ['date', 'city', 'temp']
    >>> column_names("   a  b\\\\n0  1  2")
    ['a', 'b']
    >>> column_names("[2190 rows x 3 columns]")
    []
    """
    marked = re.search(r"columns?(?::|=| are)\s*(?:Index\()?\[?([^\]\n;]+)", summary)
    if marked:
        names = [re.sub(r"\s*\([^)]*\)$", "", name.strip()).strip("'\" ") for name in marked.group(1).split(",")]
        return [name for name in names if name and "…" not in name and not name.endswith("...")]
    lines = re.split(r"\n|\\n", summary)
    if len(lines) >= 2:
        head, first = lines[0].split(), lines[1].split()
        if head and re.match(r"\d+$", first[0] if first else "") and len(first) >= len(head):
            return [name for name in head if name not in ("...", "\\")]
    return []


def csv_names(text: str) -> list[str]:
    """Find the names of CSV files in a text, in order, each once.

    >>> csv_names("pd.read_csv('data/weather.csv') # not weather.csv.bak")
    ['data/weather.csv']
    """
    return list(dict.fromkeys(re.findall(r"[\w./~-]*\w\.csv(?![\w.])", text)))


def _names_of_calls(messages: list[ChatMessage]) -> dict[str, str]:
    names: dict[str, str] = {}
    for message in messages:
        if isinstance(message, Assistant) and not isinstance(message.tool_calls, msgspec.UnsetType):
            names.update({call.id: call.function.name for call in message.tool_calls})
    return names


def _usable(request: DemoRequest) -> frozenset[str]:
    """What may be called, without what our instructions say would be refused."""
    if request.tool_choice == "none":
        return frozenset()
    names = {tool.function.name for tool in request.tools}
    told = next((message.content for message in request.messages if isinstance(message, System)), "")
    if "You cannot run code in this question" in told:
        names -= {"run_code", *PROCEDURES}
    if "ask her with ask_user" not in told:
        names -= {"ask_user"}
    return frozenset(names)


def _language(messages: list[ChatMessage]) -> str:
    for message in messages:
        if isinstance(message, System):
            found = re.search(r"live (\S+) session", message.content)
            return found.group(1).lower() if found else "python"
    return "python"


def _cells(text: str) -> list[ReadCell]:
    return [
        ReadCell(code=code, output=output, failed=status == "error", number=number)
        for _, number, status, code, output in _CELL.findall(text)
    ]


def _variables(text: str) -> list[Held]:
    held: list[Held] = []
    for line in text.splitlines():
        found = _VARIABLE.match(line)
        if found:
            held.append(Held(name=found.group(1), type=found.group(2), summary=found.group(3) or ""))
        elif held and not line.startswith("..."):  # a value with line breaks goes on
            last = held[-1]
            held[-1] = Held(name=last.name, type=last.type, summary=f"{last.summary}\n{line.removeprefix('  ')}")
    return held
