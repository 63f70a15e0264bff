"""What the KernelActor asks the AgentActor between questions: which contexts and which models there are."""

import msgspec

from beaker.messages.base import Event, Failure, Request


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """A tool or a procedure, as the model is told of it."""

    name: str
    """As the model calls it."""
    description: str
    """Its author's docstring on one line."""


class ContextFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A context that can be used."""

    name: str
    """As the user chooses it: the name of its entry point."""
    summary: str
    """The first line of its author's docstring; empty if there is none."""
    persona: str
    """What it tells the model to be, cut to 4,000 characters; empty if it says nothing."""
    tools: list[Described]
    """Its own, without beaker's."""
    procedures: list[Described]
    """Those for the session's language."""


class ListContexts(Request["ContextsListed"], frozen=True, kw_only=True, tag="context.list"):
    """Make the contexts and tell what they are."""

    language: str
    """The session's."""
    previewed: str = ""
    """The one that shall show what it sees in the session; empty: none."""


class ContextsListed(Event, frozen=True, kw_only=True, tag="context.listed"):
    """Answers ListContexts."""

    contexts: list[ContextFacts]
    """Those that can be used."""
    problems: dict[str, str]
    """By name, why a context that is installed cannot be used: sentences."""
    preview: str = ""
    """Markdown."""
    unseen: list[str] = []
    """Names of plugins that this agent does not import, as it is shared with other kernels; an agent of the kernel's own does."""


class ListModels(Request["ModelsListed"], frozen=True, kw_only=True, tag="model.list"):
    """Tell what answers, and what could."""


class ModelsListed(Event, frozen=True, kw_only=True, tag="model.listed"):
    """Answers ListModels."""

    endpoint: str
    """Its address without what may be secret in it, or `demo model`."""
    model: str
    """What answers as configured; empty: the first that is offered."""
    offered: list[str]
    """As the endpoint lists them; empty where it has no list."""
    problem: str = ""
    """Why there is no list: a sentence."""


class AgentFailure(Failure, frozen=True, kw_only=True, tag="agent.failure"):
    """What was asked could not be told; a sentence for the user."""

    reason: str
    """What is wrong with the endpoint or the settings, and the remedy."""
