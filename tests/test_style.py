"""The house's habits of writing that a reader could break without noticing: each is looked for in the syntax of all our files."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.kit.own_sources import ROOT, SOURCE, commented_in, nodes_of, own_files, tree_of

pytestmark = SOURCE

LINES_LIMIT = 300
"""A file that is longer holds two nouns."""

INSIDE = "beaker/languages/inside"
"""Runs in the user's interpreter, where everything may raise anything and nothing is typed."""

BROAD = {"Exception", "BaseException"}


def _name(file: Path) -> str:
    return str(file.relative_to(ROOT))


def _trees() -> list[tuple[str, ast.Module]]:
    return [(_name(file), tree_of(file)) for file in own_files()]


def _is_docstring(node: ast.stmt | None) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def test_no_file_is_too_long() -> None:
    lengths = {_name(file): len(file.read_text().splitlines()) for file in own_files()}
    assert {name: lines for name, lines in lengths.items() if lines > LINES_LIMIT} == {}


def test_every_module_says_what_it_is() -> None:
    assert [name for name, tree in _trees() if tree.body and not ast.get_docstring(tree)] == []


def _undocumented(tree: ast.Module) -> Iterator[str]:
    """Public functions and classes at the top without a docstring; overloads say what they are below, at the function itself."""
    for node in tree.body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("_"):
            continue
        overloads = any(isinstance(each, ast.Name) and each.id == "overload" for each in node.decorator_list)
        if not overloads and not ast.get_docstring(node):
            yield f"{node.lineno} {node.name}"


def test_every_public_function_and_class_says_what_it_is() -> None:
    assert [f"{name}:{found}" for name, tree in _trees() if not name.startswith(INSIDE) for found in _undocumented(tree)] == []


def _unannounced(tree: ast.Module) -> Iterator[str]:
    """Public functions with a docstring, and classes, that raise what they do not say; bugs of their caller aside."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for method in node.body:
                if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef):
                    said = ast.get_docstring(method) or ""
                    told = f"{ast.get_docstring(node)} {said}"
                    if method.name == "__init__" or (said and not method.name.startswith("_")):
                        yield from (f"{method.lineno} {node.name}.{method.name}: {name}" for name in _raised(method) if name not in told)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            yield from (f"{node.lineno} {node.name}: {name}" for name in _raised(node) if name not in (ast.get_docstring(node) or ""))


def _raised(node: ast.AST) -> set[str]:
    """The classes that a function itself raises, without the functions within it."""
    found: set[str] = set()
    for each in ast.iter_child_nodes(node):
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            continue
        if isinstance(each, ast.Raise) and each.exc is not None:
            raised = each.exc.func if isinstance(each.exc, ast.Call) else each.exc
            name = ast.unparse(raised).rpartition(".")[2]
            if name[0].isupper():
                found.add(name)
        found |= _raised(each)
    return found - {"AssertionError", "NotImplementedError"}


def test_every_public_function_says_what_it_raises() -> None:
    assert [f"{name}:{found}" for name, tree in _trees() if not name.startswith(INSIDE) for found in _unannounced(tree)] == []


def _number(node: ast.stmt | None) -> tuple[str, float] | None:
    """The constant that a statement defines, if its value is a number in digits."""
    if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
        return None
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    if not isinstance(target, ast.Name) or not target.id.isupper():
        return None
    try:
        value = eval(compile(ast.Expression(node.value), target.id, "eval"), {"__builtins__": {}})
    except NameError:
        return None  # it is made of others, which have their reasons
    return (target.id, value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _unexplained(tree: ast.Module, lines: list[str]) -> Iterator[str]:
    """Numbers with a name but without a reason: a docstring below (which may speak of all lines above it), or a comment beside or above.

    Kinds that are counted through (`ASK = 1`, `ANSWER = 2`) have none: they could be any.
    """
    body: list[ast.stmt | None] = [None, *tree.body, None]
    numbers = [_number(node) for node in body]
    for at, (node, number) in enumerate(zip(body, numbers, strict=True)):
        if node is None or number is None:
            continue
        if any(other is not None and abs(other[1] - number[1]) == 1 for other in (numbers[at - 1], numbers[at + 1])):
            continue
        end = at + 1
        while (next_one := body[end]) is not None and numbers[end] is not None and lines[next_one.lineno - 2].strip():
            end += 1
        beside, above = lines[node.lineno - 1], lines[max(node.lineno - 2, 0)]
        if not _is_docstring(body[end]) and "#" not in beside and not above.startswith("#"):
            yield f"{node.lineno} {number[0]}"


def test_every_constant_says_where_its_number_comes_from() -> None:
    found = {name: list(_unexplained(tree, (ROOT / name).read_text().splitlines())) for name, tree in _trees()}
    assert {name: constants for name, constants in found.items() if constants} == {}


PUBLIC = {"_replace", "_asdict", "_exit", "_signal"}
"""Names of others that begin so and are meant for everybody: of named tuples, and of the standard library."""


def _strangers(nodes: list[ast.AST]) -> Iterator[str]:
    """Where a name of another object's own is read or written, unless that is of the same class."""
    reaching = [node for node in nodes if isinstance(node, ast.Attribute) and _is_private(node.attr) and not _is_of_self(node)]
    own: dict[int, set[str]] = {}
    for node in nodes if reaching else ():
        if isinstance(node, ast.ClassDef):
            own |= dict.fromkeys(map(id, ast.walk(node)), _own_names(node))
    for node in reaching:
        if node.attr not in own.get(id(node), set()):
            yield f"{node.lineno} {ast.unparse(node)}"


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name not in PUBLIC


def _is_of_self(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id in {"self", "cls"}


def _own_names(node: ast.ClassDef) -> set[str]:
    """What the class defines, and what its methods say of `self`."""
    attributes = [each for each in ast.walk(node) if isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name)]
    defined = {each.name for each in node.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)}
    return defined | {each.attr for each in attributes if isinstance(each.value, ast.Name) and each.value.id == "self"}


def test_nobody_reaches_into_another_object() -> None:
    files = {_name(file): file for file in own_files()}
    assert [f"{name}:{found}" for name, file in files.items() if not name.startswith(INSIDE) for found in _strangers(nodes_of(file))] == []


def test_every_any_has_its_reason_on_the_line() -> None:
    wrong = []
    for file in own_files():
        name = _name(file)
        lines = {node.lineno for node in nodes_of(file) if isinstance(node, ast.Name) and node.id == "Any"}
        if lines and not name.startswith(INSIDE):
            wrong += [f"{name}:{line}" for line in sorted(lines - commented_in(file))]
    assert wrong == []


def test_what_a_checker_is_told_to_ignore_has_its_reason_on_the_line() -> None:
    bare = re.compile(r"#\s*(type: ignore(\[[\w, -]+\])?|pyright: ignore(\[[\w, -]+\])?|noqa(: [A-Z0-9, ]+)?)\s*$")
    wrong = [
        f"{_name(file)}:{number}"
        for file in own_files()
        for number, line in enumerate(file.read_text().splitlines(), 1)
        if bare.search(line)
    ]
    assert wrong == []


def test_a_broad_except_says_why() -> None:
    wrong = []
    for file in own_files():
        for node in nodes_of(file):
            if isinstance(node, ast.ExceptHandler):
                names = [] if node.type is None else [each.id for each in ast.walk(node.type) if isinstance(each, ast.Name)]
                if (node.type is None or BROAD & set(names)) and node.lineno not in commented_in(file):
                    wrong.append(f"{_name(file)}:{node.lineno}")
    assert wrong == []


def test_doing_nothing_has_its_reason() -> None:
    wrong = []
    for file in own_files():
        name = _name(file)
        lines = [node.lineno for node in nodes_of(file) if isinstance(node, ast.Pass)]
        if lines and not name.startswith(INSIDE):
            commented = commented_in(file)
            wrong += [f"{name}:{line}" for line in lines if not {line - 1, line} & commented]
    assert wrong == []


def test_what_breaks_a_habit_is_noticed() -> None:
    text = (
        "LIMIT = 5\n\nASK = 1\nTELL = 2\n\nHIGH = 90\nLOW = 40\n'Both.'\n"
        "def said(): ...\n"
        "class Box:\n    'A box.'\n    def put(self, other): self._in = other._in\n    def take(self, shelf): return shelf._rows\n"
    )
    tree = ast.parse(text)
    found = [*_unexplained(tree, text.splitlines()), *_undocumented(tree), *_strangers(list(ast.walk(tree)))]
    assert found == ["1 LIMIT", "9 said", "13 shelf._rows"]
