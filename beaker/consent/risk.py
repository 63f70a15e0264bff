"""Which risks a piece of code takes, as far as reading it can tell.

It guards against a model's mistakes, not against a hostile author: whoever wants can hide anything from a reader. That is why code
that follows untrusted data asks in any case (`policy`), and why here what cannot be read counts as a risk of its own: a
language we do not know, a module we do not know, code made at run time. Only Python is read.
"""

import re
from collections.abc import Sequence

from beaker.messages.consent import Risk

PYTHON = frozenset({"python", "python3", "ipython"})
SHELLS = frozenset({"bash", "sh", "zsh", "fish", "shell", "powershell"})

_SHELL_LINE = re.compile(
    r"^[^\S\n]*+(?:[^\n#'\"]*=\s*)?(?:!|%%?(?:bash|sh|script|system|sx|cmd|perl|ruby|sc|pip|conda|mamba|uv)\b)", re.MULTILINE
)


def risks_of(code: str, language: str, earlier: Sequence[str] = ()) -> tuple[Risk, ...]:
    """Name the risks of a piece of code, each once, in alphabetical order.

    Args:
        code: exactly what would run.
        language: as the kernelspec names it.
        earlier: the cells that were run before, oldest first, as far as they are known: what they made of its names.

    >>> risks_of("df['x'].mean()", "python"), risks_of("!rm -rf ~", "python"), risks_of("ls", "bash"), risks_of("x <- 1", "R")
    ((), ('shell',), ('shell',), ('opaque',))
    >>> risks_of("remove('x')", "python", ["from os import remove"]), risks_of("tidy(df)", "python")
    (('files',), ('opaque',))
    """
    if language.lower() in SHELLS:
        return ("shell",)
    if language.lower() not in PYTHON:
        return ("opaque",)
    if _SHELL_LINE.search(code):
        return ("shell",)
    return _risks_of_python(code, earlier)


def _risks_of_python(code: str, earlier: Sequence[str]) -> tuple[Risk, ...]:
    import ast  # 10 ms that only a run by the model has to pay

    from beaker.consent.python_earlier import look_back
    from beaker.consent.python_reader import PythonReader

    try:
        tree = ast.parse(_without_harmless_magics(code))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ("opaque",)
    try:
        reader = PythonReader(tree, look_back(tree, earlier))
    except RecursionError:
        return ("opaque",)
    return tuple(sorted(reader.risks))


def _without_harmless_magics(code: str) -> str:
    """Leave out the magics that every plot begins with, and those that measure; others do not parse, and so are opaque."""
    code = re.sub(r"\A\s*%%(?:time|capture(?:[ \t]+\w+)?)[ \t]*(?=\n)", "", code)
    return re.sub(r"^%(?:matplotlib\s+\w+|time(?:it)?(?=[ \t]+[^-\s])|whos?[ \t]*$)[ \t]*", "", code, flags=re.MULTILINE)
