"""Tools that are functions, run in the agent's process: what a context adds.

The schema that the model is told comes from the function's signature, the description from its docstring. Calling is left to the
actors: a function may be slow, wait, or raise whatever it likes.
"""

import inspect
from collections.abc import Callable
from typing import Any, cast

import msgspec

from beaker.agent.cutting import cut, sendable
from beaker.agent.tools.deed import NAME_CHARS, Deed, named
from beaker.agent.tools.session import Session
from beaker.agent.tools.tool import RESULT_LIMIT_CHARS, Arguments

DESCRIPTION_LIMIT_CHARS = 2_000
"""What a docstring may take of every call: some 500 tokens."""


class Performed(msgspec.Struct, frozen=True, kw_only=True):
    """What a function gave, in words for the model."""

    text: str
    whole: str = ""
    """All of it, if `text` was cut."""

    def standing_in(self, path: str) -> "Performed":
        """As the model is told of it once the whole stands in a file."""
        note = f"\n[cut; the whole result, {len(self.whole)} characters, stands in {path}]"
        return Performed(text=cut(self.whole, RESULT_LIMIT_CHARS - len(note)) + note)


class FunctionTool:
    """One function that the model may call.

    Args:
        function: sync or async; each argument has a type hint that msgspec reads from JSON. An argument hinted `Session` is
            not the model's to give: an async function gets the session there.
        name: what the model calls it.
        timeout_s: how long one call may take.

    Raises:
        TypeError: the signature cannot be put into a schema; the sentence names the argument.
    """

    def __init__(self, function: Callable[..., object], *, name: str, timeout_s: float) -> None:
        self.name = name
        self.timeout_s = timeout_s
        self.is_async = inspect.iscoroutinefunction(function)
        self._function = function
        self._session_argument = ""
        fields: list[tuple[str, Any] | tuple[str, Any, object]] = []  # Any: what msgspec takes for a type
        for parameter in inspect.signature(function, eval_str=True).parameters.values():
            if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
                raise TypeError(f"the argument {parameter} of the tool {name} cannot be given by name")
            if parameter.annotation is parameter.empty:
                raise TypeError(f"the argument {parameter.name} of the tool {name} has no type hint")
            if parameter.annotation is Session:
                self._session_argument = parameter.name
            elif parameter.default is parameter.empty:
                fields.append((parameter.name, parameter.annotation))
            else:
                fields.append((parameter.name, parameter.annotation, parameter.default))
        if self._session_argument and not self.is_async:
            raise TypeError(f"the tool {name} takes the session, so it has to be an async function")
        described = cut(inspect.cleandoc(function.__doc__ or ""), DESCRIPTION_LIMIT_CHARS)
        made = msgspec.defstruct(name, fields, bases=(Arguments,), namespace={"__doc__": described}, frozen=True, kw_only=True)
        self.arguments = cast(type[Arguments], made)
        msgspec.json.schema(self.arguments)  # raises TypeError here, not at the first question

    def problem(self, arguments: Arguments, /) -> str | None:
        """Nothing that the schema lets pass is wrong."""
        del arguments
        return None

    def deed(self, arguments: Arguments, /) -> Deed:
        """The call as it would be written."""
        given = ", ".join(f"{name}={getattr(arguments, name)!r:.{NAME_CHARS}}" for name in arguments.__struct_fields__)
        call = named(f"{self.name}({given})")
        return Deed(f"using {call}", f"Used {call}", f"Could not use {call}")

    def call(self, arguments: Arguments, session: Session) -> object:
        """Call the function; what an async one gives is to be awaited."""
        given = {name: getattr(arguments, name) for name in arguments.__struct_fields__}
        if self._session_argument:
            given[self._session_argument] = session
        return self._function(**given)

    def performed(self, result: object) -> Performed:
        """Put a result into words: text as it is, other values as JSON where they can be."""
        if isinstance(result, str):
            text = result
        else:
            try:
                text = msgspec.json.encode(result).decode()
            except (TypeError, ValueError, OverflowError, RecursionError):
                text = repr(result)
        text = sendable(text)
        return Performed(text=cut(text, RESULT_LIMIT_CHARS) or "(nothing)", whole=text if len(text) > RESULT_LIMIT_CHARS else "")
