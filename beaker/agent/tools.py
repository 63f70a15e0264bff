"""The tools that the model sees: their names, arguments, checks, and the text of their results.

Names and arguments are public (contexts and prompts of users rely on them). A tool's arguments are a frozen Struct;
its JSON schema is made from that Struct, so that what we tell the model and what we accept cannot drift apart. Whatever
goes wrong comes back as text that the model can act on. Nothing here performs anything: the AgentActor asks the
KernelActor, and hands the reply to `describe_reply`.
"""

from typing import Annotated, Any, Literal

import msgspec

from beaker.messages.turn import Proposed, TurnFailure, TurnReply, Variables

RESULT_LIMIT_CHARS = 8_000
"""The most text one result puts before the model: about 2,000 tokens, enough for the variables of a long session."""

CODE_LIMIT_CHARS = 100_000
"""The longest cell we put before a user; a model that writes more is repeating itself."""

ToolName = Literal["list_variables", "propose_cell"]


class ListVariablesArguments(msgspec.Struct, frozen=True, kw_only=True):
    """See the names, types and short values of the variables in the user's live session. Runs no code."""


class ProposeCellArguments(msgspec.Struct, frozen=True, kw_only=True):
    """Put code before the user as a notebook cell that she can run. It is not run by you: you do not see its output.

    Propose whole, runnable cells. The cell is shown in your answer by itself: do not repeat its code in your text.
    """

    code: Annotated[str, msgspec.Meta(description="The code of the cell.")]
    language: Annotated[str | None, msgspec.Meta(description="The language of the code; the session's own if left out.")] = None
    after: Annotated[
        str | None,
        msgspec.Meta(description="The cell it belongs behind. Only the place below the question is possible today."),
    ] = None


Arguments = ListVariablesArguments | ProposeCellArguments

ARGUMENT_TYPES: dict[ToolName, type[Arguments]] = {
    "list_variables": ListVariablesArguments,
    "propose_cell": ProposeCellArguments,
}


class BadCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call that cannot be made, in words that let the model mend it."""

    text: str


def tool_definitions() -> list[dict[str, Any]]:  # Any: JSON schema, which is open by nature
    """Give the `tools` of a chat-completions request.

    >>> [tool["function"]["name"] for tool in tool_definitions()]
    ['list_variables', 'propose_cell']
    """
    return [
        {
            "type": "function",
            "function": {"name": name, "description": _description(arguments), "parameters": _parameters(arguments)},
        }
        for name, arguments in ARGUMENT_TYPES.items()
    ]


def decode_call(name: str, arguments: str) -> Arguments | BadCall:
    """Read one call as the model wrote it.

    Args:
        name: the tool's name.
        arguments: JSON text; the empty text and `null` count as `{}`: several models send them for a tool without arguments.

    Returns:
        The arguments, or what is wrong with them.

    >>> decode_call("propose_cell", '{"code": "1 + 1"}')
    ProposeCellArguments(code='1 + 1', language=None, after=None)
    >>> decode_call("run", "{}").text
    "There is no tool 'run'. The tools are: list_variables, propose_cell."
    """
    expected = next((kind for known, kind in ARGUMENT_TYPES.items() if known == name), None)
    if expected is None:
        return BadCall(text=f"There is no tool {name[:80]!r}. The tools are: {', '.join(ARGUMENT_TYPES)}.")
    try:
        decoded = msgspec.json.decode("{}" if arguments.strip() in ("", "null") else arguments, type=expected)
    except (msgspec.DecodeError, UnicodeError) as error:
        schema = msgspec.json.encode(_parameters(expected)).decode()
        return BadCall(text=f"The arguments of {name} could not be read: {error}. They must be JSON of this schema: {schema}")
    if isinstance(decoded, ProposeCellArguments):
        return _check_code(decoded)
    return decoded


def describe_reply(reply: TurnReply) -> str:
    """Put the KernelActor's reply into the words the model gets as the tool's result."""
    match reply:
        case Variables():
            return _describe_variables(reply)
        case Proposed(number=number):
            return f"Proposed as cell {number}: the user sees its code and may run it. You will not see its output in this turn."
        case TurnFailure(reason=reason):
            return f"That did not work: {cut(reason, 2_000)}"


def cut(text: str, limit_chars: int) -> str:
    """Shorten a text to a limit by leaving out its middle, saying how much is missing.

    >>> cut("abcdefghij" * 10, 60)
    'abcdefghija … [78 of 100 characters left out] … jabcdefghij'
    """
    if len(text) <= limit_chars:
        return text
    note_length = len(f" … [{len(text)} of {len(text)} characters left out] … ")
    kept = max(limit_chars - note_length, 0)
    head, tail = kept - kept // 2, kept // 2
    missing = len(text) - head - tail
    return f"{text[:head]} … [{missing} of {len(text)} characters left out] … {text[len(text) - tail :]}"


def _describe_variables(seen: Variables) -> str:
    lines: list[str] = [f"({seen.note})"] if seen.note else []
    if not seen.variables and not seen.note:
        return "The session holds no variables yet."
    size = sum(len(line) + 1 for line in lines)
    for position, variable in enumerate(seen.variables):
        line = f"{variable.name}: {variable.type}"
        if variable.summary:
            line += " = " + cut(variable.summary, 300).replace("\n", "\n  ")
        if size + len(line) + 1 > RESULT_LIMIT_CHARS - 60:  # room for the last line
            lines.append(f"... and {len(seen.variables) - position} more variables")
            break
        lines.append(line)
        size += len(line) + 1
    return "\n".join(lines)


def _check_code(arguments: ProposeCellArguments) -> ProposeCellArguments | BadCall:
    if not arguments.code.strip():
        return BadCall(text="The code of propose_cell is empty. Call it with the code of a whole cell.")
    if len(arguments.code) > CODE_LIMIT_CHARS:
        return BadCall(
            text=f"The code of propose_cell has {len(arguments.code)} characters; at most {CODE_LIMIT_CHARS} are possible. "
            "Split it or make it shorter."
        )
    return arguments


def _description(arguments: type[Arguments]) -> str:
    return " ".join((arguments.__doc__ or "").split())


def _parameters(arguments: type[Arguments]) -> dict[str, Any]:  # Any: JSON schema, which is open by nature
    _, components = msgspec.json.schema_components([arguments])
    schema = dict(components[arguments.__name__])
    schema.pop("title", None)
    schema.pop("description", None)
    schema.setdefault("required", [])
    return schema
