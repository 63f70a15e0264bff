"""Procedures: pieces of code that are known to be good, in several languages, with places for arguments.

The model calls one like a tool; its code is put together here and goes the way of all code: it is shown, and it runs only with the
user's consent. Arguments stand in the code as literals of its language, or as a name that was checked, so that no argument
becomes code.
"""

import re
from collections.abc import Mapping
from typing import Any, NewType, cast

import msgspec

from beaker.agent.tools.running import RunCodeArguments, RunCodeTool
from beaker.agent.tools.tool import Arguments, Asking, WaitingTool
from beaker.languages.registry import language_for
from beaker.messages.running import CodeRan
from beaker.messages.turn import TurnRequest

Name = NewType("Name", str)
"""The type of an argument that names a variable of the session: it stands in the code as it is."""

_PLACE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_NAMES = {"r": r"(?:[^\W\d_]|\.(?!\d))[\w.]*", "": r"[^\W\d]\w*"}
"""How variables are named, by language; the empty one stands for all others."""

_RUN = RunCodeTool()
"""A procedure goes the way of the model's own code."""


class Procedure(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of code."""

    name: str
    """What the model calls; unique among the tools of its context."""
    description: str
    """For the model: what it does and gives."""
    code: Mapping[str, str]
    """By language, in lower case as kernelspecs name it; `{{ frame }}` is the place of the argument `frame`."""
    parameters: Mapping[str, Any] = {}  # Any: what msgspec takes for a type
    """Each argument with its type: `Name`, `str`, `int`, `float`, `bool` or a list of them."""


class ProcedureTool(WaitingTool[Arguments, CodeRan]):
    """A procedure as the model sees it.

    Raises:
        TypeError: the procedure is not well formed; the sentence says why.
    """

    reply = CodeRan

    def __init__(self, procedure: Procedure, language: str) -> None:
        self.name = procedure.name
        self._code = procedure.code[language]
        self._language = language_for(language)
        self._parameters = procedure.parameters
        missing = set(_PLACE.findall(self._code)) - set(procedure.parameters)
        if missing:
            raise TypeError(f"the procedure {self.name} has no parameter {', '.join(sorted(missing))}, which its {language} code uses")
        fields = [(name, _schema_type(kind)) for name, kind in procedure.parameters.items()]
        described = {"__doc__": f"{procedure.description} Its code is shown to the user and runs with her consent."}
        made = msgspec.defstruct(self.name, fields, bases=(Arguments,), namespace=described, frozen=True, kw_only=True)
        self.arguments = cast(type[Arguments], made)

    def problem(self, arguments: Arguments, /) -> str | None:
        """What is to be a name has to be one, and what is to be a literal has to have one."""
        for name, kind in self._parameters.items():
            value = getattr(arguments, name)
            if kind is Name and not re.fullmatch(_NAMES.get(self._language.name, _NAMES[""]), value):
                return f"The argument {name} of {self.name} is {value[:60]!r}; it has to be the name of a variable."
            if self._language.quote(value) is None:
                return f"The argument {name} of {self.name} cannot be written in {self._language.name}."
        return _RUN.problem(self._run(arguments))

    def request(self, arguments: Arguments, asking: Asking, /) -> TurnRequest:
        """A run of its code."""
        return _RUN.request(self._run(arguments), asking)

    def describe(self, reply: CodeRan, /) -> str:
        """How it went."""
        return _RUN.describe(reply)

    def _run(self, arguments: Arguments) -> RunCodeArguments:
        def value(place: re.Match[str]) -> str:
            name = place[1]
            given = getattr(arguments, name)
            return str(given) if self._parameters[name] is Name else self._language.quote(given) or ""

        return RunCodeArguments(code=_PLACE.sub(value, self._code))


def _schema_type(kind: Any) -> Any:  # Any: what msgspec takes for a type
    return str if kind is Name else kind
