"""A scripted endpoint in a thread of the test's process, for tests of real kernels that look at what it was asked."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tests.kit.ports import free_port
from tests.scripted.endpoint import ScriptedEndpoint
from tests.scripted.replies import Reply

KEY = "sk-canary-0123456789"
MODELS = ("scripted-1", "scripted-2")
"""What it lists: that which a kernel is pointed at, and another."""

PATIENCE_S = 40
"""Ends a hang."""


class ThreadedEndpoint:
    """The endpoint, and the loop on which it lives."""

    def __init__(self, script: Sequence[Reply]) -> None:
        # Not one that the system hands out: while this one is silenced, a connection of somebody else's could be given it.
        self.endpoint = ScriptedEndpoint(script, models=MODELS, port=free_port())
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="scripted-endpoint", daemon=True)

    @property
    def environment(self) -> dict[str, str]:
        """What points a kernel at it."""
        return environment_for(self.endpoint.base_url)

    @property
    def calls(self) -> int:
        """How many chat completions were asked for."""
        return len(self.endpoint.requests)

    @property
    def asked(self) -> list[str]:
        """The requests so far, each as text."""
        return [str(request.body) for request in self.endpoint.requests]

    def results(self) -> list[str]:
        """What the model was told of the tool calls for its newest question, as it stands in the newest request."""
        told: list[str] = []
        for message in self.endpoint.requests[-1].body["messages"]:
            if message["role"] == "user":
                told.clear()
            elif message["role"] == "tool":
                told.append(str(message["content"]))
        return told

    def follow(self, script: Sequence[Reply]) -> None:
        """Begin anew with another script."""

        async def begin() -> None:
            self.endpoint.follow(script)

        asyncio.run_coroutine_threadsafe(begin(), self._loop).result(PATIENCE_S)

    def release(self) -> None:
        """Let stalled answers go on."""
        self._loop.call_soon_threadsafe(self.endpoint.release)

    def wait_until_stalled(self) -> None:
        """Return once an answer has come to its stall."""
        asyncio.run_coroutine_threadsafe(self.endpoint.stalled(), self._loop).result(PATIENCE_S)

    @contextmanager
    def silenced(self) -> Iterator[None]:
        """Nobody listens for a while: connections to it are refused."""
        asyncio.run_coroutine_threadsafe(self.endpoint.__aexit__(None, None, None), self._loop).result(PATIENCE_S)
        try:
            yield
        finally:
            asyncio.run_coroutine_threadsafe(self.endpoint.__aenter__(), self._loop).result(PATIENCE_S)

    def start(self) -> None:
        """Serve."""
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.endpoint.__aenter__(), self._loop).result(PATIENCE_S)

    def stop(self) -> None:
        """Serve no more."""
        asyncio.run_coroutine_threadsafe(self.endpoint.__aexit__(None, None, None), self._loop).result(PATIENCE_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)
        self._loop.close()


def environment_for(base_url: str) -> dict[str, str]:
    """The variables that point a kernel at an endpoint."""
    return {"OPENAI_BASE_URL": base_url, "OPENAI_API_KEY": KEY, "BEAKER_MODEL": MODELS[0]}


@contextmanager
def serving(script: Sequence[Reply]) -> Iterator[ThreadedEndpoint]:
    """Serve a script as long as the block runs."""
    endpoint = ThreadedEndpoint(script)
    endpoint.start()
    try:
        yield endpoint
    finally:
        endpoint.stop()
