"""A scripted endpoint beside a blocking test, in a thread with a loop of its own; what it was asked can be looked at."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tests.scripted.endpoint import ScriptedEndpoint
from tests.scripted.replies import Reply


@contextmanager
def endpoint_beside(script: Sequence[Reply]) -> Iterator[ScriptedEndpoint]:
    """Serve a script while the test goes on."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="scripted endpoint")
    thread.start()

    async def make() -> ScriptedEndpoint:
        return await ScriptedEndpoint(script).__aenter__()

    try:
        endpoint = asyncio.run_coroutine_threadsafe(make(), loop).result(30)
        yield endpoint
        asyncio.run_coroutine_threadsafe(endpoint.__aexit__(None, None, None), loop).result(30)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
        loop.close()
