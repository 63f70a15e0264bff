"""Code of the user's own in place of the model's, typed or pasted at a prompt: what she is asked, and whether it came through whole.

A frontend's field may hold one line only: JupyterLab's makes blanks of the line ends in a paste, and what comes then is one line that
Python cannot read. So nothing runs that she has not seen as it would run.
"""

import re
import warnings

from beaker.consent.risk import PYTHON

END_OF_CODE = "."
"""A line of its own that ends what is typed: blank lines belong to code."""

REVIEW_CHOICES = "[y]es / [n]o / [e]dit again / [l]ater"

_IPYTHONS = re.compile(r"^\s*(?:[\w., ]+=\s*)?[%!?]|\?\s*$", re.MULTILINE)
"""Lines that IPython reads and Python does not: magics, commands of the shell, questions for help."""


def line_prompt(number: int) -> str:
    """What is shown where a line is typed.

    >>> line_prompt(1), line_prompt(2)
    ("Your code, line 1 (a line with only '.' ends it): ", 'line 2: ')
    """
    return f"Your code, line {number} (a line with only {END_OF_CODE!r} ends it): " if number == 1 else f"line {number}: "


def review_text(name: str, code: str, language: str) -> str:
    """What she is asked before her own code runs: all of it, and what looks wrong with it."""
    trouble = trouble_in(code, language)
    if trouble:
        trouble += f". A field for one line joins the lines of a paste: [l]ater, then `%beaker edit {name}`, gives you a cell.\n\n"
    return f"{name} would run your code:\n\n{code.rstrip()}\n\n{trouble}{REVIEW_CHOICES}: "


def trouble_in(code: str, language: str) -> str:
    """Why the session would not understand it; empty where it would, and where that cannot be told.

    >>> trouble_in("a = 1 b = 2", "python"), trouble_in("a = 1\\n%time b = 2", "python"), trouble_in("a <- 1 b", "R")
    ('Python cannot read this: invalid syntax (line 1)', '', '')
    """
    if language.lower() not in PYTHON or _IPYTHONS.search(code):
        return ""
    import ast  # 10 ms that only an edit has to pay

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes and comparisons: those are the session's to say
            compile(code, "<edit>", "exec", flags=ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    except SyntaxError as error:
        return f"Python cannot read this: {error.msg} (line {error.lineno})"
    except (ValueError, RecursionError, MemoryError):
        return ""
    return ""
