"""The line that stands for a cell of ours in the subkernel, so that the cell takes a number in its history too.

It has to be harmless in every language: a comment that ends with its line. A language that is not in the table gets none.
"""

import re

LIMIT_CHARS = 200
"""Of the line: enough to recognise the question in the history."""

_LANGUAGES_BY_SIGN = {
    "#": "python python3 sage sagemath r julia octave perl raku ruby elixir nim crystal tcl bash sh zsh fish shell powershell",
    "//": "javascript typescript java kotlin scala groovy go rust swift dart c# csharp f# fsharp c c++ c++11 c++14 c++17 c++20 c++23",
    "--": "sql haskell lua ada",
    "%": "matlab erlang prolog",
    ";": "scheme racket clojure lisp common-lisp",
}
"""What begins a comment that ends with its line, and the languages, as kernelspecs name them, in lower case."""


def comment_for(code: str, language: str) -> str | None:
    """The line that is sent to the subkernel in place of a cell of ours, so that it takes a number there too.

    Args:
        code: a cell of ours.
        language: the subkernel's, as its kernelspec names it.

    Returns:
        The cell's first line as a comment; None where we know of no comment that ends with its line.
    """
    sign = next((sign for sign, languages in _LANGUAGES_BY_SIGN.items() if language.lower() in languages.split()), None)
    if sign is None:
        return None
    line = re.split(r"[\r\n]", code.lstrip()[: 4 * LIMIT_CHARS], maxsplit=1)[0]
    line = "".join(character if character.isprintable() else " " for character in line).rstrip(" \\")
    if len(line) > LIMIT_CHARS:
        line = line[: LIMIT_CHARS - 4] + " ..."
    return f"{sign} {line}"
