"""The bytes of an endpoint's answers on their way to the SDK: bounded where they are read at once, watched where they stream.

Put in place of a response's own stream, before the SDK reads from it. It would read the whole of an error's body whatever its size.
"""

from collections.abc import AsyncIterator

import httpx2

from actors.agent.silence import SilenceWatch
from beaker.agent.event_lines import EventLines

ERROR_LIMIT_BYTES = 64 * 1024
"""Of the body of an error, of which a sentence is shown. The SDK and we copy such a body some twenty times."""

DOCUMENT_LIMIT_BYTES = 4 * 1024 * 1024
"""Of any other answer that is no stream: the longest list of models (OpenRouter's) has 600 kB."""


async def shorten(response: httpx2.Response) -> None:
    """Bound the answers that are read at once; the HTTP client calls this when their headers are there."""
    if response.status_code >= 400:
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
    """Passes the bytes of an answer on and lets the watch see them."""

    def __init__(self, inner: object, watch: SilenceWatch, lines: EventLines | None) -> None:
        self._inner = _asynchronous(inner)
        self._watch = watch
        self._lines = lines

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for data in self._inner:
            self._watch.sign()
            yield data if self._lines is None else self._lines.only_data(data)

    async def aclose(self) -> None:
        await self._inner.aclose()


def _asynchronous(body: object) -> httpx2.AsyncByteStream:
    if not isinstance(body, httpx2.AsyncByteStream):
        raise TypeError(f"the answer's body is {type(body).__name__}, which cannot be read asynchronously")
    return body
