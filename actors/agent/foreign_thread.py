"""Runs foreign code that may block for ever: in a thread of its own that nothing waits for when the process ends.

Why not `asyncio.to_thread`: its few threads also look names of hosts up, so a handful of hanging calls would cut the agent off from its
model; and a process waits for them before it ends.
"""

import asyncio
import contextvars
import threading
from collections.abc import Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


async def in_a_thread(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call a function that may block; who gives up waiting leaves it running.

    Raises:
        Exception: whatever it raised; RuntimeError for what would end a loop or cannot pass through one, such as KeyboardInterrupt.
    """
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[R] = loop.create_future()
    context = contextvars.copy_context()

    def settle(result: R | None, failure: Exception | None) -> None:
        if outcome.done():
            return  # nobody waits any more
        if failure is None:
            outcome.set_result(result)  # type: ignore[arg-type]  # None is then what the function gave
        else:
            outcome.set_exception(failure)

    def run() -> None:
        result: R | None = None
        failure: Exception | None = None
        try:
            result = context.run(function, *args, **kwargs)
        except StopIteration as error:
            failure = RuntimeError(f"StopIteration: {error}")
        except Exception as error:  # noqa: BLE001 -- foreign code; it is raised again where it was called
            failure = error
        except BaseException as error:  # noqa: BLE001 -- in a loop it would end the agent
            failure = RuntimeError(f"{type(error).__name__}: {error}")
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, result, failure)

    threading.Thread(target=run, name=f"foreign-{getattr(function, '__name__', 'call')}", daemon=True).start()
    return await outcome
