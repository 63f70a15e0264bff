"""`%beaker context [NAME]`: the ways to work that are installed, and the one of this kernel."""

from beaker.errors import unknown_name
from beaker.kernel.commands.command import Command, Entry, Order, Refused
from beaker.kernel.commands.words import Table, Words, escaped
from beaker.kernel.harmless import harmless, visible
from beaker.messages.context import ContextFacts, ContextsListed

DEFAULT = "default"


class ChooseContext(Order, frozen=True, kw_only=True):
    """Show the contexts, or set one."""

    name: str = ""
    """Empty: only show."""


def _read(words: list[str]) -> Order:
    if len(words) > 1:
        return Refused(reason=f"`%beaker context` takes the name of one context, and there is {' '.join(words)[:60]!r}.")
    return ChooseContext(name=words[0] if words else "")


CONTEXT = Command(
    "context",
    Entry(
        "%beaker context [NAME]",
        "the contexts there are; sets one: its persona, tools and procedures",
        "A context is a way to work: what the model is told, and what it can do beyond beaker's own tools. `%beaker context` lists them "
        "and shows the one that is set, with what it sees in the session; `%beaker context dataframes` sets another for the questions to "
        "come. Packages bring more: see the README.",
    ),
    _read,
)


def check_context(name: str, listed: ContextsListed) -> ContextFacts | Refused:
    """The context that is meant, or why it cannot be set."""
    for facts in listed.contexts:
        if facts.name == name:
            return facts
    if name in listed.problems:
        return Refused(reason=listed.problems[name])
    return Refused(reason=unknown_name("a context", name, [facts.name for facts in listed.contexts]))


def contexts_words(listed: ContextsListed, current: str) -> Words:
    """All of them, then the one that is set."""
    rows = [(facts.name, facts.summary, "set in this kernel" if facts.name == current else "") for facts in listed.contexts]
    table = Table(columns=("context", "for", ""), rows=rows, code_columns=frozenset({0}))
    parts = [Words(plain=table.plain(), markdown=table.markdown())]
    parts += [Words(plain=sentence, markdown=escaped(sentence)) for sentence in listed.problems.values()]
    parts += [context_words(facts, listed.preview) for facts in listed.contexts if facts.name == current]
    return _below(parts)


def context_words(facts: ContextFacts, preview: str) -> Words:
    """One context: what the model is told, what it can do, what it sees in the session."""
    parts = [Words(plain=f"{facts.name}: {facts.summary}", markdown=f"**{escaped(facts.name)}**: {escaped(facts.summary)}")]
    if facts.persona:
        lines = facts.persona.splitlines()
        parts.append(Words(plain=facts.persona, markdown="\n".join(f"> {escaped(line)}" for line in lines)))
    for title, what in (("tool", facts.tools), ("procedure", facts.procedures)):
        if what:
            table = Table(columns=(title, "what it does"), rows=[(one.name, one.description) for one in what], code_columns=frozenset({0}))
            parts.append(Words(plain=table.plain(), markdown=table.markdown()))
    if preview:
        parts.append(Words(plain=f"In this session:\n{visible(preview)}", markdown=f"In this session:\n\n{harmless(preview)}"))
    return _below(parts)


def _below(parts: list[Words]) -> Words:
    return Words(
        plain="\n\n".join(part.plain.strip() for part in parts) + "\n", markdown="\n\n".join(part.markdown.strip() for part in parts) + "\n"
    )
