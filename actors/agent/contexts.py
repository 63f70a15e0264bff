"""The contexts of one agent: made when they are wanted, listed for the user, put around a question.

A plugin is imported in a thread: it may load half of the scientific stack, and the agent has to answer meanwhile.
"""

import asyncio

from actors.agent.foreign_loop import ForeignLoop, SessionFromThere
from actors.agent.foreign_thread import in_a_thread
from actors.agent.function_call import REASON_LIMIT_CHARS
from actors.agent.kernel_session import NO_TURN, KernelSession
from actors.runtime.ref import Ref
from beaker.agent.cutting import cut, sendable
from beaker.agent.tools.tool import Asking
from beaker.agent.tools.toolbox import AnyTool
from beaker.agent.turn_state import PLAIN, Surroundings
from beaker.contexts.import_marks import ImportMarks
from beaker.contexts.places import DEFAULT, find_places, is_ours
from beaker.contexts.shelf import Loaded, Missing, Shelf, procedures_of, surroundings_of
from beaker.messages.context import ContextFacts, ContextsListed, Described, ListContexts
from beaker.messages.kernel import KernelMessage

PREVIEW_TIMEOUT_S = 8.0
"""A preview looks a few times at most, a second each."""

PREVIEW_LIMIT_CHARS = 20_000
"""Of one preview: some screens of it, a fiftieth of what fits into a message between processes."""
PERSONA_LIMIT_CHARS = 4_000
"""Of a persona in the list; the model is told it whole."""


LOAD_TIMEOUT_S = 20.0
"""For one context, from when it was first wanted: the largest libraries take ten seconds from a cold disk."""


UNSEEN = "It is a plugin's, which is not loaded while a question is being answered. Ask again when that is over."


class Contexts:
    """Holds the shelf.

    Args:
        kernel: whose session previews look at.
        shelf: the contexts; what is installed, looked up when it is first wanted, if none is given.
        marks: what says which is being imported; none if nobody would read them.
        shared: other conversations are held by this process: what is not ours is neither imported nor run.
        load_timeout_s: how long one may take to be imported and made.
    """

    def __init__(
        self,
        kernel: Ref[KernelMessage],
        shelf: Shelf | None = None,
        *,
        marks: ImportMarks | None = None,
        shared: bool = False,
        load_timeout_s: float = LOAD_TIMEOUT_S,
    ) -> None:
        self.loop = ForeignLoop()
        """Where their async functions run."""
        self._marks = marks
        self._shared = shared
        self._unseen: list[str] = []
        """Names of plugins that a shared process leaves alone."""
        self._kernel = kernel
        self._load_timeout_s = load_timeout_s
        self._shelf = shelf
        self._taking: dict[str, tuple[asyncio.Task[Loaded | Missing], float]] = {}
        """By name, one thread each: two must not make one context twice, and one that hangs holds up no other.

        With the loop's time at which nobody waits for it any more."""

    async def surroundings(self, name: str, language: str) -> Surroundings | Missing:
        """What a context makes of a question."""
        if name in ("", DEFAULT):
            return PLAIN
        if self._shared and not is_ours(name):
            return Missing(reason=f"The context {name!r} is a plugin's, and this agent is shared with other kernels. Ask again.")
        loaded = await self._take(name)
        return loaded if isinstance(loaded, Missing) else surroundings_of(loaded, language)

    async def list(self, wanted: ListContexts) -> ContextsListed:
        """All contexts as they can be used in a session of that language."""
        facts: list[ContextFacts] = []
        problems: dict[str, str] = {}
        preview = ""
        for name in (await self._opened()).names:
            loaded = await self._take(name)
            around = loaded if isinstance(loaded, Missing) else surroundings_of(loaded, wanted.language)
            if isinstance(loaded, Missing) or isinstance(around, Missing):
                problems[name] = around.reason if isinstance(around, Missing) else ""
                continue
            facts.append(_facts(loaded, wanted.language))
            if name == wanted.previewed:
                preview = await self._preview(loaded, wanted.language)
        problems.update(dict.fromkeys(self._unseen, UNSEEN))
        return ContextsListed(contexts=facts, problems=problems, preview=preview, unseen=self._unseen)

    def close(self) -> None:
        """The agent leaves by itself."""
        if self._shared:  # which goes on without it
            self.loop.close()
        if self._marks is not None:
            self._marks.close()

    async def _preview(self, loaded: Loaded, language: str) -> str:
        session = KernelSession(self._kernel, Asking(turn=NO_TURN, language=language))
        try:
            async with asyncio.timeout(PREVIEW_TIMEOUT_S):
                there = SessionFromThere(session)
                return cut(sendable(str(await self.loop.run(lambda: loaded.context.preview(there)))), PREVIEW_LIMIT_CHARS)
        except (Exception, SystemExit, KeyboardInterrupt) as error:  # noqa: BLE001 -- foreign code: its errors are words below the context
            said = cut(sendable(str(error)), REASON_LIMIT_CHARS) or type(error).__name__
            return f"There is no preview: {said}."

    async def _take(self, name: str) -> Loaded | Missing:
        shelf = await self._opened()
        loop = asyncio.get_running_loop()
        if name not in self._taking:
            task = asyncio.create_task(in_a_thread(self._take_marked, shelf, name), name=f"context-{name}")
            self._taking[name] = (task, loop.time() + self._load_timeout_s)
        task, until = self._taking[name]
        await asyncio.wait([task], timeout=max(until - loop.time(), 0))
        if not task.done():
            words = f"The context {name!r} cannot be used yet: it has been loading for more than {self._load_timeout_s:g} s."
            return Missing(reason=words)
        return task.result()

    def _take_marked(self, shelf: Shelf, name: str) -> Loaded | Missing:
        if self._marks is None or name in self._marks.left_behind:
            return shelf.take(name)
        with self._marks.around(name):
            return shelf.take(name)

    async def _opened(self) -> Shelf:
        if self._shelf is None:
            left_out = frozenset[str]() if self._marks is None else self._marks.left_behind
            places = await asyncio.to_thread(find_places)
            if self._shared:
                self._unseen = [name for name in places if not is_ours(name)]
                places = {name: place for name, place in places.items() if is_ours(name)}
            self._shelf = Shelf(places, left_out)
        return self._shelf


def _facts(loaded: Loaded, language: str) -> ContextFacts:
    return ContextFacts(
        name=loaded.name,
        summary=loaded.summary,
        persona=cut(sendable(loaded.context.persona), PERSONA_LIMIT_CHARS),
        tools=[_described(tool) for tool in loaded.tools],
        procedures=[_described(tool) for tool in procedures_of(loaded, language)],
    )


def _described(tool: AnyTool) -> Described:
    return Described(name=tool.name, description=sendable(" ".join((tool.arguments.__doc__ or "").split())))
