"""Tools that look at the variables of the session, without running code that it would notice."""

import re
from typing import Annotated

import msgspec

from beaker.agent.cutting import cut
from beaker.agent.tools.deed import Deed, named
from beaker.agent.tools.tool import RESULT_LIMIT_CHARS, Arguments, Asking, Tool
from beaker.messages.look import ShowVariable, VariableShown
from beaker.messages.turn import ListVariables, TurnRequest, Variables


class ListVariablesArguments(Arguments, frozen=True, kw_only=True):
    """See the names, types and short values of the variables in the user's live session. Runs no code."""


class ListVariablesTool(Tool[ListVariablesArguments, Variables]):
    """`list_variables`."""

    name = "list_variables"
    arguments = ListVariablesArguments
    reply = Variables

    def request(self, arguments: ListVariablesArguments, asking: Asking, /) -> TurnRequest:
        """A look at all of them."""
        del arguments
        return ListVariables(turn=asking.turn)

    def describe(self, reply: Variables, /) -> str:
        """One line each, as many as there is room for."""
        lines: list[str] = [f"({reply.note})"] if reply.note else []
        if not reply.variables and not reply.note:
            return "The session holds no variables yet."
        size = sum(len(line) + 1 for line in lines)
        for position, variable in enumerate(reply.variables):
            line = f"{variable.name}: {variable.type}"
            if variable.summary:
                line += " = " + cut(variable.summary, 300).replace("\n", "\n  ")
            if size + len(line) + 1 > RESULT_LIMIT_CHARS - 60:  # room for the last line
                lines.append(f"... and {len(reply.variables) - position} more variables")
                break
            lines.append(line)
            size += len(line) + 1
        return "\n".join(lines)

    def deed(self, arguments: ListVariablesArguments, /) -> Deed:
        """A look at all of them."""
        del arguments
        return Deed("looking at the variables", "Looked at the variables", "Could not look at the variables")

    def found(self, reply: Variables, /) -> str:
        """How many."""
        return str(len(reply.variables)) if reply.variables else "none yet"


class ShowVariableArguments(Arguments, frozen=True, kw_only=True):
    """See one variable in detail: of a data frame its columns, types, missing values, ranges and first rows. Runs no code."""

    name: Annotated[str, msgspec.Meta(description="The variable's name, nothing else.")]


class ShowVariableTool(Tool[ShowVariableArguments, VariableShown]):
    """`show_variable`."""

    name = "show_variable"
    arguments = ShowVariableArguments
    reply = VariableShown

    def problem(self, arguments: ShowVariableArguments, /) -> str | None:
        """A name, since an expression would have to be run."""
        if re.fullmatch(r"[^\W\d][\w.]*", arguments.name):  # with a dot, as R has it
            return None
        return f"show_variable takes the name of a variable, not {arguments.name[:80]!r}. Propose a cell to compute something."

    def request(self, arguments: ShowVariableArguments, asking: Asking, /) -> TurnRequest:
        """A look at it."""
        return ShowVariable(turn=asking.turn, name=arguments.name)

    def describe(self, reply: VariableShown, /) -> str:
        """The note first: it may say that the look is an old one."""
        note = f"({reply.note})\n" if reply.note else ""
        return note + cut(f"{reply.name}: {reply.text}", RESULT_LIMIT_CHARS - len(note))

    def deed(self, arguments: ShowVariableArguments, /) -> Deed:
        """A look at it."""
        name = named(arguments.name)
        return Deed(f"looking at {name}", f"Looked at {name}", f"Could not look at {name}")

    def found(self, reply: VariableShown, /) -> str:
        """Its type: of a frame with the size, of an array with the shape, of a plain value with that."""
        return reply.text.partition("\n")[0]
