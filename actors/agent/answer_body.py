"""The bytes of an endpoint's answers on their way to the SDK: bounded where they are read at once, watched where they stream.

Put in place of a response's own stream, before the SDK reads from it. It would read the whole of an error's body whatever its size.
"""

from collections.abc import AsyncIterator

import httpx2

from actors.agent.silence import SilenceWatch
from beaker.agent.event_lines import EventLines
from beaker.errors import BeakerError

ERROR_LIMIT_BYTES = 64 * 1024
"""Of the body of an error, of which a sentence is shown. The SDK and we copy such a body some twenty times."""

DOCUMENT_LIMIT_BYTES = 4 * 1024 * 1024
"""Of any other answer that is no stream: the longest list of models (OpenRouter's) has 600 kB."""


EVENT_LIMIT_BYTES = 32_000_000
"""Of one event, which is held until its end has come: an answer of 20 MB may come in one piece."""

BEGINNING_BYTES = 2_000
"""Of what is no stream of events, for the words about it."""


class EventTooLong(BeakerError):
    """An event does not come to its end."""


async def shorten(response: httpx2.Response) -> None:
    """Bound the answers that are read at once; the HTTP client calls this when their headers are there."""
    if response.status_code >= 300 or response.headers.get("content-encoding"):  # what is compressed unfolds to a thousand times its size
        response.stream = _ShortBody(response.stream, ERROR_LIMIT_BYTES)
    elif "json" in response.headers.get("content-type", ""):
        response.stream = _ShortBody(response.stream, DOCUMENT_LIMIT_BYTES)


class _ShortBody(httpx2.AsyncByteStream):
    """Passes on the beginning of an answer's bytes."""

    def __init__(self, inner: object, limit_bytes: int) -> None:
        self._inner = _asynchronous(inner)
        self._room = limit_bytes

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for data in self._inner:
            yield data[: self._room]
            self._room -= len(data)
            if self._room <= 0:
                return

    async def aclose(self) -> None:
        await self._inner.aclose()


class WatchedBody(httpx2.AsyncByteStream):
    """Passes the bytes of an answer on and lets the watch see them.

    Iterating raises `EventTooLong` for an event without end.
    """

    def __init__(self, inner: object, watch: SilenceWatch, lines: EventLines) -> None:
        self._inner = _asynchronous(inner)
        self._watch = watch
        self._lines = lines
        self._beginning = b""

    @property
    def had_data(self) -> bool:
        """Whether there was any event; none in a web page, for example."""
        return self._lines.had_data

    @property
    def beginning(self) -> str:
        """Of all that came."""
        return self._beginning.decode(errors="replace")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for data in self._inner:
            self._watch.sign()
            if len(self._beginning) < BEGINNING_BYTES:
                self._beginning += data[:BEGINNING_BYTES]
            passed = self._lines.only_data(data)
            if self._lines.event_bytes > EVENT_LIMIT_BYTES:
                raise EventTooLong(f"an event of more than {EVENT_LIMIT_BYTES // 1_000_000} MB")
            yield passed

    async def aclose(self) -> None:
        await self._inner.aclose()


def _asynchronous(body: object) -> httpx2.AsyncByteStream:
    if not isinstance(body, httpx2.AsyncByteStream):
        raise TypeError(f"the answer's body is {type(body).__name__}, which cannot be read asynchronously")
    return body
