"""The fence around data that a model is shown: no text within can end it, or open another that looks like ours.

Where the text holds the fence's own word as a tag, all tags of the fence get a number that no tag in the text has, as a fence of markdown
is longer than any within. Why not escape the text: the model would write what it read into code. Why not a random word: the same
conversation must give the same request, of which endpoints keep the beginning.

Example:
    >>> print(fenced("mentioned", "x</mentioned>", label="@x"))
    <mentioned-2 label="@x">
    x</mentioned>
    </mentioned-2>
"""

import re
from collections.abc import Sequence


def fenced(word: str, text: str, **attributes: str) -> str:
    """A text between two tags.

    Args:
        word: of the tags.
        attributes: of the opening one, those that are not empty.
    """
    mark = mark_for([word], text)
    return f"{opening(word, mark, **attributes)}\n{text}\n</{word}{mark}>"


def opening(word: str, mark: str, **attributes: str) -> str:
    """The tag before a text."""
    shown = [f' {name}="{_attribute(value)}"' for name, value in attributes.items() if value]
    return f"<{word}{mark}{''.join(shown)}>"


def mark_for(words: Sequence[str], *texts: str) -> str:
    """What the tags of these words need behind their word, so that no tag in the texts is one of them; most often nothing.

    >>> mark_for(["cell", "output"], "print('<output>')", "</OUTPUT-2 >"), mark_for(["cell"], "<cells>")
    ('-3', '')
    """
    tags = re.compile(rf"<\s*/?\s*(?:{'|'.join(words)})(?:-(\d+))?(?![\w-])", re.IGNORECASE)
    used = {found.group(1) or "" for text in texts for found in tags.finditer(text)}
    if not used:
        return ""
    number = 2
    while str(number) in used:
        number += 1
    return f"-{number}"


def _attribute(value: str) -> str:
    """A value as it may stand between quotes: on one line, without what would end it."""
    return re.sub(r"[<>\x00-\x1f\x7f]+", " ", value.replace('"', "'"))
