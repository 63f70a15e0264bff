"""Cutting text to what a model is shown: limits are characters, the middle goes first; and text that cannot be sent."""


def sendable(text: str) -> str:
    """Text with a question mark for each half of a surrogate pair, which JSON can carry and UTF-8 cannot.

    >>> sendable("a" + chr(0xD800) + "b"), sendable("naïve")
    ('a?b', 'naïve')
    """
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode(errors="replace").decode()
    return text


def cut(text: str, limit_chars: int) -> str:
    """Shorten a text to a limit by leaving out its middle, saying how much is missing.

    >>> cut("abcdefghij" * 10, 60)
    'abcdefghija … [78 of 100 characters left out] … jabcdefghij'
    """
    if len(text) <= limit_chars:
        return text
    note_length = len(f" … [{len(text)} of {len(text)} characters left out] … ")
    kept = max(limit_chars - note_length, 0)
    head, tail = kept - kept // 2, kept // 2
    missing = len(text) - head - tail
    return f"{text[:head]} … [{missing} of {len(text)} characters left out] … {text[len(text) - tail :]}"
