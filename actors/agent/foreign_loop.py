"""Runs foreign coroutines on a loop of their own, in a thread of its own: one that blocks holds up nobody but its like.

On the agent's own loop a single `requests.get` in an async tool would keep Stop, the text of the answer and the sign of life from
being sent. Why one loop for all calls and not one for each: what a context opened in one call, a client with its connections, it uses
in the next, and such things belong to a loop. Only a loop that does not answer any more is left to itself and replaced.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from actors.runtime.standstill import within
from beaker.agent.tools.session import Session
from beaker.messages.turn import Variable

R = TypeVar("R")

PING_S = 1.0
"""How long a loop may take to answer before the next call gets another: a healthy one needs less than a millisecond."""


class ForeignLoop:
    """The loop of foreign code.

    Args:
        ping_s: how long it may be silent.
    """

    def __init__(self, *, ping_s: float = PING_S) -> None:
        self._ping_s = ping_s
        self._loop: asyncio.AbstractEventLoop | None = None

    async def run(self, make: Callable[[], Awaitable[R]]) -> R:
        """Call a function there, and wait for what it gives; who gives up waiting cancels it.

        Raises:
            Exception: whatever it raised; RuntimeError for what would end a loop, such as KeyboardInterrupt.
        """
        return await _on(await self._answering(), _guarded(make))

    def close(self) -> None:
        """No call will come any more: the thread ends when what runs there lets it."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._loop = None

    async def _answering(self) -> asyncio.AbstractEventLoop:
        if self._loop is not None:
            try:
                async with within(self._ping_s):
                    await _on(self._loop, asyncio.sleep(0))
                return self._loop
            except TimeoutError:
                pass  # what holds it goes on alone
        loop = self._loop = asyncio.new_event_loop()
        threading.Thread(target=_run, args=(loop,), name="foreign-loop", daemon=True).start()
        return loop


class SessionFromThere(Session):
    """The session for code on another loop.

    Args:
        session: the real one, which lives on the loop on which this is made.
    """

    def __init__(self, session: Session) -> None:
        self.language = session.language
        self._session = session
        self._home = asyncio.get_running_loop()

    async def variables(self) -> list[Variable]:
        """See `Session.variables`."""
        return await _on(self._home, self._session.variables())

    async def use(self, tool: str, /, **arguments: object) -> str:
        """See `Session.use`."""
        return await _on(self._home, self._session.use(tool, **arguments))


def _run(loop: asyncio.AbstractEventLoop) -> None:
    loop.run_forever()
    loop.close()


async def _on(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, R]) -> R:  # Any: what it yields is asyncio's
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, loop))


async def _guarded(make: Callable[[], Awaitable[R]]) -> R:
    try:
        return await make()
    except (KeyboardInterrupt, SystemExit) as error:
        raise RuntimeError(f"{type(error).__name__}: {error}") from error
