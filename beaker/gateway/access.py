"""Who may come in: one decision for every request, before any route sees it.

Four questions, in this order, and the first no ends it. Is the Host one of ours (else a foreign name was pointed at this
machine: DNS rebinding)? Is the Origin ours or allowed by name (a page of somebody else's is refused even with the token)?
Is there a token or a session (unless the route is public)? And may a session write: only with the word that a foreign page
cannot send, and as JSON, which a foreign form cannot.

Pure: facts in, decision out. Names are compared exactly; there are no patterns.
"""

import re
from collections.abc import Mapping
from typing import Final, Literal
from urllib.parse import SplitResult, urlsplit

import msgspec

from beaker.errors import BeakerError
from beaker.gateway.cookies import XSRF_HEADER, Sessions, same_token

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
"""The names of this machine that cannot be pointed elsewhere."""

READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing."""

_FOREIGN_SITES: Final = frozenset({"same-site", "cross-site"})
"""What browsers say of a page that is none of ours; `none` is the user herself."""

_STRANGE: Final = re.compile(r"[^a-z0-9._:-]")
"""What stands in no host name or address; others than ASCII are written as browsers send them, in punycode."""

_WHERE: Final = "It was printed when the gateway started, or stands in the file that was named then."

_PATH: Final = re.compile(r"/(?:[\w.~-]+/)*", re.ASCII)
"""Of an address by which clients call us."""

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class BadOrigin(BeakerError):
    """An origin in the settings that is none."""


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """What is read of a request."""

    method: str
    headers: Mapping[str, str]
    """By any spelling of their names."""
    query_token: str = ""
    cookie: str = ""
    """Of the session."""
    websocket: bool = False
    """It asks for an upgrade."""


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for."""

    token: str | None
    """None where none is asked for."""
    secure: bool
    """We speak TLS ourselves."""
    public: str = ""
    """The origin of a proxy in front of us, by which clients call us; its pages are ours. Empty: there is none."""
    hosts: frozenset[str] = LOOPBACK
    """Names and addresses by which we are called, without ports."""
    base_url: str = "/"
    """The path in front of all our addresses."""
    origins: frozenset[str] = frozenset()
    """Foreign ones that are allowed, as `parse_origin` gives them."""

    @property
    def secure_cookies(self) -> bool:
        """Whether browsers are to send ours over TLS alone."""
        return self.secure or self.public.startswith("https:")

    def origin_of(self, host: str) -> str:
        """What browsers call the origin of our pages, where a request names this Host; empty where it names none.

        What a proxy says of itself in headers counts for nothing: everybody can send these.
        """
        try:
            by_proxy = self.public and parse_origin(f"{self.public.partition(':')[0]}://{host}") == self.public
            return self.public if by_proxy else parse_origin(f"{'https' if self.secure else 'http'}://{host}")
        except BadOrigin:
            return ""


class Admitted(msgspec.Struct, frozen=True, kw_only=True):
    """Come in."""

    by: Literal["token", "session", "nothing"]
    """`nothing`: the route is public, or no token is asked for."""
    origin: str = ""
    """Foreign and allowed: its page may read the answer."""


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """Stay out."""

    status: Literal[401, 403]
    message: str
    """A sentence for whoever asked."""


def decide(visit: Visit, rules: Rules, sessions: Sessions, *, public: bool, now_s: float) -> Admitted | Refused:
    """Whether a request may reach its route.

    Args:
        public: the route is for everybody.
        now_s: seconds since the epoch.
    """
    host = visit.headers.get("Host", "")
    if _name_of(host) not in rules.hosts:
        return Refused(status=403, message=f"This gateway is not called {host[:100]!r}. Allow a name by --allow-origin https://name.")
    origin = visit.headers.get("Origin")
    foreign = ""
    if origin is not None and origin not in {rules.public, rules.origin_of(host)} - {""}:
        if origin not in rules.origins:
            return Refused(status=403, message=f"Pages of {origin[:100]!r} may not use this gateway. Allow them by --allow-origin.")
        foreign = origin
    if visit.method == "OPTIONS" and not visit.websocket:
        return Admitted(by="nothing", origin=foreign)  # a preflight cannot carry anything, and tells nothing
    match _shown(visit, rules, sessions, now_s):
        case "session" if (wrong := _forged(visit, sessions, foreign)) is not None and not public:
            return wrong
        case "session" | "token" | "nothing" as by:
            return Admitted(by=by, origin=foreign)
        case None if public:
            return Admitted(by="nothing", origin=foreign)
        case None:
            return Refused(status=401, message=_unknown(visit, rules))


def parse_origin(text: str) -> str:
    """An origin as browsers write it: scheme, name, and the port unless it is the scheme's own.

    Raises:
        BadOrigin: it is none.

    >>> parse_origin("HTTPS://Lab.Example.org:443/")
    'https://lab.example.org'
    """
    parts, port = _split(text.strip())
    if parts is None or parts.scheme not in _DEFAULT_PORTS or not parts.hostname or parts.path not in {"", "/"}:
        raise BadOrigin(f"{text!r} is no origin: write scheme, name and port, such as https://lab.example.org or http://localhost:3000")
    if _STRANGE.search(parts.hostname):
        raise BadOrigin(f"{text!r} names no one host: there are no patterns")
    if parts.query or parts.fragment or parts.username is not None:
        raise BadOrigin(f"{text!r} is more than an origin: leave out what stands behind or before the name")
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{name}" + ("" if port in {None, _DEFAULT_PORTS[parts.scheme]} else f":{port}")


def parse_public(text: str) -> tuple[str, str]:
    """The origin of an address by which clients call us, and its path, with a slash at its end.

    Raises:
        BadOrigin: it is no such address.

    >>> parse_public("https://Lab.example.org/ada")
    ('https://lab.example.org', '/ada/')
    """
    parts, _ = _split(text.strip())
    if parts is None or not parts.scheme or not parts.netloc or parts.query or parts.fragment:
        raise BadOrigin(f"{text!r} is no address: write scheme, name and path, such as https://lab.example.org/lab/")
    origin, path = parse_origin(f"{parts.scheme}://{parts.netloc}"), f"{parts.path.rstrip('/')}/"
    if not _PATH.fullmatch(path):
        raise BadOrigin(f"{text!r} has a path that is none: write names with / between them, such as https://lab.example.org/lab/")
    return origin, path


def host_of(origin: str) -> str:
    """The name in an origin, by which a proxy calls us on behalf of its pages."""
    parts, _ = _split(origin)
    return (parts.hostname or "") if parts is not None else ""


def _shown(visit: Visit, rules: Rules, sessions: Sessions, now_s: float) -> Literal["token", "session", "nothing"] | None:
    if rules.token is None:
        return "nothing"
    kind, _, given = visit.headers.get("Authorization", "").partition(" ")
    if given and kind.lower() in {"token", "bearer"}:
        # Whoever shows a token means it: a wrong one is not made up for by a cookie.
        return "token" if same_token(given.strip(), rules.token) else None
    if visit.query_token:
        return "token" if same_token(visit.query_token, rules.token) else None
    if visit.cookie and sessions.holds(visit.cookie, now_s):
        return "session"
    return None


def _forged(visit: Visit, sessions: Sessions, foreign: str) -> Refused | None:
    """Why a request that a browser has added the cookie to may be none of our own pages'."""
    if not foreign and not visit.websocket and visit.headers.get("Sec-Fetch-Site") in _FOREIGN_SITES and not _is_opened(visit):
        # A picture or a script of another port of this host carries the cookie and no Origin.
        return Refused(status=403, message="A page of another origin has asked for this, and may not.")
    if visit.websocket:
        # No header can be added to a websocket; but a browser always says whose page asks.
        return None if "Origin" in visit.headers else Refused(status=403, message="A websocket by cookie alone must name its Origin.")
    if visit.method in READING:
        return None
    if not sessions.vouches(visit.cookie, visit.headers.get(XSRF_HEADER, "")):
        return Refused(status=403, message=f"A session that changes something must send the header {XSRF_HEADER}.")
    kind = visit.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind not in {"", "application/json"}:
        return Refused(status=403, message=f"A session that changes something must send JSON, not {kind[:100]!r}.")
    return None


def _is_opened(visit: Visit) -> bool:
    """Whether a person has followed a link: then the answer fills a window of its own."""
    headers = visit.headers
    return visit.method in READING and headers.get("Sec-Fetch-Mode") == "navigate" and headers.get("Sec-Fetch-Dest") == "document"


def _unknown(visit: Visit, rules: Rules) -> str:
    if visit.headers.get("Authorization") or visit.query_token:
        return f"The token is not the one of this gateway. {_WHERE}"
    return f"A token is needed: send the header 'Authorization: token ...', or sign in at the page {rules.base_url}login. {_WHERE}"


def _name_of(host: str) -> str:
    parts, _ = _split(f"//{host}")
    return (parts.hostname or "") if parts is not None and parts.netloc == host else ""


def _split(url: str) -> tuple[SplitResult | None, int | None]:
    try:
        parts = urlsplit(url)
        return parts, parts.port
    except ValueError:
        return None, None
