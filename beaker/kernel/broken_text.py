"""What binary data leaves in a JSON document when it is pasted into a cell: bytes that are no UTF-8, and halves of surrogate pairs.

Python's json, and with it ipykernel, reads such a document; msgspec refuses it. So whoever must know what it says reads it again by this.
It looks at the whole in Python, which no document costs that is as it should be.
"""

import json
from typing import cast


def without_broken_text(document: bytes) -> bytes:
    r"""Gives a JSON document with U+FFFD in place of what is no text in it.

    Example:
        >>> ascii(without_broken_text(b'{"code": "\x80, \\ud83d, \\ud83d\\ude00"}').decode())
        '\'{"code": "\\ufffd, \\ufffd, \\U0001f600"}\''

    Raises:
        ValueError: it is no JSON.
        RecursionError: it is nested too deep.
    """
    text = json.dumps(json.loads(document.decode(errors="replace")), ensure_ascii=False)
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def read_by_json(document: bytes) -> dict[str, object] | None:
    r"""What a JSON document says to a kernel that reads it by Python's json; None if it is no object.

    >>> read_by_json(rb'{"code": "\u00fc", "x": Infinity}'), read_by_json(b"[1"), read_by_json(b"[1]")
    ({'code': 'ü', 'x': inf}, None, None)
    """
    try:
        sent = json.loads(document.decode(errors="replace"))
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, object]", sent) if isinstance(sent, dict) else None


def holds_halves(value: object) -> bool:
    r"""Whether there is half a surrogate pair anywhere in what was read.

    >>> holds_halves({"a": ["\ud83d"]}), holds_halves({"a": ["\U0001f600"]})
    (True, False)
    """
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    return False
