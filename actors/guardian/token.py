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
from beaker.settings.reading import FileUnreadable, read_text

TOKEN_BYTES: Final = 32
"""Of one that we make: nobody guesses it."""
TOKEN_LENGTH: Final = 8
"""The shortest that may be given. Logs and cells' variables are kept free of it wherever it stands, which a short word does by chance."""


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


def choose_token(settings: GatewaySettings, secrets_found: Secrets, environment: Mapping[str, str]) -> Token:
    """The token of this start: from the command line, the environment, the file that BEAKER_ENV_FILE names, `token_file`, or new.

    Raises:
        NoToken: what was given cannot be one, or stands where everybody reads it.
    """
    place, given = "--token" if secrets_found.token_was_shown else TOKEN_VARIABLE, secrets_found.token
    if given is None:
        place, given = _of_env_file(environment)
    if given is None and settings.token_file:
        place = settings.token_file
        try:
            given = read_key_file(settings.token_file, environment).strip()
        except NoKey as refused:
            raise NoToken(f"--token-file gives no token: {refused}.") from None
    if given is not None:
        if not given or not is_usable(given):
            raise NoToken(f"{place}: a token is one word of ASCII characters and nothing else; to ask for none, say --no-token.")
        if len(given) < TOKEN_LENGTH:
            raise NoToken(f"{place}: a token has {TOKEN_LENGTH} characters at least, as whoever guesses it can run code as you.")
        # A cell gets no variable that holds the token, and cannot do without these.
        if shown := sorted(name for name in NAMES if given in environment.get(name, "")):
            raise NoToken(f"{place}: this token is a part of the variable {shown[0]}, which all your processes have; choose another.")
        return Token(value=given, from_file=bool(settings.token_file) and place == settings.token_file)
    return Token(value=None) if settings.no_token else Token(value=secrets.token_urlsafe(TOKEN_BYTES), is_new=True)


def _of_env_file(environment: Mapping[str, str]) -> tuple[str, str | None]:
    place = env_place(environment, None)
    if place is None:
        return "", None
    try:
        values = parse_env(read_text(place.path) or "").values
    except FileUnreadable:
        return "", None  # said by `beaker.settings.load`
    return f"{place.path}: {TOKEN_VARIABLE}", values.get(TOKEN_VARIABLE, "").strip() or None
