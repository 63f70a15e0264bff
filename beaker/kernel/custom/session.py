"""`context_info`, `context_setup` and `set_agent_model`: what answers here, with which persona and tools; and another choice.

The replies describe themselves: an interface needs no list of contexts, tools or messages of its own.
"""

import msgspec

from beaker.agent.tools.built_in import BUILT_IN
from beaker.errors import unknown_name
from beaker.kernel.commands.command import Refused
from beaker.kernel.commands.model import NAME_LIMIT_CHARS
from beaker.kernel.custom.kinds import OURS
from beaker.kernel.custom.reading import read
from beaker.kernel.custom.replies import Ok
from beaker.kernel.harmless import harmless, visible
from beaker.kernel.question import MODES
from beaker.messages.context import ContextFacts, ContextsListed

PROVIDERS = ("openai",)
"""Whoever's the endpoint is, it is spoken to as OpenAI's; upstream's clients name a provider."""


class ContextSetup(msgspec.Struct, frozen=True, kw_only=True):
    """The content of `context_setup_request`."""

    context: str | None = None
    """Its name; null: the one that is set."""
    context_info: dict[str, object] | None = None
    """Upstream's contexts take a configuration; ours take none, and this must be empty."""
    language: str | None = None
    """Must be the session's, if it is given: the language of a kernel is chosen when it is started."""


class ModelConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What we read of upstream's `model_config`."""

    model_name: str | None = None


class SetAgentModel(msgspec.Struct, frozen=True, kw_only=True):
    """The content of `set_agent_model`."""

    model: str | None = None
    """A name at the endpoint; empty or null, and no `model_config`: as configured."""
    model_config: ModelConfig | None = None
    provider_id: str | None = None
    """`openai`, if it is given."""


class Language(msgspec.Struct, frozen=True, kw_only=True):
    """What runs the cells."""

    slug: str
    """The language, as its kernel names it."""
    subkernel: str
    """Its kernelspec."""


class Agent(msgspec.Struct, frozen=True, kw_only=True):
    """What answers."""

    name: str
    model: str
    """As it was chosen by a message or by `%beaker model`; empty: as configured."""
    tools: dict[str, str]
    """Everything that the model may call, with its description: beaker's own tools and those of the context."""
    agent_prompt: str
    """The context's persona; it stands below beaker's own instructions."""


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """A request that an interface may offer as a button."""

    docs: str
    default_payload: str = "{}"


class SessionInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What an interface can know of a kernel: upstream's `get_info`."""

    language: str
    subkernel: str
    agent: Agent
    contexts: dict[str, str]
    """All that can be set, with a line on each."""
    problems: dict[str, str]
    """Why a context that is installed cannot be used."""
    procedures: list[str]
    """Pieces of code that the context offers in the session's language."""
    modes: tuple[str, ...]
    """What `mode` of `llm_request` may be."""
    actions: dict[str, Action]
    custom_messages: list[str]
    """The requests that are answered here, beyond Jupyter's."""
    workflow_info: None = None
    debug: bool = False
    verbose: bool = False


class ContextInfo(msgspec.Struct, frozen=True, kw_only=True):
    """The content of `context_info_response`."""

    slug: str
    """The context that is set."""
    name: str
    """The line that describes it."""
    language: Language
    info: SessionInfo
    config: dict[str, str] = {}
    kind: str = msgspec.field(name="class", default="")


class ContextReply(Ok, frozen=True, kw_only=True):
    """`context_info_reply` and `context_setup_reply`."""

    slug: str
    """The context that is set."""
    language: Language
    returned: SessionInfo = msgspec.field(name="return")


class SetModelReply(Ok, frozen=True, kw_only=True):
    """`set_agent_model_reply`."""

    model: str
    """What answers the questions to come; empty: as configured."""
    words: str
    """The same as a sentence, or that the endpoint could not be asked for the name."""
    offered: list[str]
    """What the endpoint lists, as far as it was asked."""


ACTIONS = {
    "get_agent_history": Action(docs="The conversation so far."),
    "get_subkernel_state": Action(docs="What the session holds, looked at without running code that it would notice."),
    "reset": Action(docs="Forget the conversation; variables stay."),
}


def read_setup(content: bytes, language: Language) -> ContextSetup | Refused:
    """What is to be set up, or why it cannot be.

    Args:
        language: of the session.
    """
    setup = read(content, ContextSetup, msg_type="context_setup_request")
    if isinstance(setup, Refused):
        return setup
    if setup.context_info:
        given = ", ".join(setup.context_info)[:60]
        return Refused(reason=f"A context takes no configuration, and `context_info` holds {given}.")
    wanted = (setup.language or "").lower()
    if wanted and wanted != language.subkernel.lower() and not wanted.startswith(language.slug.lower()):
        known = f"it runs {language.slug} in the subkernel {language.subkernel}"
        return Refused(
            reason=f"This kernel's language cannot be changed to {setup.language!r:.60}: {known}. Start a kernel of that language."
        )
    return setup


def read_model(content: bytes) -> str | Refused:
    """Which model is to answer, or why it cannot be set; the empty text for the configured one."""
    wanted = read(content, SetAgentModel, msg_type="set_agent_model")
    if isinstance(wanted, Refused):
        return wanted
    if wanted.provider_id and wanted.provider_id.lower() not in PROVIDERS:
        sentence = unknown_name("a provider", wanted.provider_id[:60], PROVIDERS)
        return Refused(reason=f"{sentence} Another endpoint is set by OPENAI_BASE_URL or `agent.base_url`, not by a message.")
    name = wanted.model or (wanted.model_config.model_name if wanted.model_config else None) or ""
    if len(name) > NAME_LIMIT_CHARS or not name.isprintable():
        return Refused(reason=f"{name[:60]!r} is no name of a model.")
    return name


def session_info(facts: ContextFacts | None, listed: ContextsListed, language: Language, model: str) -> SessionInfo:
    """What an interface can know.

    Args:
        facts: of the context that is set; None if it cannot be used any more.
        listed: all contexts.
        model: as it was chosen; empty for the configured one.
    """
    own = {each["function"]["name"]: each["function"]["description"] for each in BUILT_IN.definitions()}
    more = {} if facts is None else {each.name: each.description for each in facts.tools}
    return SessionInfo(
        language=language.slug,
        subkernel=language.subkernel,
        agent=Agent(name="beaker", model=model, tools={**own, **more}, agent_prompt="" if facts is None else facts.persona),
        contexts={each.name: each.summary for each in listed.contexts},
        problems=listed.problems,
        procedures=[] if facts is None else [each.name for each in facts.procedures],
        modes=MODES,
        actions=ACTIONS,
        custom_messages=sorted(OURS),
    )


def preview(context: str, markdown: str) -> dict[str, dict[str, dict[str, str]]]:
    """The content of `preview`: by kind, name and MIME type."""
    return {"Context": {context: {"text/markdown": harmless(markdown), "text/plain": visible(markdown)}}}
