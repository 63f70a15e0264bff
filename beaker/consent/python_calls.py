"""What can be told of one call by its arguments: where it writes, what it evaluates, what it asks a database for."""

import ast
import re

from beaker.consent.python_aliases import Aliases, last
from beaker.consent.python_names import PATH_FIRST, SYMPY_NAMING

_PATH_NAMES = {"file", "filename", "name", "path", "database"}
"""Keywords of the path in calls that open one."""
_RUN_BY_OTHERS = re.compile(
    r"(?:^|[/\\])(?:\.(?!\.?(?:[/\\]|$))|(?:makefile|dockerfile)$)|\.(?:py[a-z]?|ipynb|so|pth|toml|cfg|sh|bash|bat|cmd|ps1|exe|dll)$",
    re.IGNORECASE,
)
"""Files that programs run or take their settings from, hidden ones among them: writing one is more than writing data."""
_PLAIN_QUERY = (ast.Expression, ast.BoolOp, ast.UnaryOp, ast.BinOp, ast.Compare, ast.Name, ast.Constant, ast.List, ast.Tuple)
_PLAIN_PARTS = (*_PLAIN_QUERY, ast.boolop, ast.unaryop, ast.operator, ast.cmpop, ast.expr_context)
_READING_SQL = re.compile(
    r"\s*(?:--[^\n]*\n\s*)*\(?\s*(?:(?:select|with|values|explain|show|describe)\b|pragma\s+\w+\s*(?:\(|;|$))", re.IGNORECASE
)
_WRITING_SQL = re.compile(
    r"\b(?:insert|replace|merge)\s+into\b|\bupdate\s+\S+\s+set\b|\bdelete\s+from\b|\b(?:drop|alter|create|truncate|grant|revoke|attach|vacuum|copy)\s",
    re.IGNORECASE,
)


def is_text(node: ast.expr) -> bool:
    """Whether it is a text that stands there."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def is_inside(node: ast.expr | None) -> bool:
    """Whether it is a text that names a file of data in the work directory or below."""
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        return False
    path = node.value
    outside = path.startswith(("/", "~", "\\")) or ".." in re.split(r"[/\\]", path) or ":" in path
    return bool(path) and not outside and not _RUN_BY_OTHERS.search(path)


def path_of(call: ast.Call) -> ast.expr | None:
    """The argument that names the file."""
    by_keyword = (keyword.value for keyword in call.keywords if keyword.arg in _PATH_NAMES)
    return call.args[0] if call.args else next(by_keyword, None)


def opens_to_write(call: ast.Call, place: int, things: set[str], *, writes: bool) -> bool:
    """Whether a call opens a file to write that may be outside.

    Args:
        place: of the mode among its arguments.
        writes: it writes where no mode is named.
    """
    modes = [*call.args[place : place + 1], *(keyword.value for keyword in call.keywords if keyword.arg in {"mode", None})]
    modes += [argument for argument in call.args if isinstance(argument, ast.Starred)]
    owners = {last(thing.rpartition(".")[0]) for thing in things if "." in thing}
    of_a_path = isinstance(call.func, ast.Attribute) and call.func.attr == "open" and not owners & PATH_FIRST
    if of_a_path:  # Path.open: the mode comes first, and the path is not in sight
        modes = [*call.args[:1], *modes]
    return (any(map(_may_write, modes)) if modes else writes) and (of_a_path or not is_inside(path_of(call)))


def _may_write(mode: ast.expr) -> bool:
    if not isinstance(mode, ast.Constant) or not isinstance(mode.value, str):
        return True
    return bool(set(re.split("[:|]", mode.value)[0]) & set("wax+"))  # behind a colon: how an archive is packed


def writes_outside(call: ast.Call) -> bool:
    """Whether a call that writes to the path among its arguments may write elsewhere; a path that is not a plain text may be anywhere."""
    texts = [argument for argument in (*call.args, *(keyword.value for keyword in call.keywords)) if is_text(argument)]
    on_a_path = isinstance(call.func, ast.Attribute) and call.func.attr in {"write_text", "write_bytes"}
    return on_a_path or not texts or not all(map(is_inside, texts))


def moves(call: ast.Call, names: set[str]) -> bool:
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


def extracts_inside(call: ast.Call) -> bool:
    """Whether no other place is named; the second argument to a column's `extract` is a number."""
    places = [*filter(is_text, call.args[1:2]), *(keyword.value for keyword in call.keywords if keyword.arg == "path")]
    return all(map(is_inside, places))


def evaluates(call: ast.Call, things: set[str], aliases: Aliases) -> bool:
    """Whether a function of sympy is given what may be a text, which it evaluates."""
    functions = {last(thing) for thing in things if thing.startswith("sympy.")} - SYMPY_NAMING
    return "S" in functions or (bool(functions) and any(_may_be_text(argument, aliases, {}) for argument in call.args))


def _may_be_text(node: ast.expr, aliases: Aliases, known: dict[str, bool]) -> bool:
    """Whether an expression may have a text for its value, as far as can be told from what its names were assigned.

    Args:
        known: the answers for names so far; each is looked into once.
    """

    def may(part: ast.expr) -> bool:
        return _may_be_text(part, aliases, known)

    match node:
        case ast.Constant(value=value):
            return isinstance(value, str | bytes)
        case ast.Name(id=name):
            if name not in known:
                values, known[name] = aliases.values(name), True  # for one that is made of itself
                known[name] = not values or any(map(may, values))
            return known[name]
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return may(left) and may(right)
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            return (may(left) or may(right)) and not any(isinstance(side, ast.BinOp | ast.UnaryOp) for side in (left, right))
        case ast.BinOp(left=left, op=ast.Mod()):
            return may(left)
        case ast.BinOp() | ast.UnaryOp() | ast.Compare() | ast.Lambda():
            return False
        case ast.Tuple(elts=parts) | ast.List(elts=parts) | ast.Set(elts=parts):
            return any(map(may, parts))
        case ast.Call(func=func):
            things = aliases.of(func)
            if any(thing.startswith("sympy.") for thing in things) or things & {"int", "float", "len", "range", "sum", "abs"}:
                return False
            return not isinstance(func, ast.Attribute) or may(func.value)
        case ast.Attribute(value=value) | ast.Subscript(value=value) | ast.Starred(value=value):
            return may(value)
        case _:
            return True


def unpickles(call: ast.Call, names: set[str]) -> bool:
    """Whether it is `np.load` with leave to unpickle; what cannot be seen may be leave."""
    for keyword in call.keywords:
        refuses = isinstance(keyword.value, ast.Constant) and keyword.value.value is False
        if (keyword.arg == "allow_pickle" and not refuses) or (keyword.arg is None and "load" in names):
            return True
    return "load" in names and (len(call.args) > 2 or any(isinstance(argument, ast.Starred) for argument in call.args))


def is_plain_query(call: ast.Call) -> bool:
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


def only_reads(call: ast.Call, aliases: Aliases) -> bool:
    """Whether a database is asked for data, and nothing is changed in it."""
    asked = [*call.args[:1], *(keyword.value for keyword in call.keywords if keyword.arg in {"sql", "query", "statement"})][:1]
    return all(_reads(node, aliases, set()) for node in asked)


def _reads(node: ast.expr, aliases: Aliases, seen: set[str]) -> bool:
    match node:
        case ast.Constant(value=str(text)):
            return bool(_READING_SQL.match(text)) and not _WRITING_SQL.search(text)
        case ast.JoinedStr(values=parts):
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else "_" for part in parts)
            return bool(_READING_SQL.match(text)) and not _WRITING_SQL.search(text)
        case ast.Name(id=name) if name not in seen and (values := aliases.values(name)):
            seen.add(name)
            return all(_reads(value, aliases, seen) for value in values)
        case ast.Call(func=ast.Name(id="text") | ast.Attribute(attr="text"), args=[inner]):  # SQLAlchemy's
            return _reads(inner, aliases, seen)
        case _:
            return False
