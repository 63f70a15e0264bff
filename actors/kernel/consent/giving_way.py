"""Prompts that give way: whatever is asked on stdin is asked no longer when the user has gone on with other cells for long enough.

JupyterLab sends none while a prompt stands, but another client of the kernel does, and so does the same page after a reload.
"""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from beaker.kernel.patience import LOOKS, Patience
from beaker.kernel.requests import Requests

T = TypeVar("T")


async def unless_others_go_on(
    hearing: Coroutine[Any, Any, T],  # Any: what it yields is asyncio's
    requests: Requests,
    *,
    since: float,
    waits_behind: Callable[[], bool],
    patience_s: float,
) -> T | None:
    """Wait for an answer.

    Args:
        hearing: asks, and gives the answer; it is cancelled where it gives way.
        requests: the cells that may stand behind the prompt.
        since: monotonic time from which on they do.
        waits_behind: whether another question does.
        patience_s: how long they may.

    Returns:
        The answer; None if it gave way.
    """
    task = asyncio.ensure_future(hearing)
    try:
        patience = Patience(since)
        while not (await asyncio.wait([task], timeout=patience_s / LOOKS))[0]:
            if patience.look(unanswered=requests.cells_since(since) + waits_behind(), last_came=requests.last_came, now=time.monotonic()):
                return None
        return task.result()
    finally:
        task.cancel()
