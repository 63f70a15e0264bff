"""What earlier cells made of the names that a piece of Python uses: `remove` after `from os import remove`, a function of the user's.

Without that a reader knows of a bare name nothing at all. Only cells that seem to bind one of the names are parsed, the newest
first and no more of them than costs some 20 ms, because the KernelActor waits; a name that is not found is one that nobody knows.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

LOOKED_AT_CHARS = 200_000
"""Of the newest cells: a long day's work. What is older counts as unknown, and what is older than one beyond PARSED_CHARS."""
PARSED_CHARS = 30_000
"""Of code that is taken apart: 800 lines, parsed in 10 ms."""
STATEMENTS = 100
"""How many of them may be led to, one by the names in another."""

_BINDING = re.compile(
    r"^[ \t]*(?:async[ \t]+)?(?:import|from|def|class|for|with|except|global)\b.*|^[^\n=#]*(?==)|\([^()\n]*:=|\bas[ \t]+\w+", re.MULTILINE
)
"""Where in a cell names may be bound; in one with a bracketed import anywhere."""
_WORD = re.compile(r"\w+")


@dataclass
class Earlier:
    """What was found."""

    statements: list[ast.stmt] = field(default_factory=list[ast.stmt])
    """Imports, of the names in question alone; functions and classes; assignments."""
    names: set[str] = field(default_factory=set[str])
    """All names that are bound somewhere."""
    stars: list[ast.ImportFrom] = field(default_factory=list[ast.ImportFrom])
    """What `from x import *` brought cannot be told by name."""


def look_back(tree: ast.AST, cells: Sequence[str]) -> Earlier:
    """Find what earlier cells made of the names that a tree uses, and of those that are used by what is found.

    Args:
        cells: their code, oldest first.
    """
    found = Earlier()
    newest, looked_at, parsed = list[_Cell](), 0, 0
    for code in reversed(cells):
        if len(code) > PARSED_CHARS or (looked_at := looked_at + len(code)) > LOOKED_AT_CHARS:
            break
        newest.append(_Cell(code))
    wanted, known = used_names(tree), set[str]()
    while wanted and len(found.statements) < STATEMENTS:
        known |= wanted
        missing, wanted = wanted, set[str]()
        for cell in newest:
            if not missing & cell.words:
                continue
            if not cell.parsed:
                if (parsed := parsed + len(cell.code)) > PARSED_CHARS:
                    break
                found.stars += cell.parse()
            here = set[str]()
            for statement in cell.statements:
                if hit := binds(statement) & missing:
                    here |= hit
                    found.statements.append(_reduced(statement, hit))
                    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Assign):
                        wanted |= used_names(statement)
            missing -= here  # what is older was replaced
            found.names |= here
        wanted -= known
    return found


def used_names(tree: ast.AST) -> set[str]:
    """The names that are read somewhere in a tree."""
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Store)}


def bound_names(trees: Iterable[ast.AST]) -> set[str]:
    """The names that are bound somewhere in these, in whichever scope."""
    found = set[str]()
    for tree in trees:
        for node in ast.walk(tree):
            found |= _bound_by(node)
    return found


def binds(statement: ast.stmt) -> set[str]:
    """The names that one statement binds in its own scope."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom):
        return _bound_by(statement)
    targets: list[ast.expr] = [node.target for node in ast.walk(statement) if isinstance(node, ast.NamedExpr)]
    if isinstance(statement, ast.Assign):
        targets += statement.targets
    elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
        targets.append(statement.target)
    return bound_names(targets)  # not of the whole: a comprehension's names are its own


def _bound_by(node: ast.AST) -> set[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Store()) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return {name}
        case ast.arg(arg=name):
            return {name}
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            return {name}
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return {alias.asname or alias.name.partition(".")[0] for alias in names}
        case _:
            return set()


def _reduced(statement: ast.stmt, names: set[str]) -> ast.stmt:
    """An import of more than is in question is that of its part."""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        kept = [alias for alias in statement.names if (alias.asname or alias.name.partition(".")[0]) in names]
        if isinstance(statement, ast.Import):
            return ast.Import(names=kept)
        return ast.ImportFrom(module=statement.module, names=kept, level=statement.level)
    return statement


class _Cell:
    def __init__(self, code: str) -> None:
        self.code = code
        self.parsed = False
        self.statements: list[ast.stmt] = []
        places = [code] if "import (" in code else _BINDING.findall(code)
        self.words = frozenset(_WORD.findall("\n".join(places)))

    def parse(self) -> list[ast.ImportFrom]:
        """Take it apart; gives its imports by star."""
        self.parsed = True
        try:
            tree = ast.parse(without_magics(self.code))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return []
        self.statements = list(_flat(tree.body))
        stars = [each for each in self.statements if isinstance(each, ast.ImportFrom) and any(alias.name == "*" for alias in each.names)]
        self.statements = [each for each in self.statements if each not in stars]
        return stars


def _flat(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a cell that bind names for other cells, those within branches and loops too."""
    for statement in body:
        inner = [getattr(statement, part, []) for part in ("body", "orelse", "finalbody")]
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) or not any(inner):
            yield statement
            continue
        if isinstance(statement, ast.For | ast.AsyncFor):
            yield ast.Assign(targets=[statement.target], value=statement.iter)
        elif isinstance(statement, ast.With | ast.AsyncWith):
            yield from (ast.Assign(targets=[item.optional_vars], value=item.context_expr) for item in statement.items if item.optional_vars)
        for part in inner:
            yield from _flat(part)
        for handler in getattr(statement, "handlers", []):
            yield from _flat(handler.body)


def without_magics(code: str) -> str:
    """A cell as Python: magics bind nothing that is a function, and are left out; a cell magic that runs no Python here makes no sense."""
    code = re.sub(r"\A\s*%%(?:time|capture|prun)\b.*", "", code)
    code = re.sub(r"(?<![=!<>])=[ \t]*[!%](?!=).*$", "= None", code, flags=re.MULTILINE)
    return re.sub(r"^([ \t]*)[%!?].*$|^([ \t]*)[\w.]+\?{1,2}[ \t]*$", r"\1\2pass", code, flags=re.MULTILINE)
