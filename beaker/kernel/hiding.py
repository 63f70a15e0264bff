"""What of the session is hidden from the model: values that are secrets by their names, texts that are secrets by their looks.

What a model is shown goes to its endpoint, where it may be kept. So looks at variables, cells and outputs pass through here on their
way to the agent; what the user mentions in a question herself does not, but for beaker's own secrets. Two nets, because each has holes:
a name says nothing of a key within a text, and no pattern finds a password. What is in neither is shown: this guards against what
nobody meant to show, not against somebody who wants to.

Not `actors.runtime.redact`: in a log a word too many may go, in data `key` and `token` are ordinary columns.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from beaker.messages.look import VariableShown
from beaker.messages.turn import Variable, Variables

INSTEAD = "[hidden]"
HIDDEN = "hidden, because its name says that it is a secret"
HOW_TO_SHOW = "The user shows it to you, if she wants to, by mentioning it in a question herself: @{name}."

KNOWN_LENGTH = 8
"""The shortest secret that is looked for by its value: a shorter one is part of ordinary words."""
MARGIN = 4_000
"""Characters around a piece that are looked at with it: a secret at its edge is known only by its whole, and a private key is that long."""

_SECRET_WORDS = frozenset(
    {"password", "passwords", "passwd", "pwd", "passphrase", "passcode", "secret", "secrets", "credential", "credentials"}
)
_LAST_WORDS = frozenset({"token", "apikey", "apikeys", "bearer", "jwt"})
_KEYS_OF = frozenset({"api", "access", "private", "secret", "auth", "encryption", "signing", "account", "storage", "service", "license"})
_NO_SECRETS = frozenset({"file", "path", "dir", "folder", "name", "length", "len", "count", "hint", "policy", "url", "id", "ids", "type"})
"""What such a name ends with where it is about a secret and none itself."""
_TOKENS_OF = frozenset({"access", "api", "auth", "bearer", "bot", "refresh", "session"})
"""Without one of these in front `tokens` are those of a text."""
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")

_TEXTS = re.compile(
    r"\s*(?P<kind>(?:str|bytes|bytearray|list|tuple|dict|ordereddict|set|frozenset|chr|character|declare|string|substring|vector|map|array)\b"
    r"(?: of \d+ (?:characters|items))?)",
    re.IGNORECASE,
)
"""How a look begins at a value that is a text or holds some, in whichever language; numbers are counts, and frames and arrays are data."""

_NAMED = ("password", "passwd", "passphrase", "pwd", "secret", "token", "credential", "key")
"""Behind these words a text that is given to them is looked for; behind `key` only if it is a key to something."""
_KEY_OF = re.compile(r"(?:api|access|private|secret|auth|account)[_-]?\Z")
_GIVEN = re.compile(
    r"s?['\"]?\s{0,9}(?:\]\s{0,9})?[=:]\s{0,9}(?:"
    r"[rbfuRBFU]{0,2}(?P<quote>['\"])(?P<value>[^'\"\n]{4,})(?P=quote)"
    r"|[\[({](?P<values>[^\])}\n]{0,400}['\"][^\])}\n]*))"
)
"""A text, or a list or dict of texts, whose values are hidden together."""

_PATTERNS: tuple[tuple[tuple[str, ...], re.Pattern[str]], ...] = (
    (("sk-", "_live_", "_test_"), re.compile(r"\bsk-(?=[\w-]*\d)[\w-]{12,}|\b[spr]k_(?:live|test)_\w{10,}")),
    (
        ("gsk_", "hf_", "xai-", "gh", "glpat-", "npm_", "pypi-", "xox"),
        re.compile(r"\b(?:gsk_|hf_|xai-|gh[pousr]_|github_pat_|glpat-|npm_|pypi-)[\w-]{16,}|\bxox[abeprs]-[\w-]{10,}"),
    ),
    (
        ("akia", "asia", "aiza", "eyj"),
        re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bAIza[\w-]{30,}|\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*"),
    ),
    (
        ("-----begin",),
        re.compile(r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]{0,30}PRIVATE KEY-----|\Z)", re.DOTALL),
    ),
    (
        ("bearer ", "basic ", "token "),
        re.compile(r"\b(?:bearer|basic|token)\s{1,9}(?P<value>(?=[\w.~+/=-]*\d)[\w.~+/=-]{16,})", re.IGNORECASE),
    ),
    (("://",), re.compile(r"(?<=://)[^\s/:@'\"]{0,100}:(?P<value>[^\s/@'\"]{1,200})(?=@)")),
    (
        ("?", "&"),
        re.compile(r"[?&][\w-]{0,40}(?:password|passwd|secret|token|api[_-]?key|signature|sig)=(?P<value>[^\s&'\"]{6,})", re.IGNORECASE),
    ),
    (
        ("password", "passwd", "secret", "token", "key"),
        re.compile(
            r"^(?:export\s)?[A-Z0-9_]{0,60}(?:PASSWORD|PASSWD|SECRET|TOKEN|API_KEY|ACCESS_KEY)(?:_[A-Z0-9_]{0,60})?=(?P<value>[^\s()]{6,})$",
            re.MULTILINE,
        ),
    ),
    (("login ",), re.compile(r"\blogin\s\S{1,100}\spassword\s(?P<value>\S{1,200})")),
)
"""What one of the words must stand in a text for, in lower case, and what is hidden then: the group `value`, or all of it.

The words are there because a search for them costs a twentieth, and most texts have none. No pattern runs back further than a line.
"""


class Hiding:
    """Hides what one kernel knows to be secret, and what looks like it.

    Args:
        own: beaker's secrets of the day: the keys of connections. They are hidden even where the user mentions them.
        theirs: secrets of the user's that are known by their values.
    """

    def __init__(self, own: Callable[[], Iterable[str]], theirs: Iterable[str] = ()) -> None:
        self._own = own
        self._theirs = tuple(theirs)

    def text(self, text: str) -> str:
        """A text as the model may see it.

        >>> Hiding(lambda: ["0123456789"]).text("key 0123456789 of postgres://me:pw@host, password='hunter22'")
        "key [hidden] of postgres://me:[hidden]@host, password='[hidden]'"
        """
        return self.piece(text, 0, len(text))

    def piece(self, text: str, start: int, stop: int) -> str:
        """What the model may see of `text[start:stop]`; a secret that lies across an edge is hidden too."""
        low = max(start - MARGIN, 0)
        shown, at = "", start
        for begin, end in sorted(self._spans(text[low : stop + MARGIN])):
            begin, end = begin + low, end + low
            if end <= at or begin >= stop:
                continue
            if begin >= at:
                shown += text[at:begin] + INSTEAD
            elif not shown:  # it began before the piece; otherwise it overlaps with the one before
                shown = INSTEAD
            at = end
        return shown + text[at:stop]

    def own_taken_out(self, text: str) -> str:
        """A text that the user shows herself, without beaker's own secrets."""
        for secret in self._own():
            if len(secret) >= KNOWN_LENGTH:
                text = text.replace(secret, INSTEAD)
        return text

    def variables(self, seen: Variables) -> Variables:
        """A list of variables as the model may see it."""
        told = [Variable(name=each.name, type=each.type, summary=self._summary(each)) for each in seen.variables]
        return Variables(variables=told, note=seen.note, untrusted=seen.untrusted)

    def variable(self, seen: VariableShown) -> VariableShown:
        """One variable in detail as the model may see it."""
        if names_a_secret(seen.name) and (kind := _TEXTS.match(seen.text)):
            told = f"{kind['kind']}: {HIDDEN}. {HOW_TO_SHOW.format(name=seen.name)}"
            return VariableShown(name=seen.name, text=told, note=seen.note, untrusted=seen.untrusted)
        return VariableShown(name=seen.name, text=self.text(seen.text), note=seen.note, untrusted=seen.untrusted, line=self.text(seen.line))

    def _summary(self, seen: Variable) -> str:
        return HIDDEN if names_a_secret(seen.name) and _TEXTS.match(seen.type) else self.text(seen.summary)

    def _spans(self, text: str) -> Iterator[tuple[int, int]]:
        for secret in (*self._own(), *self._theirs):
            at = text.find(secret) if len(secret) >= KNOWN_LENGTH else -1
            while at >= 0:
                yield at, at + len(secret)
                at = text.find(secret, at + len(secret))
        low = text.replace("\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}", "I").lower()  # as long as the text: that one alone would grow
        for words, pattern in _PATTERNS:
            if any(word in low for word in words):
                group = "value" if "value" in pattern.groupindex else 0
                yield from (match.span(group) for match in pattern.finditer(text))
        yield from _given(text, low)


def _given(text: str, low: str) -> Iterator[tuple[int, int]]:
    """Texts that are given to names of secrets: `password="..."`, `"client_secret": "..."`."""
    for word in _NAMED:
        at = low.find(word)
        while at >= 0:
            end = at + len(word)
            alone = word != "key" or _KEY_OF.search(low, max(at - 9, 0), at)
            if alone and not low.startswith("tokens", at) and (match := _GIVEN.match(text, end)):
                yield match.span("value" if match["value"] is not None else "values")
            at = low.find(word, end)


def names_a_secret(name: str) -> bool:
    """Whether a variable of this name holds a secret, as far as the name tells.

    >>> [name for name in ("api_key", "dbPassword", "GITHUB_TOKEN", "token", "key", "tokens", "max_tokens", "token_count", "secret_path")
    ...     if names_a_secret(name)]
    ['api_key', 'dbPassword', 'GITHUB_TOKEN', 'token']
    """
    words = [word.lower() for word in _WORDS.findall(name)]
    if not words or words[-1] in _NO_SECRETS:
        return False
    if not _SECRET_WORDS.isdisjoint(words) or words[-1] in _LAST_WORDS:
        return True
    before = words[-2] if len(words) > 1 else ""
    return (words[-1] in {"key", "keys"} and before in _KEYS_OF) or (words[-1] == "tokens" and before in _TOKENS_OF)


def secrets_of(environment: Mapping[str, str]) -> list[str]:
    """The values of variables whose names say that they are secrets, paths left out."""
    found = {value for name, value in environment.items() if names_a_secret(name) and not value.startswith(("/", "~", "."))}
    return sorted((value for value in found if len(value) >= KNOWN_LENGTH), key=len, reverse=True)
