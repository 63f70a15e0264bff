"""Which risks a piece of code takes, as far as reading it can tell.

It guards against a model's mistakes, not against a hostile author: whoever wants can hide anything from a reader. That is why code
that follows untrusted data asks in any case (`policy`), and why here what cannot be read counts as a risk of its own: a
language we do not know, a module we do not know, code made at run time. Only Python is read.
"""

import re

from beaker.messages.consent import Risk

PYTHON = frozenset({"python", "python3", "ipython"})
SHELLS = frozenset({"bash", "sh", "zsh", "fish", "shell", "powershell"})

_SHELL_LINE = re.compile(
    r"^[^\S\n]*+(?:[^\n#'\"]*=\s*)?(?:!|%%?(?:bash|sh|script|system|sx|cmd|perl|ruby|sc|pip|conda|mamba|uv)\b)", re.MULTILINE
)


def risks_of(code: str, language: str) -> tuple[Risk, ...]:
    """Name the risks of a piece of code, each once, in alphabetical order.

    Args:
        code: exactly what would run.
        language: as the kernelspec names it.

    >>> risks_of("df['x'].mean()", "python"), risks_of("!rm -rf ~", "python"), risks_of("ls", "bash"), risks_of("x <- 1", "R")
    ((), ('shell',), ('shell',), ('opaque',))
    """
    if language.lower() in SHELLS:
        return ("shell",)
    if language.lower() not in PYTHON:
        return ("opaque",)
    if _SHELL_LINE.search(code):
        return ("shell",)
    return _risks_of_python(code)


def _risks_of_python(code: str) -> tuple[Risk, ...]:
    import ast  # 10 ms that only a run by the model has to pay

    from beaker.consent.python_reader import PythonReader

    try:
        tree = ast.parse(_without_harmless_magics(code))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ("opaque",)
    try:
        reader = PythonReader(tree)
    except RecursionError:
        return ("opaque",)
    return tuple(sorted(reader.risks))


def _without_harmless_magics(code: str) -> str:
    """Leave out the two line magics that every plot begins with; other magics do not parse, and so are opaque."""
    return re.sub(r"^%(?:matplotlib\s+\w+|time(?=\s))[ \t]*", "", code, flags=re.MULTILINE)
