"""The loop on which functions of contexts run: kept while it is healthy, also where the whole process stood still."""

import asyncio
import threading
import time

from actors.agent.foreign_loop import ForeignLoop
from actors.runtime.kit import turn_loop

PING_S = 0.3


async def own_loop() -> int:
    return id(asyncio.get_running_loop())


async def test_a_loop_that_is_late_because_the_whole_process_stood_still_is_kept() -> None:
    foreign, let_go = ForeignLoop(ping_s=PING_S), threading.Event()

    async def held() -> None:
        let_go.wait(20)

    kept = await foreign.run(own_loop)
    holding = asyncio.create_task(foreign.run(held))
    await turn_loop()
    asked = asyncio.create_task(foreign.run(own_loop))
    await turn_loop()
    time.sleep(PING_S + 0.05)  # noqa: ASYNC251 -- this loop stands still, and so does the other
    await turn_loop()
    let_go.set()
    assert await asked == kept
    await holding
    foreign.close()


async def test_a_loop_that_something_holds_is_left_to_itself() -> None:
    foreign, let_go = ForeignLoop(ping_s=0.01), threading.Event()

    async def held() -> int:
        let_go.wait(20)
        return await own_loop()

    holding = asyncio.create_task(foreign.run(held))
    await turn_loop()
    other = await foreign.run(own_loop)
    let_go.set()
    assert await holding != other
    foreign.close()
