"""Runs inside the user's own interpreter: values as short text, without calling anything of hers.

The text of this file and of its neighbours is executed there in a namespace of its own, so nothing of it stays. It must run on
every Python from 3.8 on, import nothing (what is not loaded is none of our business), and never call a method that the
user may have written: no `repr` of unknown objects, no `len`, no `==`, no properties. Builtin containers are
read through the methods of their own types; a long one by its first items.
"""

from __future__ import annotations

import sys

ITEMS = 6
"""Of a container, shown."""
DEPTH = 3
"""Containers within containers, shown."""

PLAIN = ("datetime", "decimal", "fractions", "uuid", "pathlib", "ipaddress", "zoneinfo")
"""Modules whose objects have a short `repr` without side effects."""


KINDS = []
"""Of the libraries that are known here: module, names of classes, a function for a line and one for a text."""
FUNCTIONS = (type(lambda: None), type(len), type([].append), type(object().__str__))


def mro(value):
    """The classes of an object, without asking the object itself."""
    return type.__getattribute__(type(value), "__mro__")


def class_name(value):
    return type.__getattribute__(type(value), "__name__")


def of(value, module, *names):
    """Whether an object is an instance of one of the classes of a module that is loaded."""
    loaded = sys.modules.get(module)
    if loaded is None:
        return False
    space = vars(loaded)
    return any(space.get(name) in mro(value) for name in names if space.get(name) is not None)


def cut(text, limit):
    return text if len(text) <= limit else text[: max(limit - 4, 0)] + " ..."


def short(value, room=200, depth=0):
    """One line about a value, as its own kind would write it where that is safe."""
    kind = type(value)
    if value is None or kind in (bool, float, complex):
        return cut(repr(value), room)
    if kind is int:
        return cut(repr(value), room) if value.bit_length() < 4000 else "an int of %d bits" % value.bit_length()
    if kind is str:
        if len(value) <= room - 2:
            return cut(repr(value), room)
        if room < 60:
            return cut(repr(value[:room]), room)
        return "%s ... (%d characters)" % (cut(repr(value[: max(room - 30, 10)]), room - 24), len(value))
    if kind in (bytes, bytearray):
        return cut(repr(bytes(value[:60])), room - 20) + ("" if len(value) <= 60 else " ... (%d bytes)" % len(value))
    for base in (list, tuple, dict, set, frozenset):
        if base in mro(value):
            return container(value, base, room, depth)
    if kind is range:
        return repr(value)
    if any(vars(sys.modules[name]).get(class_name(value)) is kind for name in PLAIN if name in sys.modules):
        return cut(repr(value), room)
    if of(value, "numpy", "generic") and vars(sys.modules["numpy"]).get(class_name(value)) is kind:
        return cut(repr(value), room)
    if of(value, "pandas", "Timestamp", "Timedelta", "Period", "Interval"):
        return cut(str(value), room)
    text = cut(brief(value, room), room)
    return f"<{class_name(value)}: {text}>" if depth and type(value) not in FUNCTIONS else text


def container(value, base, room, depth):
    """The first items of a builtin container, and how many there are."""
    count = base.__len__(value)
    if not count and base in (set, frozenset):
        return "set()"  # `{}` is a dict
    opening, closing = {list: "[]", tuple: "()", dict: "{}"}.get(base, "{}")
    if depth >= DEPTH:
        return "{}{}{}".format(opening, "..." if count else "", closing)
    parts = []
    left = room - 24
    try:
        for item in base.items(value) if base is dict else base.__iter__(value):
            if len(parts) == ITEMS or (parts and left <= 8):
                break
            part = (
                f"{short(item[0], 40, depth + 1)}: {short(item[1], max(left, 10), depth + 1)}"
                if base is dict
                else short(item, max(left, 10), depth + 1)
            )
            parts.append(part)
            left -= len(part) + 2
    except RuntimeError:  # it is being changed by a thread of the user's
        parts.append("(changing)")
    rest = "" if len(parts) >= count else ", ..."
    text = opening + ", ".join(parts) + rest + closing
    return text if not rest and depth else text + (" (%d items)" % count if rest else "")


def brief(value, room):
    """What any other object is, by its kind."""
    for module, names, line, _ in KINDS:
        if of(value, module, *names):
            return line(value, room)
    if type(value) is type(sys):
        version = vars(value).get("__version__")
        return "module {}{}".format(vars(value).get("__name__"), " " + version if type(version) is str else "")
    if type in mro(value):
        return "class {}".format(type.__getattribute__(value, "__name__"))
    if type(value) in FUNCTIONS:
        return "{}{}".format(getattr(value, "__name__", "?"), signature(value))
    return fields_line(value)


def signature(value):
    """The parameters of a function that has its code at hand."""
    code = getattr(value, "__code__", None)
    if type(code) is not type(mro.__code__):
        return "(...)"
    count = code.co_argcount + code.co_kwonlyargcount
    names = list(code.co_varnames[:count])
    if code.co_flags & 4:
        names.insert(code.co_argcount, "*" + code.co_varnames[count])
        count += 1
    elif code.co_kwonlyargcount:
        names.insert(code.co_argcount, "*")
    if code.co_flags & 8:
        names.append("**" + code.co_varnames[count])
    return "({})".format(", ".join(names))


def attributes(value):
    """What an object's own `__dict__` holds, without its properties; empty if it has none."""
    try:
        found = object.__getattribute__(value, "__dict__")
    except Exception:  # a class of the user's may raise anything here: then it has nothing to show
        return {}
    return found if type(found) is dict else {}


def fields_line(value):
    """An object of a class that we do not know: its attributes by name."""
    names = [name for name in attributes(value) if type(name) is str and not name.startswith("_")]
    if not names:
        return "an object"
    return "an object with {}".format(", ".join(names[:ITEMS])) + (", ..." if len(names) > ITEMS else "")
