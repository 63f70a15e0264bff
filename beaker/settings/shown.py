"""Values as they may be shown: short, on one line, and without secrets that somebody put in the wrong place."""

from collections.abc import Iterable
from typing import Final

from beaker.errors import nearest

LENGTH_LIMIT = 80
"""Characters of a value that are shown; longer ones are only ever mistakes."""

ELSEWHERE: Final = {
    "gateway.log_level": "how much is logged is level in the section [logs].",
    "BEAKER_GATEWAY_LOG_LEVEL": "how much is logged is BEAKER_LOGS_LEVEL.",
}
"""Names that are looked for where an option stands beside others, and what there is in their place: no spelling is near to that."""


def hide_secrets(text: str) -> str:
    """The text with what looks like a password or key replaced by `***`.

    >>> hide_secrets("https://me:secret@host/v1?api-key=1")
    'https://***@host/v1?***'
    """
    import re  # some milliseconds where nothing else has imported it, and nothing set is nothing shown

    text = re.sub(r"(?<=://)[^/@\s]*@", "***@", text)
    text = re.sub(r"(?<=\w)\?\S+=[^\s\"]*", "?***", text)  # some services want the key as an argument of the address
    # What providers' keys look like, and any word too long to be a name.
    return re.sub(r"(?i)\b(?:sk|pk|rk|gsk|xai|hf|key)[-_][\w-]{12,}|\bbearer\s+\S+|\b[\w-]{48,}\b", "***", text)


def shown(value: object) -> str:
    """A value of a settings file as a person would write it there, cut and without secrets.

    >>> shown(["a", 1, True])
    '["a", 1, true]'
    """
    text = hide_secrets(_written(value))
    return text if len(text) <= LENGTH_LIMIT else text[: LENGTH_LIMIT - 4] + " ..."


def one_line(text: str) -> str:
    """The text with everything that is no visible character spelled out: names in a file may contain line breaks."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def shown_path(path: str) -> str:
    """A path as it is to be copied into a TOML file: whole, and quoted."""
    escaped = path.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def unknown_words(given: str, what: str, valid: Iterable[str]) -> str:
    """The end of a sentence about a name that is none.

    Args:
        what: it should be.
        valid: the names that there are.
    """
    names = list(valid)
    near = nearest(given, names)
    guess = f" Did you mean {near}?" if near else ""
    return f"there is no such {what}.{guess} There are {', '.join(names)}."


def _written(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return f'"{one_line(value[: 10 * LENGTH_LIMIT])}"'
        case int() if value.bit_length() > 128:  # Python refuses to write out very long ones
            return "a number of more than 38 digits"
        case float():
            return repr(value).removesuffix(".0")
        case list() | tuple():
            return "[" + ", ".join(_written(item) for item in value[:20]) + "]"  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - whatever it holds
        case dict():
            return "a table"
        case _:
            return str(value)
