"""`%beaker trust`: what the files of the notebook's folder would change, and the word that lets them.

Two steps, because a cell that came with the folder can type the command too: the first shows and gives a code that only this
kernel process knows and that holds for the files as they are shown; the second has to repeat it. Even then such files set only what is
harmless, see `beaker.settings.trust`.
"""

import msgspec

from beaker.kernel.commands.command import Command, Entry, Order, Refused
from beaker.kernel.commands.words import Table, Words, code, escaped
from beaker.settings.load import Loaded
from beaker.settings.schema import setting_names, value_of
from beaker.settings.shown import one_line, shown
from beaker.settings.trust import Trust

OFF = "off"


class ShowTrust(Order, frozen=True, kw_only=True):
    """Show what the folder's files want."""


class GiveTrust(Order, frozen=True, kw_only=True):
    """Trust them as they were shown."""

    code: str


class TakeTrustBack(Order, frozen=True, kw_only=True):
    """Trust them no more."""


def _read(words: list[str]) -> Order:
    if not words:
        return ShowTrust()
    if len(words) > 1:
        return Refused(reason=f"`%beaker trust` takes one word, the code that it showed or `{OFF}`, and there are {len(words)}.")
    return TakeTrustBack() if words[0] == OFF else GiveTrust(code=words[0])


TRUST = Command(
    "trust",
    Entry(
        "%beaker trust [CODE]",
        "what the files of this folder would change, and how to let them",
        "Settings in a `beaker.toml` or `.env` beside the notebook may only lower limits, because they may have come with somebody else's "
        "files. This shows what else they want and a code; `%beaker trust CODE` lets them, from the next start of a kernel on, until one "
        "of them changes; `%beaker trust off` takes it back. A key, an endpoint, the mode `auto`, higher limits and commands never come "
        "from a folder this way: for those, name it in your own `beaker.toml`, under `[trust]`.",
    ),
    _read,
    lambda words, values: () if words else (*values, OFF),
)


class TrustFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What `%beaker trust` has to tell."""

    folder: str
    """Empty: there is none any more."""
    files: list[str]
    """The names of those that are there."""
    trust: Trust
    """In them as they are now."""
    now: Loaded
    """Without that trust."""
    then: Loaded
    """With it."""
    code: str
    """Lets them."""


def trust_words(facts: TrustFacts) -> Words:
    """The text of `%beaker trust`."""
    if not facts.files:
        where = one_line(facts.folder) or "the folder of this kernel, which is gone,"
        return _both([f"There is nothing to trust: {where} holds neither a beaker.toml nor a .env."])
    names = " and ".join(facts.files)
    plain = [f"{one_line(facts.folder)} has a {names}."]
    markdown = [f"{code(facts.folder)} has a {' and '.join(map(code, facts.files))}."]
    changes = _changes(facts)
    if changes.rows:
        words = {"none": "Trusted, they would set:", "said": "You trust them as they are now, and they set:", "full": "They set:"}[
            facts.trust
        ]
        plain += [words, changes.plain()]
        markdown += [words, changes.markdown()]
    else:
        words = "Trust would change nothing." if facts.trust == "none" else "They change nothing."
        plain.append(words)
        markdown.append(words)
    left = [one_line(problem) for problem in facts.then.problems if problem.startswith(facts.folder)]
    if left:
        plain.append("\n".join(["Not even then:", *(f"  {problem}" for problem in left)]))
        markdown.append("\n".join(["Not even then:", "", *(f"- {escaped(problem)}" for problem in left)]))
    last, last_markdown = _what_to_type(facts, bool(changes.rows))
    return Words(plain="\n\n".join([*plain, last]).strip() + "\n", markdown="\n\n".join([*markdown, last_markdown]).strip() + "\n")


def given_words(folder: str) -> Words:
    """After the trust was given."""
    return _both([f"{one_line(folder)} is trusted as it is now. This holds from the next start of a kernel: restart it."])


def taken_words(folder: str, *, was_trusted: bool) -> Words:
    """After it was taken back."""
    if not was_trusted:
        return _both([f"{one_line(folder)} was not trusted by %beaker trust."])
    return _both([f"{one_line(folder)} is trusted no more. This holds from the next start of a kernel: restart it."])


def _what_to_type(facts: TrustFacts, changes: bool) -> tuple[str, str]:
    match facts.trust:
        case "full":
            words = f"Your own {one_line(facts.now.user_file)} names this folder under [trust], and there it can be taken back."
            return words, escaped(words)
        case "said":
            return "To take it back: %beaker trust off", f"To take it back: {code('%beaker trust off')}"
        case "none":
            typed = f"%beaker trust {facts.code}"
            return (f"To trust them as they are now: {typed}", f"To trust them as they are now: {code(typed)}") if changes else ("", "")


def _changes(facts: TrustFacts) -> Table:
    pairs = [(name, value_of(facts.now.settings, name), value_of(facts.then.settings, name)) for name in setting_names()]
    rows = [(name, shown(before), shown(after)) for name, before, after in pairs if before != after]
    return Table(columns=("setting", "without trust", "with trust"), rows=rows, code_columns=frozenset({0, 1, 2}))


def _both(sentences: list[str]) -> Words:
    return Words(plain="\n".join(sentences) + "\n", markdown="\n\n".join(map(escaped, sentences)) + "\n")
