"""Who has shown the token once: the session cookie of a browser, and the word that goes with it against forged requests.

The cookie never holds the token. It names a session and is signed with a secret of this gateway, so that every worker can
check it and none has to remember it. Whoever may write carries a second value, made of the same session, in a header that a
foreign page cannot send; it is handed out in a cookie that scripts of our own origin can read, under the names that Jupyter's
own clients look for.
"""

import hashlib
import hmac
import os
import secrets
from typing import Final

XSRF_COOKIE: Final = "_xsrf"
XSRF_HEADER: Final = "X-XSRFToken"
"""As @jupyterlab/services names them: it copies the one into the other."""

_MARK_DIGITS: Final = 8
"""32 bits: a host has a handful of gateways."""

LIFE_S: Final = 30 * 24 * 3600
"""How long a session lasts: a month, as jupyter_server's cookie does."""

_ID_BYTES = 16
_VALUE_CHARS = 200
"""No value of ours is longer; what is longer is not looked at."""


def address_mark(port: int, *places: str) -> str:
    """What the names of a gateway's cookies end with: browsers keep them by host and path alone, and two gateways on one host must not
    sign each other out.

    Args:
        port: where it listens; 0 for a unix socket.
        places: what tells it apart from others of that port, such as the path of the socket; empty ones tell nothing.

    >>> address_mark(8888), address_mark(0, "/run/a.sock", "")
    ('8888', '0-1e2fe59f')
    """
    told = "\0".join(place for place in places if place)
    return f"{port}-{hashlib.sha256(os.fsencode(told)).hexdigest()[:_MARK_DIGITS]}" if told else str(port)


def cookie_name(mark: str) -> str:
    """Of the session cookie."""
    return f"beaker-session-{mark}"


def xsrf_cookie_name(mark: str) -> str:
    """Of the cookie with the word against forged requests, for pages of ours; XSRF_COOKIE may be another gateway's."""
    return f"beaker-xsrf-{mark}"


def signing_key(secret: bytes, token: str | None) -> bytes:
    """With which the cookies of a gateway are signed: another token signs everybody out, as whoever changes it means to.

    Args:
        secret: of this gateway, the same over all its starts.
        token: that clients must show; None: nothing.
    """
    return hmac.new(secret, b"token:" + token.encode(errors="surrogateescape") if token is not None else b"none", hashlib.sha256).digest()


class Sessions:
    """Makes and checks the values.

    Args:
        secret: as `signing_key` makes it; another one ends all sessions.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def begin(self, now_s: float) -> str:
        """The value of a new session's cookie.

        Args:
            now_s: seconds since the epoch.
        """
        named = f"{secrets.token_hex(_ID_BYTES)}.{int(now_s) + LIFE_S}"
        return f"{named}.{self._sign('session', named)}"

    def holds(self, value: str, now_s: float) -> bool:
        """Whether a cookie's value is one of ours that has not run out."""
        named, _, signature = value[:_VALUE_CHARS].rpartition(".")
        if not _equal(signature, self._sign("session", named)):
            return False
        return now_s < int(named.rpartition(".")[2])  # ours: it was signed

    @staticmethod
    def name_of(value: str) -> str:
        """What may be known of a session: its id, and when it runs out. Nobody comes in with that."""
        return value[:_VALUE_CHARS].rpartition(".")[0]

    @staticmethod
    def runs_out_s(name: str) -> float:
        """When the session of such a name ends, seconds since the epoch; 0 for one that is none of ours."""
        end = name.rpartition(".")[2]
        return float(end) if end.isascii() and end.isdecimal() else 0.0

    def xsrf(self, value: str) -> str:
        """What the holder of a cookie sends in XSRF_HEADER."""
        return self._sign("xsrf", value)

    def vouches(self, value: str, xsrf: str) -> bool:
        """Whether a request with this cookie carries the word that belongs to it."""
        return _equal(xsrf, self.xsrf(value))

    def _sign(self, purpose: str, text: str) -> str:
        return hmac.new(self._secret, f"{purpose}:{text}".encode(errors="surrogateescape"), hashlib.sha256).hexdigest()


def same_token(given: str, token: str) -> bool:
    """Compare in constant time."""
    return _equal(given, token)


def _equal(given: str, right: str) -> bool:
    return hmac.compare_digest(given.encode(errors="surrogateescape"), right.encode())
