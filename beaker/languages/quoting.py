"""Values as literals, for languages whose strings are written between double quotes with backslashes."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, cast


class Literals(NamedTuple):
    """How a language writes values."""

    none: str
    true: str
    false: str
    nan: str
    infinity: str
    string: Callable[[str], str]
    sequence: tuple[str, str]
    """What stands around the items."""
    mapping: tuple[str, str, str]
    """What stands before, between a key and its value, and behind."""


def quoted(value: object, literals: Literals) -> str | None:
    """A value as a literal, None if it is of another kind than JSON has."""
    match value:
        case None:
            return literals.none
        case bool():
            return literals.true if value else literals.false
        case int():
            return str(value)
        case float():
            if math.isnan(value):
                return literals.nan
            if math.isinf(value):
                return literals.infinity if value > 0 else f"-{literals.infinity}"
            return repr(value)
        case str():
            return literals.string(value)
        case list() | tuple():
            items = cast("Sequence[object]", value)
            parts = [quoted(each, literals) for each in items]
            opening, closing = literals.sequence
            return None if None in parts else f"{opening}{', '.join(part for part in parts if part is not None)}{closing}"
        case dict():
            items_by_key = cast("Mapping[object, object]", value)
            pairs = [(quoted(key, literals), quoted(each, literals)) for key, each in items_by_key.items()]
            opening, between, closing = literals.mapping
            whole = [f"{key}{between}{each}" for key, each in pairs if key is not None and each is not None]
            return f"{opening}{', '.join(whole)}{closing}" if len(whole) == len(pairs) else None
        case _:
            return None


def double_quoted(text: str) -> str:
    """A text between double quotes, escaped as in JSON, which Julia and R read the same.

    >>> print(double_quoted('a "b"'))
    "a \\"b\\""
    """
    return json.dumps(text, ensure_ascii=False)
