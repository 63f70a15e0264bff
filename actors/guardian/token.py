"""Which token clients must show: one that was given, or one that is made for this start."""

import secrets
from collections.abc import Mapping
from typing import Final

import msgspec

from actors.guardian.settling import Secrets
from beaker.errors import BeakerError
from beaker.gateway.environment import NAMES
from beaker.settings.env_file import parse_env
from beaker.settings.gateway import GatewaySettings
from beaker.settings.key import is_usable
from beaker.settings.key_file import NoKey, read_key_file
from beaker.settings.key_wishes import TOKEN_VARIABLE, env_place
from beaker.settings.origin import Kind, Origin
from beaker.settings.reading import FileUnreadable, read_text

TOKEN_BYTES: Final = 32
"""Of one that we make: nobody guesses it."""
TOKEN_LENGTH: Final = 8
"""The shortest that may be given. Logs and cells' variables are kept free of it wherever it stands, which a short word does by chance."""


_NEAREST_FIRST: Final[tuple[Kind, ...]] = ("command line", "environment", "env file", "user file")
"""The places of settings, the one first that overrides all others."""


class NoToken(BeakerError):
    """What was given is none; the sentence says where it stands, and never the value."""


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """What clients must show."""

    value: str | None
    """None: nothing."""
    is_new: bool = False
    """Made for this start, so that nobody knows it who is not told."""
    from_file: bool = False
    """It stands in the file that `token_file` names."""

    def __repr__(self) -> str:
        """Everything but the secret."""
        return f"Token(is_new={self.is_new!r})"


def choose_token(settings: GatewaySettings, secrets_found: Secrets, environment: Mapping[str, str], origins: Mapping[str, Origin]) -> Token:
    """The token of this start: what the nearest place says that says anything, or a new one.

    A place says a token, a file that holds one, or that none is asked for; where it says a token and a file, the token holds.

    Args:
        origins: where settings of the gateway were set.

    Raises:
        NoToken: what was given cannot be one, stands where everybody reads it, or stands beside the word that there is none.
    """
    for kind in _NEAREST_FIRST:
        place, given = _said(kind, secrets_found, environment)
        from_file = given is None and bool(settings.token_file) and _is_set("token_file", kind, origins)
        if from_file:
            place, given = settings.token_file, _read(settings.token_file, environment)
        is_refused = settings.no_token and _is_set("no_token", kind, origins)
        if given is not None and is_refused:
            raise NoToken("There is a token, and --no-token says that none is asked for: leave out one of the two.")
        if given is not None:
            return Token(value=_checked(given, place, environment), from_file=from_file)
        if is_refused:
            return Token(value=None)
    return Token(value=secrets.token_urlsafe(TOKEN_BYTES), is_new=True)


def _is_set(name: str, kind: Kind, origins: Mapping[str, Origin]) -> bool:
    origin = origins.get(f"gateway.{name}")
    return origin is not None and origin.kind == kind


def _said(kind: Kind, secrets_found: Secrets, environment: Mapping[str, str]) -> tuple[str, str | None]:
    """A token that stands at such a place itself, and how that is called."""
    match kind:
        case "command line":
            return "--token", secrets_found.token if secrets_found.token_was_shown else None
        case "environment":
            return TOKEN_VARIABLE, None if secrets_found.token_was_shown else secrets_found.token
        case "env file":
            return _of_env_file(environment)
        case _:
            return "", None


def _read(path: str, environment: Mapping[str, str]) -> str:
    try:
        return read_key_file(path, environment).strip()
    except NoKey as refused:
        raise NoToken(f"--token-file gives no token: {refused}.") from None


def _checked(given: str, place: str, environment: Mapping[str, str]) -> str:
    if not given.strip():
        raise NoToken(f"{place} is empty: a token is one word; leave it out for a new one at each start, or say --no-token for none.")
    if not is_usable(given):
        raise NoToken(f"{place}: a token is one word of ASCII characters and nothing else; to ask for none, say --no-token.")
    if len(given) < TOKEN_LENGTH:
        raise NoToken(f"{place}: a token has {TOKEN_LENGTH} characters at least, as whoever guesses it can run code as you.")
    # A cell gets no variable that holds the token, and cannot do without these.
    if shown := sorted(name for name in NAMES if given in environment.get(name, "")):
        raise NoToken(f"{place}: this token is a part of the variable {shown[0]}, which all your processes have; choose another.")
    return given


def _of_env_file(environment: Mapping[str, str]) -> tuple[str, str | None]:
    place = env_place(environment, None)
    if place is None:
        return "", None
    try:
        values = parse_env(read_text(place.path) or "").values
    except FileUnreadable:
        return "", None  # said by `beaker.settings.load`
    return f"{place.path}: {TOKEN_VARIABLE}", values.get(TOKEN_VARIABLE, "").strip() or None
