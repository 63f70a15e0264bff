"""A scripted endpoint in a thread of the test, for tests that say what it answers and look at what it was asked."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tests.scripted.endpoint import ScriptedEndpoint
from tests.scripted.replies import Reply

KEY = "sk-canary-9876543210"


class Served:
    """An endpoint that is being served."""

    def __init__(self, script: Sequence[Reply]) -> None:
        self.endpoint = ScriptedEndpoint(script)
        self.loop = asyncio.new_event_loop()
        self._up = threading.Event()
        self._over = asyncio.Event()
        self._thread = threading.Thread(target=self.loop.run_until_complete, args=(self._serve(),))

    @property
    def env(self) -> dict[str, str]:
        """What points a kernel at it."""
        return {"OPENAI_BASE_URL": self.endpoint.base_url, "OPENAI_API_KEY": KEY, "BEAKER_MODEL": "scripted-1"}

    @property
    def asked(self) -> list[str]:
        """The requests so far, each as text."""
        return [str(request.body) for request in self.endpoint.requests]

    def results(self) -> list[str]:
        """What the model was told of its tool calls, as it stands in the newest request."""
        return [message["content"] for message in self.endpoint.requests[-1].body["messages"] if message["role"] == "tool"]

    def start(self) -> None:
        """Return once it has an address."""
        self._thread.start()
        assert self._up.wait(20)

    def stop(self) -> None:
        """End it."""
        self.loop.call_soon_threadsafe(self._over.set)
        self._thread.join(20)
        self.loop.close()

    async def _serve(self) -> None:
        async with self.endpoint:
            self._up.set()
            await self._over.wait()


@contextmanager
def served(script: Sequence[Reply]) -> Iterator[Served]:
    """Serve a script meanwhile."""
    made = Served(script)
    made.start()
    try:
        yield made
    finally:
        made.stop()
