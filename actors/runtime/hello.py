"""The greeting of a link: one HELLO, answered by WELCOME or REFUSED. The decisions, without a socket.

The connecting side sends its secret only after the operating system said that the listener has our own uid; the
listening side compares it in constant time and then asks its table of roles (`admit`). A peer of another protocol
number is refused last, so that only a peer that could have come in learns anything. The three messages are arrays that
ignore what follows: later versions may add fields, never change these.
"""

from collections.abc import Callable, Mapping
from hmac import compare_digest
from typing import Literal

import msgspec

from actors.runtime.failures import RuntimeFault
from actors.runtime.peers import Credentials, own_uid


class Hello(msgspec.Struct, frozen=True, array_like=True):
    """What a connecting node says first."""

    protocol: int
    role: str
    secret: bytes


class Welcome(msgspec.Struct, frozen=True, array_like=True):
    """What the listening node answers; from here on the link is symmetric."""

    protocol: int
    role: str


class Refusal(msgspec.Struct, frozen=True, array_like=True):
    """Why there will be no link."""

    code: Literal["uid", "secret", "peer", "protocol"]
    """`peer`: the right secret, but not a process that is expected here."""
    words: str
    """A sentence for the log of the one who is refused."""
    protocol: int = 0
    """The number of the refusing side; filled in by the runtime."""


class Peer(msgspec.Struct, frozen=True):
    """The node at the other end of a link."""

    uid: int
    pid: int
    role: str
    """As it says itself."""
    protocol: int


class Refused(RuntimeFault):
    """A listener would not have us; `.refusal` says why."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(f"link refused ({refusal.code}): {refusal.words}")
        self.refusal = refusal


Admit = Callable[[Peer], Refusal | None]
"""Looks a peer up in the table of roles; None lets it in."""


Secret = bytes | Mapping[str, bytes]
"""What peers must know: one for all, or each role its own, so that none passes for another. A role without one is not let in."""


def judge(hello: Hello, credentials: Credentials, *, secret: Secret, protocol: int, admit: Admit) -> tuple[Peer, Refusal | None]:
    """Decide about a hello.

    Args:
        hello: what the peer said.
        credentials: what the operating system says of it.
        secret: what it should know.
        protocol: our own number.
        admit: the table of roles.
    """
    peer = Peer(uid=credentials.uid, pid=credentials.pid, role=hello.role, protocol=hello.protocol)
    if credentials.uid != own_uid():
        return peer, Refusal("uid", f"uid {credentials.uid} has no business here", protocol)
    right = secret if isinstance(secret, bytes) else secret.get(hello.role)
    if right is None or not compare_digest(hello.secret, right):
        return peer, Refusal("secret", "the secret is not that of this socket", protocol)
    if (refusal := admit(peer)) is not None:
        return peer, msgspec.structs.replace(refusal, protocol=protocol)
    if hello.protocol != protocol:
        return peer, Refusal("protocol", f"this side speaks protocol {protocol}, the other {hello.protocol}: restart the older", protocol)
    return peer, None
