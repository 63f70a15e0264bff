"""Runs inside the user's own interpreter (see `values.py`): one look at its variables, as JSON.

`look` is called with the session's namespace right after all files of this folder were executed in a namespace of their
own. It keeps to a time, since the user's next cell waits behind it.
"""

from __future__ import annotations

import sys

from beaker.languages.inside.values import FUNCTIONS, KINDS, attributes, class_name, cut, mro, of, short, signature


def module_text(value):
    names = [name for name in vars(value) if type(name) is str and not name.startswith("_")]
    return "{}\nnames: {}".format(short(value), cut(", ".join(sorted(names)), 2000))


def function_text(value):
    """Signature, docstring, where it stands, its code if that is at hand."""
    lines = ["{} {}{}".format(class_name(value), getattr(value, "__name__", "?"), signature(value))]
    doc = getattr(value, "__doc__", None)
    if type(doc) is str:
        lines.append(cut(doc.strip(), 1500))
    code = getattr(value, "__code__", None)
    entry = getattr(sys.modules.get("linecache"), "cache", {}).get(code.co_filename) if code is not None else None
    if entry is not None and len(entry) > 2:
        lines += ["code:", cut("".join(entry[2][code.co_firstlineno - 1 : code.co_firstlineno + 39]), 2500)]
    return "\n".join(lines)


def class_text(value):
    names = [name for name in type.__getattribute__(value, "__dict__") if not name.startswith("_")]
    doc = type.__getattribute__(value, "__dict__").get("__doc__")
    bases = ", ".join(type.__getattribute__(base, "__name__") for base in type.__getattribute__(value, "__mro__")[1:-1])
    lines = ["class {}{}".format(type.__getattribute__(value, "__name__"), f"({bases})" if bases else "")]
    if type(doc) is str:
        lines.append(cut(doc.strip(), 1000))
    return "\n".join([*lines, "names: {}".format(cut(", ".join(names), 1500))])


def container_text(value, base):
    """More items of a builtin container, a line each."""
    count = base.__len__(value)
    lines = ["%s of %d items" % (class_name(value), count)]
    try:
        for at, item in enumerate(base.items(value) if base is dict else base.__iter__(value)):
            if at == 40:
                lines.append("  ...")
                break
            lines.append(f"  {short(item[0], 80)}: {short(item[1], 160)}" if base is dict else f"  {short(item, 200)}")
    except RuntimeError:
        lines.append("  (it is being changed)")
    return "\n".join(lines)


def detail(value, over):
    """A variable in as many lines as its kind is worth."""
    for module, names, _, text in KINDS:
        if of(value, module, *names):
            return text(value, over)
    if type(value) is str:
        return "str of %d characters\n%s" % (len(value), cut(value, 4000))
    for base in (list, tuple, dict, set, frozenset):
        if base in mro(value):
            return container_text(value, base)
    if type(value) is type(sys):
        return module_text(value)
    if type in mro(value):
        return class_text(value)
    if type(value) in FUNCTIONS:
        return function_text(value)
    held = [(name, each) for name, each in attributes(value).items() if type(name) is str and not name.startswith("_")]
    return "\n".join([f"{class_name(value)}: {short(value)}"] + [f"  {name} = {short(each, 160)}" for name, each in held[:40]])


def plain_line(value):
    """The whole of a plain value as it may stand in a sentence, a text without its quotes; empty for all others."""
    if type(value) is str:
        return value if len(value) <= 200 and "\n" not in value else ""
    if not (value is None or type(value) in (bool, int, float, complex, list, tuple, dict, set, frozenset)):
        return ""
    text = short(value)
    return "" if "..." in text or "object" in text or len(text) > 200 else text


def safely(describe, value):
    try:
        return describe(value)
    except KeyboardInterrupt:  # that is the user's own, for whatever she has running
        raise
    except BaseException as error:  # whatever a value of the user's raises while it is looked at is told, never passed on
        return f"(could not be looked at: {class_name(error)})"


def user_names(space, hidden):
    """The user's own names, data first, then functions and classes, then modules."""

    def rank(name):
        value = space[name]
        if type(value) is type(sys):
            return 2
        return 1 if type in mro(value) or type(value) in FUNCTIONS else 0

    names = [name for name in list(space) if type(name) is str and not name.startswith("_")]
    own = [
        name
        for name in names
        if not (name in hidden and hidden[name] is space[name]) and name not in ("In", "Out", "exit", "quit", "get_ipython", "open")
    ]
    return sorted(own, key=rank)


def answer(name, limit, room, budget_s, mark):
    """`look` at the session of IPython, as ASCII; forgets the source that IPython kept of the cell in front of us.

    Args:
        mark: how that source begins.
    """
    shell = sys.modules["IPython"].get_ipython()
    cache = getattr(sys.modules.get("linecache"), "cache", {})
    for key in list(cache):
        lines = cache[key][2] if len(cache[key]) > 2 else None
        if lines and lines[0].startswith(mark):
            del cache[key]
            getattr(shell.compile, "_filename_map", {}).pop(key, None)
    json = sys.modules["json"]
    told = json.dumps(look(shell.user_ns, shell.user_ns_hidden, name, limit, room, budget_s), ensure_ascii=False)
    # A name of a file that is no UTF-8 holds half of a surrogate pair, which cannot be sent.
    return json.dumps(json.loads(told.encode("utf-8", "replace").decode()))


def look(space, hidden, name, limit, room, budget_s):
    """Tell of one variable in detail, or of all in a line each.

    Args:
        space: the session's namespace.
        hidden: names that IPython put there, with their values.
        name: the one; None for all.
        limit: how many are listed at most.
        room: characters for one of many, or for the one.
        budget_s: what takes longer is left out.
    """
    monotonic = sys.modules["time"].monotonic
    end = monotonic() + budget_s

    def over():
        return monotonic() > end

    if name is not None:
        if name not in space:
            return {"found": False}
        value = space[name]
        text = safely(lambda each: detail(each, over), value)
        line = safely(lambda each: (plain_line(each),), value)
        line = line[0] if type(line) is tuple else ""
        return {"found": True, "type": class_name(value), "text": cut(text, room), "line": line}
    listed = []
    names = user_names(space, hidden)
    for each in names[:limit]:
        value = space[each]
        listed.append([each, class_name(value), "" if over() else safely(lambda held: short(held, room), value)])
    return {"variables": listed, "more": max(len(names) - limit, 0)}
