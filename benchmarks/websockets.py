"""A client of a service's websocket, the same for every side, and so lean that its own cost does not hide the ratio.

Of what comes it looks only for the type of a message, the end of its parent's id, and `idle`.
"""

import asyncio
import contextlib
import itertools
import time
from collections.abc import Sequence
from typing import Final

import aiohttp

from beaker.wire.websocket import decode_v1, encode_v1
from benchmarks.client import DATE, TYPED, LostError

LIMIT_S: Final = 60.0
"""Ends a measurement in which something was lost."""


class Client:
    """One websocket, in the framing that was agreed on."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, session: str) -> None:
        self._socket = socket
        self._session = session
        self._numbers = itertools.count()
        self._is_v1 = socket.protocol is not None

    async def request(self, kind: str, content: str, metadata: str = "{}") -> bytes:
        """Send a request on shell; returns the end of its id, quoted."""
        name = f"{self._session}_{next(self._numbers)}"
        told = f'"session": "{self._session}", "username": "", "version": "5.3", "date": "{DATE}"'
        header = f'{{"msg_id": "{name}", "msg_type": "{kind}", {told}}}'
        if self._is_v1:
            await self._socket.send_bytes(encode_v1("shell", [header.encode(), b"{}", metadata.encode(), content.encode()]))
        else:
            rest = f'"parent_header": {{}}, "metadata": {metadata}, "content": {content}, "buffers": []'
            await self._socket.send_str(f'{{"channel": "shell", "header": {header}, {rest}}}')
        return f'{name}"'.encode()

    async def execute(self, code: str = "1") -> float:
        """Run a cell; returns how long it took until both its reply and its idle were there, seconds."""
        began = time.perf_counter()
        content = f'{{"code": "{code}", "silent": false, "store_history": true, "user_expressions": {{}}, "allow_stdin": false}}'
        await self._answered(await self.request("execute_request", content), "execute_reply")
        return time.perf_counter() - began

    async def execute_until(self, deadline: float, code: str) -> list[float]:
        """Run a cell again and again until a time of `perf_counter`; returns how long each took."""
        taken = [await self.execute(code)]
        while time.perf_counter() < deadline:
            taken.append(await self.execute(code))
        return taken

    async def wait_until_usable(self) -> None:
        """Ask until the kernel answers, and forget the rest."""
        await self._answered(await self.request("kernel_info_request", "{}"), "kernel_info_reply")

    async def behind(self, mark: bytes) -> list[bytes]:
        """Read until a message comes with these bytes in it; returns what stands behind each of them, up to the line's end."""
        async with asyncio.timeout(LIMIT_S):
            while True:
                if found := (await self._next()).split(mark)[1:]:
                    return [rest.partition(b"\\n")[0] for rest in found]

    async def close(self) -> None:
        """Close it."""
        with contextlib.suppress(ConnectionError):
            await self._socket.close()

    async def _answered(self, name: bytes, kind: str) -> None:
        missing = {kind, "status"}
        async with asyncio.timeout(LIMIT_S):
            while missing:
                data = await self._next()
                # In the other framing all stands in one text; what a display shows has no names like these in it.
                parts: Sequence[bytes] = decode_v1(data)[1] if self._is_v1 else [data] * 4
                if name not in parts[1]:
                    continue
                if _is(kind, parts[0]):
                    missing.discard(kind)
                elif _is("status", parts[0]) and b'"idle"' in parts[3]:
                    missing.discard("status")

    async def _next(self) -> bytes:
        message = await self._socket.receive()
        if message.type is aiohttp.WSMsgType.BINARY:
            binary: bytes = message.data
            return binary
        if message.type is aiohttp.WSMsgType.TEXT:
            return str(message.data).encode()
        raise LostError(f"the websocket ended: {message}")


def _is(kind: str, header: bytes) -> bool:
    return TYPED[kind] in header or TYPED[kind].replace(b": ", b":") in header
