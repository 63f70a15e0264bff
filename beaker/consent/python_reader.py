"""Reads Python for `risk`: a walk over its syntax tree that notes what it names.

Kept apart because it imports `ast`, which only a run by the model needs. What the names mean stands in `python_names`, what they
may stand for in `python_aliases`.
"""

import ast
import re

from beaker.consent.python_aliases import Aliases, last
from beaker.consent.python_names import (
    BY_NAME,
    DATABASES,
    FROM_TEXT,
    HARMLESS_MODULES,
    KNOWN_NAMES,
    NETWORK_CALLS,
    NETWORK_MODULES,
    OF_THE_SYSTEM,
    OPAQUE_ATTRIBUTES,
    OPAQUE_OF,
    OPENING_CALLS,
    PATH_FIRST,
    REMOVING_CALLS,
    SHELL_CALLS,
    SHELL_MODULES,
    SYMPY_NAMING,
    WRITING_CALLS,
)
from beaker.messages.consent import Risk

_URL = re.compile(r"^\s*[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_OTHER_DATABASE = re.compile(r"\s*(?:attach\s+(?:database\s+)?['\"?:]|vacuum\b.*\binto\b)", re.IGNORECASE)
_PATH_NAMES = {"file", "filename", "name", "path", "database"}
"""Keywords of the path in calls that open one."""
_PLAIN_QUERY = (ast.Expression, ast.BoolOp, ast.UnaryOp, ast.BinOp, ast.Compare, ast.Name, ast.Constant, ast.List, ast.Tuple)
_PLAIN_PARTS = (*_PLAIN_QUERY, ast.boolop, ast.unaryop, ast.operator, ast.cmpop, ast.expr_context)


class PythonReader(ast.NodeVisitor):
    """Notes the risks of a tree in `risks`."""

    def __init__(self, tree: ast.AST) -> None:
        self.risks: set[Risk] = set()
        self._aliases = Aliases(tree)
        self._followed: set[ast.expr] = set()
        """Names of modules in places where it is seen what becomes of them."""
        if not self._aliases.settled:
            self.risks.add("opaque")
        self.visit(tree)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._module(alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = node.module or ""
        self._module(module if not node.level else "")
        for alias in node.names:
            self._name(alias.name)
            self._member(last(module), alias.name)
            if alias.name.lstrip("_") in OPAQUE_ATTRIBUTES or (alias.name == "*" and module in {*OF_THE_SYSTEM, *OPAQUE_OF}):
                self.risks.add("opaque")

    def visit_Assign(self, node: ast.Assign) -> None:
        if all(isinstance(target, ast.Name) for target in node.targets):
            self._followed.add(node.value)
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        if (risk := KNOWN_NAMES.get(node.id)) is not None:
            self.risks.add(risk)
        handed_on = isinstance(node.ctx, ast.Load) and node not in self._followed
        if handed_on and any(last(thing) in OF_THE_SYSTEM or last(thing) in OPAQUE_OF for thing in self._aliases.of(node)):
            self.risks.add("opaque")  # the module itself, in a list or as an argument: what is called on it is out of sight

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if node.attr.startswith("__") and node.attr not in {"__name__", "__doc__", "__version__", "__len__", "__class__"}:
            self.risks.add("opaque")
        if node.attr.lstrip("_") in OPAQUE_ATTRIBUTES:
            self.risks.add("opaque")
        owners = {last(owner) for owner in self._aliases.of(node.value)}
        if not (node.attr == "compile" and "re" in owners):
            self._name(node.attr)
        for owner in owners:
            self._member(owner, node.attr)
        self._followed.add(node.value)
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str) and _URL.match(node.value):
            self.risks.add("network")
        if isinstance(node.value, str) and _OTHER_DATABASE.match(node.value):
            self.risks.add("files")

    def visit_Call(self, node: ast.Call) -> None:
        things = self._aliases.of(node.func)
        names = {last(thing) for thing in things}
        if isinstance(node.func, ast.Name):
            self._name(node.func.id)  # imported by an earlier cell
        for name in names & OPENING_CALLS.keys():
            self._opens(node, name, things)
        if names & WRITING_CALLS and (node.args or node.keywords):
            self._writes(node)
        if any(thing.rpartition(".")[0] in DATABASES and last(thing) in {"connect", "Connection"} for thing in things):
            path = _path_of(node)
            if not _is_inside(path) and not (isinstance(path, ast.Constant) and path.value == ":memory:"):
                self.risks.add("files")
        if _moves(node, names) or ("extract" in names and not _extracts_inside(node)):
            self.risks.add("files")
        if _evaluates(node, things) or ("query" in names and not _is_plain_query(node)) or _unpickles(node, names):
            self.risks.add("opaque")
        self.generic_visit(node)

    def _module(self, name: str) -> None:
        root = name.partition(".")[0]
        if root in NETWORK_MODULES:
            self.risks.add("network")
        elif root in SHELL_MODULES:
            self.risks.add("shell")
        elif root not in HARMLESS_MODULES:
            self.risks.add("opaque")

    def _member(self, module: str, name: str) -> None:
        if name in OF_THE_SYSTEM.get(module, ()):
            self.risks.add("files")
        if name in OPAQUE_OF.get(module, ()):
            self.risks.add("opaque")

    def _name(self, name: str) -> None:
        if name in SHELL_CALLS:
            self.risks.add("shell")
        elif name in NETWORK_CALLS:
            self.risks.add("network")
        elif name in REMOVING_CALLS:
            self.risks.add("files")
        elif name in BY_NAME or name in FROM_TEXT:
            self.risks.add("opaque")

    def _opens(self, call: ast.Call, name: str, things: set[str]) -> None:
        place, writes = OPENING_CALLS[name]
        modes = [*call.args[place : place + 1], *(keyword.value for keyword in call.keywords if keyword.arg in {"mode", None})]
        modes += [argument for argument in call.args if isinstance(argument, ast.Starred)]
        owners = {last(thing.rpartition(".")[0]) for thing in things if "." in thing}
        of_a_path = name == "open" and isinstance(call.func, ast.Attribute) and not owners & PATH_FIRST
        if of_a_path:  # Path.open: the mode comes first, and the path is not in sight
            modes = [*call.args[:1], *modes]
        if (any(map(_may_write, modes)) if modes else writes) and (of_a_path or not _is_inside(_path_of(call))):
            self.risks.add("files")

    def _writes(self, call: ast.Call) -> None:
        """A call that writes to the path among its arguments; one that is not a plain text may be anywhere."""
        texts = [argument for argument in (*call.args, *(keyword.value for keyword in call.keywords)) if _is_path(argument)]
        on_a_path = isinstance(call.func, ast.Attribute) and call.func.attr in {"write_text", "write_bytes"}
        if on_a_path or not texts or not all(map(_is_inside, texts)):
            self.risks.add("files")


def _may_write(mode: ast.expr) -> bool:
    if not isinstance(mode, ast.Constant) or not isinstance(mode.value, str):
        return True
    return bool(set(re.split("[:|]", mode.value)[0]) & set("wax+"))  # behind a colon: how an archive is packed


def _moves(call: ast.Call, names: set[str]) -> bool:
    """Whether it may be `Path.rename` or `Path.replace`, or names a file outside to what an earlier cell may have imported from os.

    A frame's `rename` takes its names by keyword; a text's `replace` takes two texts, a frame's a dict or two values.
    """
    if not isinstance(call.func, ast.Attribute):
        return False
    by_keyword = any(keyword.arg == "target" for keyword in call.keywords)
    if "rename" in names:
        return bool(call.args) or by_keyword
    if "replace" in names:
        on_the_class = isinstance(call.func.value, ast.Name) and call.func.value.id in {"Path", "PosixPath", "WindowsPath"}
        one = len(call.args) == 1 and not call.keywords and not isinstance(call.args[0], ast.Dict | ast.List | ast.DictComp)
        return one or by_keyword or on_the_class
    texts = [argument.value for argument in call.args if isinstance(argument, ast.Constant) and isinstance(argument.value, str)]
    return bool(names & {"remove", "link", "move", "copy"}) and any(re.match(r"[/~][^\s/]", text) for text in texts)


def _extracts_inside(call: ast.Call) -> bool:
    """Whether no other place is named; the second argument to a column's `extract` is a number."""
    places = [*filter(_is_path, call.args[1:2]), *(keyword.value for keyword in call.keywords if keyword.arg == "path")]
    return all(map(_is_inside, places))


def _evaluates(call: ast.Call, things: set[str]) -> bool:
    """Whether a function of sympy is given a text to evaluate."""
    functions = {last(thing) for thing in things if thing.startswith("sympy.")} - SYMPY_NAMING
    return "S" in functions or (bool(functions) and any(map(_is_path, call.args)))


def _unpickles(call: ast.Call, names: set[str]) -> bool:
    """Whether it is `np.load` with leave to unpickle; what cannot be seen may be leave."""
    for keyword in call.keywords:
        refuses = isinstance(keyword.value, ast.Constant) and keyword.value.value is False
        if (keyword.arg == "allow_pickle" and not refuses) or (keyword.arg is None and "load" in names):
            return True
    return "load" in names and (len(call.args) > 2 or any(isinstance(argument, ast.Starred) for argument in call.args))


def _is_plain_query(call: ast.Call) -> bool:
    """Whether a frame is asked to compare columns, and nothing is called or reached through an attribute."""
    texts = [*call.args[:1], *(keyword.value for keyword in call.keywords if keyword.arg == "expr")]
    if len(texts) != 1 or not isinstance(texts[0], ast.Constant) or not isinstance(texts[0].value, str):
        return False
    text = re.sub(r"@(?=\w)", "", re.sub(r"`[\w ]+`", "_", texts[0].value))
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return all(isinstance(node, _PLAIN_PARTS) for node in ast.walk(tree))


def _path_of(call: ast.Call) -> ast.expr | None:
    by_keyword = (keyword.value for keyword in call.keywords if keyword.arg in _PATH_NAMES)
    return call.args[0] if call.args else next(by_keyword, None)


def _is_path(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _is_inside(node: ast.expr | None) -> bool:
    """Whether it is a text that names a file in the work directory or below."""
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        return False
    path = node.value
    return bool(path) and not path.startswith(("/", "~", "\\")) and ".." not in re.split(r"[/\\]", path) and ":" not in path
