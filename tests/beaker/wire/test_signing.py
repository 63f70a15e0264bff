"""Signatures, against jupyter_client's own."""

import pytest
from jupyter_client.session import Session

from beaker.wire.parts import WireError
from beaker.wire.signing import ReplayGuard, Signer, UnknownScheme

PARTS = [b'{"msg_id":"1"}', b"{}", b"{}", b'{"code":"1"}', b"buffer"]


@pytest.mark.parametrize("scheme", ["hmac-sha256", "hmac-sha512", "hmac-md5"])
@pytest.mark.parametrize("length", [1, 63, 64, 65, 128, 129, 1000])
def test_our_signature_is_that_of_jupyter_client_whatever_the_key(scheme: str, length: int) -> None:
    """A key that is longer than a block of its hash is hashed first."""
    key = bytes(range(256))[-length:] if length < 256 else b"k" * length
    theirs = Session(key=key, signature_scheme=scheme)
    assert Signer(key, scheme).sign(PARTS) == theirs.sign(PARTS[:4])


def test_buffers_are_not_signed() -> None:
    assert Signer(b"k").sign(PARTS) == Signer(b"k").sign([*PARTS[:4], b"another"])


@pytest.mark.parametrize("signature", [b"", b"00", b"\xff" * 64])
def test_a_wrong_signature_is_refused(signature: bytes) -> None:
    with pytest.raises(WireError):
        Signer(b"k").check(signature, PARTS)


def test_one_changed_byte_is_noticed() -> None:
    signature = Signer(b"k").sign(PARTS)
    Signer(b"k").check(signature, PARTS)
    with pytest.raises(WireError, match="does not match"):
        Signer(b"k").check(signature, [*PARTS[:3], b'{"code":"2"}'])


def test_an_empty_key_turns_signing_off() -> None:
    assert Signer(b"").sign(PARTS) == b""
    Signer(b"").check(b"", PARTS)


@pytest.mark.parametrize("scheme", ["hmac-nonsense", "sha256", ""])
def test_an_unknown_scheme_is_named(scheme: str) -> None:
    with pytest.raises(UnknownScheme, match="hmac-sha256 is what"):
        Signer(b"k", scheme)


def test_a_replay_is_refused_as_long_as_it_is_remembered() -> None:
    guard = ReplayGuard(remembered=2)
    guard.admit(b"a" * 64)
    with pytest.raises(WireError, match="replay"):
        guard.admit(b"a" * 64)
    guard.admit(b"b" * 64)
    guard.admit(b"c" * 64)
    guard.admit(b"a" * 64)
