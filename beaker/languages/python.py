"""Python, as ipykernel runs it.

**Idle**: one silent execution, which enters neither `In` nor the count. What it executes first hides the session's
`post_execute` hooks from itself: matplotlib-inline's would publish and close the figures that are open. The hidden list puts the real
one back the moment IPython reads it, so no interrupt can leave the session without its hooks. Then the code of `inside/` is run in
a namespace of its own. What is left: a hook for `pre_execute`, which only users register, sees an execution.

**Busy**: `inspect_request`s for paths whose value is cheap and whose class is known. Not `inspectVariables` of the debugger:
it asks every variable for its `repr`, on the thread that also takes interrupts, and keeps all values alive until it is
called again, deleted ones too. So the names have to be known: from the last look, and from the code of the cells that ran.
"""

import ast
import keyword
import os
import re
from collections.abc import Generator, Iterator, Sequence
from functools import cache, lru_cache

import msgspec

from beaker.languages.language import DETAIL_CHARS, SUMMARY_CHARS, VARIABLES, Display, Glances, Inspect, Language, Look, Seen, Sight
from beaker.languages.quoting import Literals, quoted

BUDGET_S = 0.5
"""For a look's own work: half of the time-box, so that its answer is not missed for the last column."""

FILES = ("values", "tables", "models", "session")
"""Of `beaker/languages/inside/`, in the order in which they are executed."""

MARK = "(lambda b, s:"
HUSH = (
    MARK + ' s.events.callbacks.__setitem__("post_execute", b.type("Hushed", (b.list,), {'
    '"kept": s.events.callbacks["post_execute"], "last": (s.last_execution_succeeded, s.last_execution_result), '
    '"__getitem__": lambda self, at: (s.events.callbacks.__setitem__("post_execute", self.kept), '
    'b.setattr(s, "last_execution_succeeded", self.last[0]), b.setattr(s, "last_execution_result", self.last[1]), b.list())[-1], '
    '"__iter__": lambda self: b.iter(self[:])})()))'
    '(__import__("builtins"), __import__("sys").modules["IPython"].get_ipython())'
)
"""Builtins by way of their module: the user may have a variable `list`."""

EXPRESSION = (
    '(lambda b, space: (b.exec({source!r}, space), space["answer"]{arguments!r}, space.clear())[1])'
    '(__import__("builtins"), {{"__name__": "beaker_look", "__builtins__": __import__("builtins")}})'
)

SIMPLE = {"int", "float", "complex", "bool", "str", "NoneType"}
"""Types whose text is made at once and by no code of the user's."""
CONTAINERS = {"list", "tuple", "dict", "set", "frozenset", "deque", "range", "bytes"}
"""Types whose text may be as long as they are: the debugger's door shows the first thousand items."""
ARRAYS = {"ndarray", "Tensor"}

LITERALS = Literals(
    none="None",
    true="True",
    false="False",
    nan='float("nan")',
    infinity='float("inf")',
    string=repr,
    sequence=("[", "]"),
    mapping=("{", ": ", "}"),
)


_STRING_FORM = r"^String form:\s*(.*?)(?=\n(?:Namespace|Length|File|(?:Class |Init |Call )?[Dd]ocstring):|\Z)"


class _Answer(msgspec.Struct, frozen=True):
    variables: list[tuple[str, str, str]] = []
    more: int = 0
    found: bool = False
    type: str = ""
    text: str = ""
    line: str = ""


class Python(Language):
    """A session of ipykernel."""

    answers = "expression"
    glances = True

    def quote(self, value: object) -> str | None:
        """As `repr` does, for what JSON has."""
        return quoted(value, LITERALS)

    def look(self, name: str | None, path: str) -> Look:
        """See the module's own words."""
        del path
        room = SUMMARY_CHARS if name is None else DETAIL_CHARS
        arguments = (name, VARIABLES, room, BUDGET_S, MARK)
        return Look(code=HUSH, expression=EXPRESSION.format(source=source(), arguments=arguments))

    def read(self, name: str | None, answer: str) -> Sight:
        """The answer is the `repr` of a JSON text.

        Raises:
            ValueError: it is no such text.
        """
        try:
            said = ast.literal_eval(answer)
            got = msgspec.json.decode(said, type=_Answer)
        except (SyntaxError, TypeError, ValueError, msgspec.DecodeError) as error:
            raise ValueError(f"no answer to a look: {answer[:80]!r}") from error
        if name is None:
            return Sight(variables=[Seen(name=each, type=kind, summary=text) for each, kind, text in got.variables], more=got.more)
        return Sight(detail=got.text if got.found else None, line=got.line)

    def glance(self, name: str, *, detail: bool) -> Glances:
        """The class first; then what that class has at hand."""
        said = yield Inspect(path=f"{name}.__class__.__name__")
        kind = string_form(said)
        if not kind:
            return None
        if kind in SIMPLE:
            text = string_form((yield Inspect(path=name)))
        elif kind in CONTAINERS:
            text = ((yield Display(name=name)) or "") if detail else ""
        elif kind in ARRAYS:
            text = f"{string_form((yield Inspect(path=f'{name}.dtype')))} {string_form((yield Inspect(path=f'{name}.shape')))}"
        elif kind == "DataFrame":
            text = f"columns: {string_form((yield Inspect(path=f'{name}.columns')))}"
            if detail:
                blocks = string_form((yield Inspect(path=f"{name}._mgr")))
                text += f"\n{blocks}" if blocks else ""
        elif kind in {"module", "function"}:
            text = string_form((yield Inspect(path=f"{name}.__name__")))
        else:
            text = ""
        plain = kind in SIMPLE and "<...>" not in text and "\n" not in text
        return Seen(name=name, type=kind, summary=text, plain=plain)

    def has_magic(self, name: str) -> Generator[Inspect, str | None, bool]:
        """IPython's help finds a variable first and a magic where there is none; a magic that was made of a function is an attribute too.

        One of a class of magics stays unseen behind a variable of its name, whose text is not asked for: it may cost anything.
        """
        if (yield Inspect(path=f"{name}.__class__.__name__")) is None:
            return (yield Inspect(path=name)) is not None
        return (yield Inspect(path=f"get_ipython.__self__.magics_manager.user_magics.{name}.__class__.__name__")) is not None

    def assigned(self, code: str) -> Sequence[str]:
        """Names that the cell binds at its top level."""
        return _assigned(code)


@cache
def source() -> str:
    """The text of `inside/`, as it is executed in the user's interpreter.

    Without docstrings: CPython 3.13 keeps one object for ever of each that it compiles, and every look compiles them.
    """
    texts: list[str] = []
    for name in FILES:
        with open(os.path.join(os.path.dirname(__file__), "inside", f"{name}.py"), encoding="utf-8") as file:
            texts.append(file.read())
    text = re.sub(r"(?m)^from (__future__|beaker\.languages\.inside\.\w+) import .*$", "", "\n".join(texts))
    lines = text.splitlines()
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Expr(value=ast.Constant(value=str()), lineno=first, end_lineno=int(last)):
                lines[first - 1 : last] = [""] * (last - first + 1)
            case _:
                pass  # no docstring
    return "\n".join(line for line in lines if line)


def string_form(inspected: str | None) -> str:
    """What IPython's help on an object gives as its text; empty if it has none.

    >>> string_form("Type:  int\\nString form: 3\\nDocstring: ...")
    '3'
    """
    if inspected is None:
        return ""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", inspected)
    found = re.search(_STRING_FORM, plain, re.MULTILINE | re.DOTALL)
    return re.sub(r"[ \t]*\n[ \t]*", "\n", found[1]).strip() if found else ""


@lru_cache(maxsize=512)
def _assigned(code: str) -> tuple[str, ...]:
    # IPython's own lines would be syntax errors; a cell magic above code of the session's is taken off.
    lines = re.sub(r"\A\s*%%(time|timeit|capture|prun)\b.*", "", code).splitlines()
    text = "\n".join(re.sub(r"^(\s*)[%!?].*$", r"\1pass", line) for line in lines)
    try:
        names = list(_bound(ast.parse(text).body))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        names = re.findall(r"^([^\W\d]\w*)\s*(?::[^=\n]+)?=(?!=)", text, re.MULTILINE)
    return tuple(dict.fromkeys(name for name in names if not name.startswith("_") and not keyword.iskeyword(name)))


def _bound(body: Sequence[ast.AST]) -> Iterator[str]:
    """Walks statements, not into functions and classes."""
    for node in body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name
            case ast.Import() | ast.ImportFrom():
                yield from ((alias.asname or alias.name).split(".")[0] for alias in node.names if alias.name != "*")
            case ast.Name(id=name, ctx=ast.Store()):
                yield name
            case ast.Lambda() | ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                pass  # names in there are bound in there
            case _:
                yield from _bound(list(ast.iter_child_nodes(node)))
