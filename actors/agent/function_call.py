"""Calls a function of a context, which may be slow, wait, or raise whatever it likes."""

import asyncio
import inspect

from actors.agent.foreign_loop import ForeignLoop, SessionFromThere
from actors.agent.foreign_thread import in_a_thread
from beaker.agent.cutting import cut, sendable
from beaker.agent.tools.function import FunctionTool, Performed
from beaker.agent.tools.session import Session, ToolFailed
from beaker.agent.tools.tool import Arguments
from beaker.messages.turn import TurnFailure

REASON_LIMIT_CHARS = 1_000
"""Of what an error says: some carry a whole page."""


async def call_function(tool: FunctionTool, arguments: Arguments, session: Session, loop: ForeignLoop) -> Performed | TurnFailure:
    """Call it; what goes wrong is a failure in words.

    A sync function runs in a thread, an async one on a loop of its own, so that neither holds anything up. What blocks cannot be ended
    from outside: one that takes too long goes on alone.

    Args:
        tool: whose function it is.
        arguments: as the model gave them.
        session: for a function that takes it.
        loop: for async ones.
    """
    limit = asyncio.timeout(tool.timeout_s)
    try:
        async with limit:
            if tool.is_async:
                there = SessionFromThere(session)
                result = await loop.run(lambda: _called(tool, arguments, there))
            else:
                result = await in_a_thread(tool.call, arguments, session)
        return tool.performed(result)
    except ToolFailed as refused:
        return TurnFailure(reason=sendable(str(refused)))
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        return TurnFailure(reason=f"{tool.name} failed: it was cancelled by itself")  # nobody else wanted it to end
    except (Exception, SystemExit, KeyboardInterrupt) as error:  # noqa: BLE001 -- foreign code: its errors are the model's to read, none ends the agent
        if isinstance(error, TimeoutError) and limit.expired():
            return TurnFailure(reason=f"{tool.name} took longer than {tool.timeout_s:g} s")
        said = cut(sendable(str(error)), REASON_LIMIT_CHARS)
        return TurnFailure(reason=f"{tool.name} failed: {type(error).__name__}{': ' if said else ''}{said}")


async def _called(tool: FunctionTool, arguments: Arguments, session: Session) -> object:
    result = tool.call(arguments, session)
    return await result if inspect.isawaitable(result) else result
