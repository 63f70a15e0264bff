"""Reads Python for `risk`: a walk over its syntax tree that notes what it names.

Kept apart because it imports `ast`, which only a run by the model needs. What the names mean stands in `python_names`, what they
may stand for in `python_aliases`, what earlier cells made of them in `python_earlier`, what a call's arguments tell in `python_calls`.
"""

import ast
import re
from itertools import chain

from beaker.consent import python_calls as calls
from beaker.consent.python_aliases import Aliases, last
from beaker.consent.python_earlier import Earlier, bound_names
from beaker.consent.python_names import (
    AUTOMAGICS,
    BUILTINS,
    BY_NAME,
    CALLING,
    DATABASES,
    EXCEPTIONS,
    FROM_TEXT,
    HARMLESS_MODULES,
    KNOWN_NAMES,
    NETWORK_CALLS,
    NETWORK_MODULES,
    OF_THE_SYSTEM,
    OPAQUE_ATTRIBUTES,
    OPAQUE_OF,
    OPENING_CALLS,
    QUERYING,
    REMOVING_CALLS,
    SECRET_NAMES,
    SHELL_CALLS,
    SHELL_MODULES,
    TAKING_NAMES,
    WRITING_CALLS,
)
from beaker.messages.consent import Risk

_URL = re.compile(r"^\s*[a-z][a-z0-9+.-]*://", re.IGNORECASE)
_OTHER_DATABASE = re.compile(r"\s*(?:attach\s+(?:database\s+)?['\"?:]|vacuum\b.*\binto\b)", re.IGNORECASE)
_SECRET_FILE = re.compile(
    r"(?:^|[/\\~])(?:\.env(?:\.\w+)?|\.netrc|_netrc|\.pgpass|\.git-credentials|\.npmrc|\.pypirc|\.my\.cnf|credentials(?:\.json)?|"
    r"id_(?:rsa|dsa|ecdsa|ed25519)|shadow|kernel-[\w-]+\.json|beaker\.toml)$|(?:^|[/\\~])(?:\.(?:aws|ssh|gnupg|kube|docker|azure)|proc)[/\\]"
)
_PAGE = re.compile(r"<\s*script|javascript:|\bon(?:error|load|click)\s*=", re.IGNORECASE)
_FIELD = re.compile(r"\{[^{}]*(?:\.|\[)__\w+")
"""A text to be formatted that reaches through what is put in."""

_SYSTEM_NAMES = frozenset(chain.from_iterable(OF_THE_SYSTEM.values()))


class PythonReader(ast.NodeVisitor):
    """Notes the risks of a tree in `risks`.

    Args:
        earlier: what earlier cells made of its names.
    """

    def __init__(self, tree: ast.Module, earlier: Earlier) -> None:
        self.risks: set[Risk] = set()
        whole = ast.Module(body=[*earlier.stars, *earlier.statements, *tree.body], type_ignores=[])
        self._aliases = Aliases(whole)
        self._bound = bound_names([whole]) | earlier.names
        imports = [node for node in ast.walk(whole) if isinstance(node, ast.ImportFrom)]
        self._stars = [node.module or "" for node in imports if any(alias.name == "*" for alias in node.names)]
        self._followed: set[ast.expr] = set()
        """Names of modules in places where it is seen what becomes of them."""
        if not self._aliases.settled:
            self.risks.add("opaque")
        self.visit(tree)
        for statement in earlier.statements:
            self._visit_earlier(statement)

    def _visit_earlier(self, statement: ast.stmt) -> None:
        """What was run has been run; what matters is what its names bring into this code."""
        if not isinstance(statement, ast.Assign | ast.AnnAssign):
            self.visit(statement)
            return
        for node in ast.walk(statement):
            if isinstance(node, ast.Lambda):
                self.visit(node)
        if isinstance(statement.value, ast.Constant | ast.JoinedStr):
            self.visit(statement.value)

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

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Name) and node.value.id in AUTOMAGICS - self._bound:
            self.risks.add("opaque")
        if not calls.is_text(node.value):  # a docstring says where something is from, and does nothing
            self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._define(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._define(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._define(node)

    def _define(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        for decorator in node.decorator_list:
            if not self._is_known(decorator):
                self.risks.add("opaque")
        self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> None:
        if (risk := KNOWN_NAMES.get(node.id)) is not None:
            self.risks.add(risk)
        things = self._aliases.of(node)
        if any(last(thing) in {"environ", "environb"} for thing in things):
            self.risks.add("secrets")
        handed_on = isinstance(node.ctx, ast.Load) and node not in self._followed
        if handed_on and any(last(thing) in OF_THE_SYSTEM or last(thing) in OPAQUE_OF for thing in things):
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
        if not isinstance(node.value, str):
            return
        if _URL.match(node.value):
            self.risks.add("network")
        if _OTHER_DATABASE.match(node.value):
            self.risks.add("files")
        if _SECRET_FILE.search(node.value):
            self.risks.add("secrets")
        if _PAGE.search(node.value) or _FIELD.search(node.value):
            self.risks.add("opaque")

    def visit_Call(self, node: ast.Call) -> None:
        things = self._aliases.of(node.func)
        if isinstance(node.func, ast.Name):
            self._name(node.func.id)
        names = {last(thing) for thing in things}
        self._calls(node.func)
        for thing in things:
            self._member(last(thing.rpartition(".")[0]), last(thing))
        for name in names & OPENING_CALLS.keys():
            place, writes = OPENING_CALLS[name]
            if calls.opens_to_write(node, place, things, writes=writes):
                self.risks.add("files")
        if names & WRITING_CALLS and (node.args or node.keywords) and calls.writes_outside(node):
            self.risks.add("files")
        if any(thing.rpartition(".")[0] in DATABASES and last(thing) in {"connect", "Connection"} for thing in things):
            path = calls.path_of(node)
            if not calls.is_inside(path) and not (isinstance(path, ast.Constant) and path.value == ":memory:"):
                self.risks.add("files")
        if calls.moves(node, names) or ("extract" in names and not calls.extracts_inside(node)) or "to_sql" in names:
            self.risks.add("files")
        if names & QUERYING and not calls.only_reads(node, self._aliases):
            self.risks.add("files")
        if calls.evaluates(node, things, self._aliases) or calls.unpickles(node, names):
            self.risks.add("opaque")
        if "query" in names and not calls.is_plain_query(node):
            self.risks.add("opaque")
        if names & CALLING:
            self._hands_on(node)
        if names & TAKING_NAMES:
            self._reaches(node.args)
        if any(keyword.arg == "download" and not _is_false(keyword.value) for keyword in node.keywords):
            self.risks.add("network")
        self.generic_visit(node)

    def _calls(self, function: ast.expr) -> None:
        """Something is called by its name, or found at run time."""
        if isinstance(function, ast.Name) and function.id in _SYSTEM_NAMES - self._bound:
            self.risks.add("files")  # imported by an earlier cell, as far as anybody can tell
        elif not self._is_known(function) or self._is_taken_out(function):
            self.risks.add("opaque")

    def _is_taken_out(self, function: ast.expr) -> bool:
        """Whether a name stands for what lay in something else: then nobody knows what."""
        values = self._aliases.values(function.id) if isinstance(function, ast.Name) else []
        return bool(values) and all(isinstance(value, ast.Subscript) for value in values)

    def _hands_on(self, call: ast.Call) -> None:
        """A call of something that is given by name."""
        of_a_frame = isinstance(call.func, ast.Attribute) and call.func.attr == "filter"  # which takes columns
        given = [*call.args[:1], *(keyword.value for keyword in call.keywords if keyword.arg in {"func", "function", "target", "key"})]
        if not of_a_frame and not all(self._is_known(each) for each in given if isinstance(each, ast.Name | ast.IfExp | ast.BoolOp)):
            self.risks.add("opaque")

    def _reaches(self, texts: list[ast.expr]) -> None:
        """What is reached, or called, is named in texts."""
        for position, text in enumerate(texts):
            if isinstance(text, ast.Constant) and isinstance(text.value, str):
                for part in text.value.split("."):
                    self._name(part)
                    if part.startswith("__") or part in OPAQUE_ATTRIBUTES:
                        self.risks.add("opaque")
            elif position == 0 or isinstance(text, ast.Starred):
                self.risks.add("opaque")

    def _is_known(self, function: ast.expr) -> bool:
        """Whether it is known where a function is from; a method's name is looked at by itself."""
        match function:
            case ast.Name(id=name):
                if name in self._bound or name in BUILTINS or name in KNOWN_NAMES or name.endswith(EXCEPTIONS):
                    return True
                if _risk_of(name) is not None:
                    return True  # told by its name
                return any(module.partition(".")[0] in HARMLESS_MODULES for module in self._stars) and name not in _SYSTEM_NAMES
            case ast.IfExp(body=one, orelse=other):
                return self._is_known(one) and self._is_known(other)
            case ast.BoolOp(values=values):
                return all(map(self._is_known, values))
            case ast.NamedExpr(value=value):
                return self._is_known(value)
            case _:
                return isinstance(function, ast.Attribute | ast.Call | ast.Lambda)

    def _module(self, name: str) -> None:
        root, *parts = name.split(".")
        if root in NETWORK_MODULES:
            self.risks.add("network")
        elif root in SHELL_MODULES:
            self.risks.add("shell")
        elif root not in HARMLESS_MODULES or not OPAQUE_ATTRIBUTES.isdisjoint(parts):
            self.risks.add("opaque")

    def _member(self, module: str, name: str) -> None:
        if name in OF_THE_SYSTEM.get(module, ()):
            self.risks.add("files")
        if name in OPAQUE_OF.get(module, ()):
            self.risks.add("opaque")

    def _name(self, name: str) -> None:
        if (risk := _risk_of(name)) is not None:
            self.risks.add(risk)


def _risk_of(name: str) -> Risk | None:
    """What a name tells that is called or reached, wherever it is from."""
    if name in SHELL_CALLS:
        return "shell"
    if name in NETWORK_CALLS or name.startswith("fetch_"):
        return "network"
    if name in REMOVING_CALLS:
        return "files"
    if name in SECRET_NAMES:
        return "secrets"
    if name in BY_NAME or name in FROM_TEXT:
        return "opaque"
    return None


def _is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is False
