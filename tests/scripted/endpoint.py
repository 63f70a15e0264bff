"""A scripted endpoint: an HTTP server on a port of its own that speaks the real wire and keeps what it was asked.

Used in the process of a test (`async with ScriptedEndpoint([...]) as endpoint`), or as a process of its own, see `serve.py`.
Each chat-completions request takes the next reply of the script; the last one repeats for ever.
"""

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from aiohttp import web

from tests.scripted.replies import Answer, ByRole, Raw, Reply, Speak, pieces

PATIENCE_S = 30
"""Ends a hang."""


@dataclass(frozen=True)
class Recorded:
    """One request."""

    body: dict[str, Any]  # Any: JSON
    headers: dict[str, str]
    at: float
    """Monotonic seconds."""


class ScriptedEndpoint:
    """The server.

    Args:
        script: replies in order; the last repeats.
        models: what `/v1/models` lists; None: it answers 404.
        port: 0 takes a free one.
    """

    def __init__(self, script: Sequence[Reply], *, models: Sequence[str] | None = ("scripted-1",), port: int = 0) -> None:
        self._script = list(script)
        self._models = models
        self._port = port
        self._runner: web.AppRunner | None = None
        self._released = asyncio.Event()
        self._stalled = asyncio.Event()
        self._left = asyncio.Event()
        self._held: web.StreamResponse | None = None
        """The latest answer that came to its stall."""
        self.requests: list[Recorded] = []
        """The chat-completions requests, oldest first."""
        self.base_url = ""

    async def __aenter__(self) -> "ScriptedEndpoint":
        app = web.Application(client_max_size=2**28)
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_get("/v1/models", self._list)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        port = self._runner.addresses[0][1]
        self._port = port  # which it takes again, if it is entered again
        self.base_url = f"http://127.0.0.1:{port}/v1"
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._released.set()
        if self._runner is not None:
            await self._runner.cleanup()

    def follow(self, script: Sequence[Reply]) -> None:
        """Begin anew with another script, as if nothing had been asked; answers that are stalled go on."""
        self._released.set()
        self._script = list(script)
        self._released, self._stalled, self._left = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.requests = []

    def release(self) -> None:
        """Let stalled answers go on."""
        self._released.set()

    async def stalled(self) -> None:
        """Return once an answer has come to its stall."""
        async with asyncio.timeout(PATIENCE_S):
            await self._stalled.wait()

    async def keep_alive(self) -> None:
        """Send a comment in the answer that is stalled: bytes, but no data."""
        await self.stalled()
        assert self._held is not None
        await self._held.write(b": keep-alive\n\n")

    async def left(self) -> None:
        """Return once a client has left before the end of its answer."""
        async with asyncio.timeout(PATIENCE_S):
            await self._left.wait()

    async def _list(self, request: web.Request) -> web.StreamResponse:
        if self._models is None:
            return web.json_response({"error": {"message": "not found"}}, status=404)
        return web.json_response({"object": "list", "data": [{"id": name, "object": "model"} for name in self._models]})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        serial = len(self.requests)
        self.requests.append(Recorded(json.loads(await request.read()), dict(request.headers), time.monotonic()))
        reply = self._script[min(serial, len(self._script) - 1)]
        if isinstance(reply, ByRole):
            reply = reply.tool if self.requests[-1].body["messages"][-1]["role"] == "tool" else reply.user
        if isinstance(reply, Answer):
            return web.Response(status=reply.status, body=reply.body, headers={"Content-Type": reply.content_type, **reply.headers})
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        await response.prepare(request)
        try:
            if isinstance(reply, Raw):
                for piece in reply.pieces:
                    await response.write(piece)
            else:
                await self._speak(request, response, reply, serial)
        except (asyncio.CancelledError, ConnectionResetError):
            self._left.set()
            raise
        return response

    async def _speak(self, request: web.Request, response: web.StreamResponse, reply: Speak, serial: int) -> None:
        for position, piece in enumerate(pieces(reply, serial)):
            if position == reply.stall_after:
                await self._stall(response)
            if position == reply.cut_after and request.transport is not None:
                request.transport.close()
                return
            await response.write(piece)

    async def _stall(self, response: web.StreamResponse) -> None:
        released = self._released  # of this script: another may follow meanwhile
        self._held = response
        self._stalled.set()
        await released.wait()
