"""Cutting text to what a model is shown: limits are characters, the middle goes first."""


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
