"""Time that passes at once for the loop of a test: what was to happen later is due, as after a machine has stood still."""

import asyncio

from actors.runtime.kit import turn_loop


async def pass_s(seconds: float) -> None:
    """Let so much time pass, and what is due by then happen. What that puts off again needs more time to pass.

    Waits with a limit that are under way are over too: there must be none.
    """
    loop = asyncio.get_running_loop()
    before = loop.time
    loop.time = lambda: before() + seconds  # type: ignore[method-assign]  # each test has a loop of its own
    await turn_loop()
