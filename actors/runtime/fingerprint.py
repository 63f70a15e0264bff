"""A secret as it can be recognised by who must not have it: a keyed digest, and how long it is.

A process that writes logs, or hands environments to user code, should let a secret pass in neither, and should not hold it either for
that: it would then be one more that could be made to tell it. So text is looked through for pieces of the secret's length that have its
digest. Another letter of the secret than those of tokens would have every text looked through whole: such a secret has no fingerprint.

A digest tells a secret to who can try all that it may be; of a made one, with 256 bits, nobody can.
"""

import hashlib
import os
import re
from collections.abc import Iterator
from hmac import compare_digest
from typing import Final

import msgspec

_DIGEST_BYTES: Final = 16
"""128 bits: nothing else has the same by chance."""
_KEY_BYTES: Final = 32
"""As many as a secret that was made."""

_RUN: Final = re.compile(r"[!-~]+", re.ASCII)
_TOKEN_RUN: Final = re.compile(r"[\w-]+", re.ASCII)
"""Letters of a secret that was made, which stand in few texts for so long: others need not be looked at."""


class Fingerprint(msgspec.Struct, frozen=True, kw_only=True):
    """Of one secret."""

    key: bytes
    """Of the digest; made for this one."""
    length: int
    """Of the secret, in characters."""
    digest: bytes
    plain: bool
    """It has no other characters than letters, digits, `-` and `_`."""

    def spans(self, text: str) -> Iterator[tuple[int, int]]:
        """Where the secret stands in a text."""
        length, taken = self.length, 0
        if len(text) < length:
            return
        for run in (_TOKEN_RUN if self.plain else _RUN).finditer(text):
            for start in range(run.start(), run.end() - length + 1):
                if start >= taken and compare_digest(_digest(self.key, text[start : start + length]), self.digest):
                    taken = start + length
                    yield start, taken

    def is_in(self, text: str) -> bool:
        """Whether the secret stands in a text."""
        return next(self.spans(text), None) is not None

    def hide(self, text: str, by: str) -> str:
        """A text without the secret."""
        for start, end in reversed(list(self.spans(text))):
            text = f"{text[:start]}{by}{text[end:]}"
        return text


def fingerprint(secret: str) -> Fingerprint | None:
    """Make one; None for what cannot be recognised: nothing, and what is no word of ASCII.

    >>> fingerprint("a-token").hide("it is a-token.", "...")
    'it is ....'
    """
    if not _RUN.fullmatch(secret):
        return None
    key = os.urandom(_KEY_BYTES)
    return Fingerprint(key=key, length=len(secret), digest=_digest(key, secret), plain=_TOKEN_RUN.fullmatch(secret) is not None)


def _digest(key: bytes, text: str) -> bytes:
    return hashlib.blake2b(text.encode(), key=key, digest_size=_DIGEST_BYTES).digest()
