"""HMAC signatures of Jupyter messages, and the guard against messages that come twice.

Source: "Messaging in Jupyter" 5.4, "The Wire Protocol": the signature is the hex HMAC of the header, parent_header,
metadata and content, in this order; buffers are not signed. An empty key turns signing off.
"""

import hashlib
import hmac
from collections import deque

from beaker.errors import BeakerError
from beaker.wire.parts import BUFFERS, Parts, WireError

REMEMBERED_SIGNATURES = 16_384
"""How far back a replay is recognised: some hours of work; a fourth of jupyter_client's figure, about 2 MB."""


class UnknownScheme(BeakerError):
    """A connection file names a signature scheme that this Python cannot compute."""


class Signer:
    """Signs and checks with one key.

    Raises:
        UnknownScheme: the scheme is not `hmac-` and a hash that hashlib knows.
    """

    def __init__(self, key: bytes, scheme: str = "hmac-sha256") -> None:
        kind, _, digest = scheme.partition("-")
        if kind != "hmac" or digest not in hashlib.algorithms_available or not hashlib.new(digest).digest_size:
            raise UnknownScheme(f"signature_scheme {scheme!r} is unknown; hmac-sha256 is what every Jupyter client speaks")
        self._on = bool(key)
        # The two hashes of an HMAC, which are copied and fed in two thirds of the time that Python's `hmac` takes (m).
        self._inner = hashlib.new(digest, _block(key, digest, 0x36))
        self._outer = hashlib.new(digest, _block(key, digest, 0x5C))

    def sign(self, parts: Parts) -> bytes:
        """The signature of a message; empty when signing is off."""
        if not self._on:
            return b""
        inner, outer = self._inner.copy(), self._outer.copy()
        for part in parts[:BUFFERS]:
            inner.update(part)
        outer.update(inner.digest())
        return outer.hexdigest().encode()

    def check(self, signature: bytes, parts: Parts) -> None:
        """Compare in constant time.

        Raises:
            WireError: the signature is missing or of another key.
        """
        if not self._on:
            return
        if not signature:
            raise WireError("it is not signed")
        if not hmac.compare_digest(self.sign(parts), bytes(signature)):
            raise WireError("its signature does not match the key of the connection file")


def _block(key: bytes, digest: str, pad: int) -> bytes:
    """The key as one block of a hash, as RFC 2104 feeds it: `pad` is 0x36 for the inner hash, 0x5C for the outer one."""
    block_bytes = hashlib.new(digest).block_size
    if len(key) > block_bytes:
        key = hashlib.new(digest, key).digest()
    return bytes(byte ^ pad for byte in key.ljust(block_bytes, b"\0"))


class ReplayGuard:
    """Remembers the last signatures seen and refuses a second message with the same one."""

    def __init__(self, remembered: int = REMEMBERED_SIGNATURES) -> None:
        self._seen: set[bytes] = set()
        self._order: deque[bytes] = deque()
        self._remembered = remembered

    def admit(self, signature: bytes) -> None:
        """Take note of a signature.

        Raises:
            WireError: it was seen before.
        """
        if not signature:
            return
        # Half of a SHA-256 tells messages apart as well as the whole, at half the memory.
        short = signature[:32]
        if short in self._seen:
            raise WireError("it is a replay: its signature was seen before")
        self._seen.add(short)
        self._order.append(short)
        if len(self._order) > self._remembered:
            self._seen.discard(self._order.popleft())
