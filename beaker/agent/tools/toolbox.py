"""The tools that a turn may use: their definitions for the model, the reading of its calls, the words of the replies.

Whatever goes wrong comes back as text that the model can act on.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from beaker.agent.cutting import cut
from beaker.agent.tools.deed import Deed, line_of
from beaker.agent.tools.function import FunctionTool, Performed
from beaker.agent.tools.tool import Arguments, BadCall, Tool
from beaker.messages.turn import TurnFailure, TurnReply

ARGUMENTS_LIMIT_CHARS = 700_000
"""Of one call: the longest cell that a tool takes, with all of its characters escaped as `\\uXXXX`, and some room."""

AnyTool = Tool[Any, Any] | FunctionTool  # Any: each tool has arguments and a reply of its own; the box keeps the three together


class Toolbox:
    """Some tools, by their names."""

    def __init__(self, tools: Sequence[AnyTool]) -> None:
        self._tools = {tool.name: tool for tool in tools}

    @property
    def tools(self) -> tuple[AnyTool, ...]:
        """All of them, in their order."""
        return tuple(self._tools.values())

    def definitions(self) -> list[dict[str, Any]]:  # Any: JSON schema, which is open by nature
        """Give the `tools` of a chat-completions request."""
        return [
            {
                "type": "function",
                "function": {"name": name, "description": _description(tool.arguments), "parameters": _parameters(tool.arguments)},
            }
            for name, tool in self._tools.items()
        ]

    def decode(self, name: str, arguments: str) -> Arguments | BadCall:
        """Read one call as the model wrote it.

        Args:
            name: the tool's name.
            arguments: JSON text; the empty text and `null` count as `{}`: several models send them for a tool without arguments.

        Returns:
            The arguments, or what is wrong with them.
        """
        tool = self._tools.get(name)
        if tool is None:
            return BadCall(text=f"There is no tool {name[:80]!r}. The tools are: {', '.join(self._tools)}.")
        if len(arguments) > ARGUMENTS_LIMIT_CHARS:
            return BadCall(text=f"The arguments of {name} are longer than {ARGUMENTS_LIMIT_CHARS} characters. Make them shorter.")
        try:
            decoded = msgspec.json.decode("{}" if arguments.strip() in ("", "null") else arguments, type=tool.arguments)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            schema = msgspec.json.encode(_parameters(tool.arguments)).decode()
            return BadCall(text=f"The arguments of {name} could not be read: {error}. They must be JSON of this schema: {schema}")
        problem = tool.problem(decoded)
        return decoded if problem is None else BadCall(text=problem)

    def tool(self, name: str) -> AnyTool:
        """Give the tool of that name, of which `decode` read a call.

        Raises:
            KeyError: there is none.
        """
        return self._tools[name]

    def describe(self, name: str, reply: TurnReply | Performed) -> str:
        """Put a reply to a call of that tool into the words the model gets as its result.

        Raises:
            KeyError: there is no such tool.
            TypeError: the tool is a function of the agent's, whose replies come from nowhere else.
        """
        if isinstance(reply, Performed):
            return reply.text
        if isinstance(reply, TurnFailure):
            return f"That did not work: {cut(reply.reason, 2_000)}"
        tool = self._tools[name]
        if isinstance(tool, FunctionTool):
            raise TypeError(f"{name} is a function of the agent's; nobody else answers it")
        words: str = tool.describe(reply)
        return words

    def deed(self, name: str, arguments: Arguments) -> Deed:
        """What a call of that tool does, for the user."""
        deed: Deed = self._tools[name].deed(arguments)
        return deed

    def line(self, name: str, arguments: Arguments, reply: TurnReply | Performed) -> str:
        """What was done by a call of that tool, in a line; empty where the answer shows it anyway."""
        tool, deed = self._tools[name], self.deed(name, arguments)
        if isinstance(reply, TurnFailure):
            return line_of(deed.undone, reply.reason if isinstance(tool, FunctionTool) else tool.unmet(arguments, reply))
        return line_of(deed.done, "" if isinstance(tool, FunctionTool) else tool.found(reply)) if deed.done else ""

    def handle(self, name: str, reply: TurnReply | Performed) -> str:
        """Name the whole of an output that was cut in a reply to a call of that tool; empty if none was."""
        tool = self._tools[name]
        if isinstance(reply, (Performed, TurnFailure)) or isinstance(tool, FunctionTool):
            return ""
        handle: str = tool.handle(reply)
        return handle


def _description(arguments: type[Arguments]) -> str:
    return " ".join((arguments.__doc__ or "").split())


def _parameters(arguments: type[Arguments]) -> dict[str, Any]:  # Any: JSON schema, which is open by nature
    _, components = msgspec.json.schema_components([arguments])
    schema = dict(components[arguments.__name__])
    schema.pop("title", None)
    schema.pop("description", None)
    schema.setdefault("required", [])
    return schema
