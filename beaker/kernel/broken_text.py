"""What binary data leaves in a JSON document when it is pasted into a cell: bytes that are no UTF-8, and halves of surrogate pairs.

Python's json, and with it ipykernel, reads such a document; msgspec refuses it. So whoever must know what it says reads it again by this.
It looks at the whole in Python, which no document costs that is as it should be.
"""

import json


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
