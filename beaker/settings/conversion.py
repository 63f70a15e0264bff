"""From what stands in a file or variable to the value of a setting, with a sentence for what cannot be one."""

import typing
from typing import Any, Literal, get_args, get_origin

import msgspec

from beaker.errors import BeakerError
from beaker.settings.schema import SECTIONS


class Unfit(BeakerError):
    """What the setting takes instead: goes behind `it takes`."""


def convert(name: str, raw: object, *, is_text: bool) -> object:
    """The value of the setting.

    Args:
        name: of an existing setting, `section.name`.
        raw: what TOML gave, or the text of a variable.
        is_text: a variable's text, in which numbers are numbers.

    Raises:
        Unfit: it is of another type, or out of range.
    """
    annotation = _annotation(name)
    if isinstance(raw, str):
        raw = raw.strip() if is_text else raw
        if not raw.isprintable():  # a NUL or half a character would fail far from here, where it is used
            raise Unfit(_words(name, annotation) + " of visible characters")
    if is_text and isinstance(raw, str) and get_origin(annotation) is tuple:
        raw = raw.replace(",", " ").split()
    try:
        return msgspec.convert(raw, annotation, strict=not is_text)
    except (msgspec.ValidationError, ValueError):  # ValueError: a number too long to be written out
        raise Unfit(_words(name, annotation)) from None


def default_of(name: str) -> object:
    """The default of a setting."""
    section, _, field = name.partition(".")
    default: object = getattr(SECTIONS[section](), field)
    return default


def _annotation(name: str) -> Any:  # Any: a type form, for which Python has no type yet
    section, _, field = name.partition(".")
    return typing.get_type_hints(SECTIONS[section], include_extras=True)[field]


def _words(name: str, annotation: Any) -> str:  # Any: an annotation, which is of no one type
    """What values a setting takes: `a whole number from 1 to 20`."""
    meta = next((item for item in getattr(annotation, "__metadata__", ()) if isinstance(item, msgspec.Meta)), msgspec.Meta())
    base = get_args(annotation)[0] if hasattr(annotation, "__metadata__") else annotation
    if get_origin(base) is Literal:
        return "one of " + ", ".join(f'"{item}"' for item in get_args(base))
    if base is str:
        if name == "gateway.base_url":
            return 'a path that begins and ends with /, such as "/lab/"'
        if meta.pattern:
            return "an address that begins with http:// or https://, or the name of a preset"
        return "a text" if meta.min_length is None else "a text that is not empty"
    if base is bool:
        return "true or false"
    if base is int:
        return f"a whole number from {meta.ge} to {meta.le}"
    if base is float:
        low = f"above {meta.gt:g}" if meta.ge is None else f"from {meta.ge:g}"
        unit = "dollars" if name.endswith("_usd") else "seconds"
        return f"a number of {unit} {low} to {meta.le:.0f}"
    return "a list of texts"
