"""Takes secrets out of what is about to be logged: by the name of a key, and by the look of a value.

Pure. Two nets because each has holes: a name says nothing about a key inside a URL, and no pattern finds a password.
Known secrets are registered as they are found and are then replaced wherever they stand.
"""

import re
from functools import lru_cache
from typing import Final

from actors.runtime.fingerprint import Fingerprint

REDACTED: Final = "[redacted]"

KNOWN_LENGTH: Final = 6
"""The shortest value that is registered: replacing a shorter one everywhere would garble ordinary words."""

DEPTH_LIMIT: Final = 8
"""How deep nested values are looked into; deeper is replaced by its type's name."""

_NAME = re.compile(r"key|token|secret|password|passwd|passphrase|credential|authorization|cookie|referer", re.IGNORECASE)
_HARMLESS: Final = frozenset({"key_path", "max_tokens", "token_count", "keys"})

_VALUES: Final = (
    (re.compile(r"\b(?:sk|pk|rk|gsk|xai|hf)[-_][A-Za-z0-9_\-]{6,}"), REDACTED),  # as providers' keys begin
    (re.compile(r"\b(bearer)\s+[A-Za-z0-9._~+/=\-]{6,}", re.IGNORECASE), rf"\1 {REDACTED}"),
    (re.compile(r"(?<=://)[^/\s@'\"]+@"), f"{REDACTED}@"),
    (
        re.compile(
            r"\b((?:[a-z0-9]+[_\-])*(?:token|key|secret|password|passwd|signature))(['\"]?\s*[=:]\s*['\"]?)[^\s&'\",;)}\]]+",
            re.IGNORECASE,
        ),
        rf"\1\2{REDACTED}",
    ),
)

_SUSPECT = re.compile(r"\b(?:sk|pk|rk|gsk|xai|hf)[-_]|bearer|[:=]", re.IGNORECASE)
"""What stands in every text that one of the patterns could match: most values of a log line are spared the four of them."""

SHORT: Final = 40
"""Characters of a value that is remembered: ids, states, names of events, which stand on line after line."""
NAMES_REMEMBERED: Final = 1000
"""Of names and whether they are a secret's: the program has some hundred, and hostile ones must not pile up."""


@lru_cache(NAMES_REMEMBERED)
def _names_a_secret(name: str) -> bool:
    return name not in _HARMLESS and _NAME.search(name) is not None


class Redactor:
    """Redacts values; knows the secrets that it was told.

    Example:
        >>> redactor = Redactor()
        >>> redactor.add("hunter22")
        >>> redactor.value({"url": "http://me:pw@host/?token=abc", "api_key": "x", "note": "it is hunter22"})
        {'url': 'http://[redacted]@host/?token=[redacted]', 'api_key': '[redacted]', 'note': 'it is [redacted]'}
    """

    def __init__(self) -> None:
        self._known: list[str] = []
        self._prints: list[Fingerprint] = []
        self._names: dict[str, str] = {}
        """What became of names, with the secrets that are known now."""
        self._harmless: set[str] = set()
        """Short values in which nothing was found."""

    def add(self, secret: str) -> None:
        """Register a secret; longer ones are replaced first, so that one inside another leaves nothing."""
        if len(secret) >= KNOWN_LENGTH and secret not in self._known:
            self._known.append(secret)
            self._known.sort(key=len, reverse=True)
            self._names.clear()
            self._harmless.clear()

    def add_fingerprint(self, known: Fingerprint) -> None:
        """Register a secret that this process must not have."""
        if known.length >= KNOWN_LENGTH:
            self._prints.append(known)
            self._names.clear()
            self._harmless.clear()

    def name(self, name: str) -> str:
        """Redact the name of a value, as `text` does; what became of it is remembered, since the same ones stand on every line."""
        known = self._names.get(name)
        if known is None:
            known = self.text(name)
            if len(self._names) < NAMES_REMEMBERED:
                self._names[name] = known
        return known

    def text(self, text: str) -> str:
        """Redact a string."""
        if text in self._harmless:
            return text
        given = text
        for secret in self._known:
            if secret in text:
                text = text.replace(secret, REDACTED)
        for known in self._prints:
            text = known.hide(text, REDACTED)
        if not _SUSPECT.search(text):
            if text is given and len(text) <= SHORT:
                if len(self._harmless) >= NAMES_REMEMBERED:
                    self._harmless.clear()
                self._harmless.add(text)
            return text
        for pattern, replacement in _VALUES:
            text = pattern.sub(replacement, text)
        return text

    def value(self, value: object, depth: int = 0) -> object:
        """Redact any value, and turn what JSON has no word for into a string."""
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, str):
            return self.text(value)
        if depth >= DEPTH_LIMIT:
            return f"<{type(value).__name__}>"
        if isinstance(value, dict):
            pairs: list[tuple[object, object]] = list(value.items())  # pyright: ignore[reportUnknownArgumentType, reportUnknownMemberType] - what a dict holds is what this looks at
            return {self.text(str(name)): self.named(str(name), inner, depth + 1) for name, inner in pairs}
        if isinstance(value, list | tuple | set | frozenset):
            items: list[object] = list(value)  # pyright: ignore[reportUnknownArgumentType] - as above
            return [self.value(inner, depth + 1) for inner in items]
        if isinstance(value, bytes | bytearray):
            return f"<{len(value)} bytes>"
        return self.text(repr(value))

    def named(self, name: str, value: object, depth: int = 0) -> object:
        """Redact the value of a name. Numbers are counts and limits, never secrets."""
        if value is None or isinstance(value, bool | int | float):
            return value
        if _names_a_secret(name):
            return REDACTED
        return self.value(value, depth)
