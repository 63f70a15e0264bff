"""The contexts that exist: entry points of the group `beaker_kernel.contexts`, made when they are first wanted.

A context that cannot be imported or made is a sentence that names it, and all others work.
"""

from collections.abc import Collection, Mapping

import msgspec

from beaker.agent.cutting import cut, sendable
from beaker.agent.prompts import PERSONA_LIMIT_CHARS
from beaker.agent.tools.built_in import BUILT_IN
from beaker.agent.tools.toolbox import AnyTool, Toolbox
from beaker.agent.turn_state import Surroundings
from beaker.contexts.context import Context, summary_of, tools_of
from beaker.contexts.places import Place
from beaker.contexts.procedure import ProcedureTool
from beaker.errors import unknown_name


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """A context that cannot be used."""

    reason: str
    """A sentence for the user."""


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """A context that was made."""

    name: str
    context: Context
    summary: str
    tools: tuple[AnyTool, ...]


class Shelf:
    """Holds the contexts that were made.

    Args:
        places: by name.
        left_out: names of those that ended the process that imported them.
    """

    def __init__(self, places: Mapping[str, Place], left_out: Collection[str] = ()) -> None:
        self._places = places
        self._left_out = left_out
        self._made: dict[str, Loaded | Missing] = {}

    @property
    def names(self) -> list[str]:
        """All that are installed, whether they can be used or not."""
        return list(self._places)

    def take(self, name: str) -> Loaded | Missing:
        """A context, made now if it was not yet."""
        if name not in self._places:
            return Missing(reason=unknown_name("a context", name, self._places))
        if name in self._left_out:
            return Missing(reason=_left_out_words(name, self._places[name]))
        if name not in self._made:
            self._made[name] = _make(name, self._places[name])
        return self._made[name]


def surroundings_of(loaded: Loaded, language: str) -> Surroundings | Missing:
    """What a context makes of a question in a session of that language."""
    try:
        tools = [*BUILT_IN.tools, *loaded.tools, *procedures_of(loaded, language)]
    except TypeError as error:
        return Missing(reason=f"The context {loaded.name!r} cannot be used: {error}.")
    names = [tool.name for tool in tools]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        return Missing(reason=f"The context {loaded.name!r} cannot be used: there are two tools {twice!r}.")
    return Surroundings(persona=cut(sendable(loaded.context.persona), PERSONA_LIMIT_CHARS), toolbox=Toolbox(tools))


def procedures_of(loaded: Loaded, language: str) -> list[ProcedureTool]:
    """The procedures that a context has in a language.

    Raises:
        TypeError: one of them is not well formed; the sentence says why.
    """
    known = language.lower()
    return [ProcedureTool(procedure, known) for procedure in loaded.context.procedures if known in procedure.code]


def _make(name: str, place: Place) -> Loaded | Missing:
    from importlib import import_module

    module, _, attribute = place.value.partition(":")
    try:
        made = getattr(import_module(module), attribute)()
        if not isinstance(made, Context):
            raise TypeError(f"{place.value} is no Context")
        if not isinstance(made.persona, str):  # pyright: ignore[reportUnnecessaryIsInstance]  # authors of contexts may not type
            raise TypeError(f"its persona is no text but {type(made.persona).__name__}")
        return Loaded(name=name, context=made, summary=sendable(summary_of(made)), tools=tuple(tools_of(made)))
    except (Exception, SystemExit) as error:  # noqa: BLE001 -- foreign code: any error of it is a sentence, none ends the agent
        return Missing(reason=cut(sendable(f"{_named(name, place)} cannot be used: {type(error).__name__}: {error}"), 1_000))


def _left_out_words(name: str, place: Place) -> str:
    return (
        f"{_named(name, place)} is left out: the agent's process ended while it was imported. When that is mended, "
        "`%beaker restart agent` brings it back; `%beaker context NAME` chooses another."
    )


def _named(name: str, place: Place) -> str:
    of = f" of {place.distribution}" if place.distribution else ""
    return f"The context {name!r}{of} ({place.value})"
