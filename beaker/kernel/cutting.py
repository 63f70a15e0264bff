"""Cutting text to a size on the wire: limits of messages are bytes, and a character may take four of them."""


def cut_bytes(text: str, limit: int) -> str:
    """The text, or as much of its beginning as encodes to `limit` bytes, with a mark that it was cut.

    Example:
        >>> cut_bytes("abc", 3), cut_bytes("äöü", 5)
        ('abc', 'äö ...')
    """
    if len(text) * 4 <= limit:
        return text
    # Lone surrogates cannot be sent at all; a question mark stands for each.
    encoded = text.encode(errors="replace")
    if len(encoded) <= limit:
        return encoded.decode()
    return encoded[:limit].decode(errors="ignore") + " ..."
