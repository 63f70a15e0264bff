"""Carries the SDK's requests to the demo model within this process: an HTTP transport without a port.

The demo model thereby runs behind the same client, the same stream and the same checks as every endpoint.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator

import httpx2
import msgspec

from beaker.agent.demo_wire import decode_request, error_body, model_list, reply_events


class DemoTransport(httpx2.AsyncBaseTransport):
    """Answers what an endpoint would be asked.

    Args:
        hint: what is missing for the model that the user has configured, if she began to.
        pace_s: between two pieces, so that one sees it stream; about 80 words a second by default.
    """

    def __init__(self, *, hint: str = "", pace_s: float = 0.012) -> None:
        self._hint = hint
        self._pace_s = pace_s

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer one request."""
        if request.url.path.endswith("/models"):
            return _json(200, model_list())
        if not request.url.path.endswith("/chat/completions"):
            return _json(404, error_body(f"the demo model knows no {request.url.path}"))
        try:
            asked = decode_request(await request.aread())
        except msgspec.DecodeError as error:
            return _json(400, error_body(f"this is no chat-completions request: {error}"))
        events = reply_events(asked, hint=self._hint)
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, stream=_Paced(events, self._pace_s))


class _Paced(httpx2.AsyncByteStream):
    def __init__(self, events: Iterator[bytes], pace_s: float) -> None:
        self._events = events
        self._pace_s = pace_s

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for event in self._events:
            yield event
            await asyncio.sleep(self._pace_s)


def _json(status: int, body: bytes) -> httpx2.Response:
    return httpx2.Response(status, headers={"content-type": "application/json"}, content=body)
