"""What the names in a piece of Python may stand for: `o` for `os` after `import os as o`, and so on.

Neither order nor scope is looked at: a name stands for all that it is bound to anywhere. That errs on the side of asking.
"""

import ast
from collections.abc import Iterator

_ROUNDS = 20
"""Through how many names a module can be handed on; data work needs two or three."""
_MEANINGS = 100
"""How many things one name may stand for before it is given up; each of them is looked at wherever the name stands."""


class Aliases:
    """The bindings of one tree. A thing is named by its last two parts: `os.path` is `os.path`, `a.b.c` is `b.c`."""

    def __init__(self, tree: ast.AST) -> None:
        self._bound: dict[str, set[str]] = {}
        self._values: dict[str, list[ast.expr]] = {}
        self._stars: set[str] = set()
        """Modules of which all names were imported."""
        self.settled = False
        """All names are followed to their end."""
        pairs: list[tuple[str, ast.expr]] = []
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    if alias.asname:
                        self._bind(alias.asname, {_short(alias.name)})
            elif isinstance(node, ast.ImportFrom):
                for alias in node.names:
                    if alias.name == "*":
                        self._stars.add(last(node.module or ""))
                        continue
                    self._bind(alias.asname or alias.name, {_short(f"{node.module or ''}.{alias.name}")})
            else:
                pairs.extend(_bindings(node))
        for name, value in pairs:
            self._values.setdefault(name, []).append(value)
        for _ in range(_ROUNDS):
            grown = 0
            for name, value in pairs:
                grown += self._bind(name, self.of(value))
                if len(self._bound[name]) > _MEANINGS:
                    return
            if not grown:
                self.settled = True
                break

    def of(self, node: ast.expr) -> set[str]:
        """What an expression may be; empty for what is no name."""
        if isinstance(node, ast.Name):
            return {node.id} | (self._bound.get(node.id) or {f"{module}.{node.id}" for module in self._stars})
        if isinstance(node, ast.Attribute):
            owners = self.of(node.value)
            own = {f"{last(owner)}.{node.attr}" for owner in owners} or {f".{node.attr}"}
            return own | self._bound.get(node.attr, set())  # a name of a class is its attribute
        if isinstance(node, ast.IfExp):
            return self.of(node.body) | self.of(node.orelse)
        if isinstance(node, ast.BoolOp):
            return set[str]().union(*map(self.of, node.values))
        if isinstance(node, ast.NamedExpr):
            return self.of(node.value)
        return set()

    def values(self, name: str) -> list[ast.expr]:
        """All that is assigned to a name."""
        return self._values.get(name, [])

    def _bind(self, name: str, things: set[str]) -> bool:
        bound = self._bound.setdefault(name, set())
        size = len(bound)
        bound |= things - {name}
        return len(bound) > size


def last(thing: str) -> str:
    """The last part of a dotted name."""
    return thing.rpartition(".")[2]


def _short(dotted: str) -> str:
    return ".".join(dotted.split(".")[-2:])


def _bindings(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Gives the names that a statement or expression binds, each with what it may be."""
    if isinstance(node, ast.Assign):
        for target in node.targets:
            yield from _pairs(target, node.value)
    elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and node.value is not None:
        yield from _pairs(node.target, node.value)
    elif isinstance(node, ast.For | ast.comprehension) and isinstance(node.iter, ast.Tuple | ast.List | ast.Set):
        for element in node.iter.elts:
            yield from _pairs(node.target, element)


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple | ast.List) and isinstance(value, ast.Tuple | ast.List):
        for one, other in zip(target.elts, value.elts, strict=False):
            yield from _pairs(one, other)
    elif isinstance(target, ast.Tuple | ast.List):
        for one in target.elts:
            yield from _pairs(one, ast.Subscript(value=value, slice=ast.Constant(0)))
