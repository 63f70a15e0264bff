"""Websockets of a real Jupyter server's kernel and of a gateway's: upgrades and refusals, framings, nonsense, replays, ends.

What comes over them, message by message, is compared in `test_traces.py`.
"""

import asyncio
import contextlib
import json
import tempfile
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from beaker.wire.websocket import encode_v1
from tests.kit.running_gateway import PATIENCE_S, V1, RunningGateway, Server, execute_content

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("gateway")]

NONE = "00000000-0000-4000-8000-000000000001"

LOOK_S = 0.05
AGAIN_S = 1.0
"""Until a request of which nothing is heard is sent once more."""

Seen = dict[str, Any]  # Any: whatever is compared
Socket = aiohttp.ClientWebSocketResponse


def _address(server: Server, kernel_id: str, **query: str) -> str:
    words = "&".join(f"{name}={value}" for name, value in query.items())
    return f"{server.url}/api/kernels/{kernel_id}/channels?{words}"


def _connect(http: aiohttp.ClientSession, server: Server, kernel_id: str, session: str = "", protocols: tuple[str, ...] = ()) -> Any:
    """As `async with` wants it."""
    address = _address(server, kernel_id, session_id=session or uuid.uuid4().hex, token=server.token)
    return http.ws_connect(address, protocols=protocols, max_msg_size=0)


def _message(kind: str, content: object, channel: str = "shell", session: str = "mine") -> dict[str, Any]:  # Any: JSON
    header = {"msg_id": uuid.uuid4().hex, "msg_type": kind, "session": session, "username": "", "version": "5.4"}
    header["date"] = "2026-01-01T00:00:00.123456Z"
    return {"channel": channel, "header": header, "parent_header": {}, "metadata": {}, "content": content, "buffers": []}


async def _heard_for(socket: Socket, msg_id: str) -> list[dict[str, Any]]:  # Any: JSON
    """What comes for a request, until reply and idle are there."""
    waiting, heard = {"reply", "idle"}, []
    while waiting:
        message = json.loads(await socket.receive_str(timeout=PATIENCE_S))
        if message["parent_header"].get("msg_id") == msg_id:
            heard.append(message)
            waiting -= {message["msg_type"].rpartition("_")[2], message["content"].get("execution_state", "")}
    return heard


async def _run(socket: Socket, code: str) -> list[dict[str, Any]]:  # Any: JSON
    message = _message("execute_request", execute_content(code))
    await socket.send_str(json.dumps(message))
    return await _heard_for(socket, message["header"]["msg_id"])


async def _end(socket: Socket) -> int | None:
    """Waits until it is closed; the code."""
    while True:
        message = await socket.receive(PATIENCE_S)
        if message.type in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSING, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR}:
            return socket.close_code


async def upgrades(http: aiohttp.ClientSession, server: Server, kernel_id: str) -> Seen:
    """Who gets a websocket, and in which framing."""
    shown = {"Authorization": f"token {server.token}"}
    token = {"token": server.token}
    wishes: dict[str, tuple[str, Mapping[str, str], tuple[str, ...]]] = {
        "legacy": (_address(server, kernel_id, **token), {}, ()),
        "v1": (_address(server, kernel_id, **token), {}, (V1,)),
        "v1 among others": (_address(server, kernel_id, **token), {}, ("other", V1)),
        "others": (_address(server, kernel_id, **token), {}, ("other",)),
        "token in a header": (_address(server, kernel_id), shown, ()),
        "bearer": (_address(server, kernel_id), {"Authorization": f"Bearer {server.token}"}, ()),
        "own origin": (_address(server, kernel_id, **token), {"Origin": server.url}, ()),
        "foreign origin": (_address(server, kernel_id, **token), {"Origin": "https://elsewhere.test"}, ()),
        "no token": (_address(server, kernel_id), {}, ()),
        "wrong token": (_address(server, kernel_id, token="wrong"), {}, ()),
        "no such kernel": (_address(server, NONE, **token), {}, ()),
        "no kernel's id": (_address(server, "none", **token), {}, ()),
        "no such kernel, no token": (_address(server, NONE), {}, ()),
    }
    seen: Seen = {}
    for name, (address, headers, protocols) in wishes.items():
        try:
            async with http.ws_connect(address, headers=headers, protocols=protocols) as socket:
                seen[name] = [101, socket.protocol]
        except aiohttp.WSServerHandshakeError as refused:
            seen[name] = refused.status
    return seen


async def frames(http: aiohttp.ClientSession, server: Server, kernel_id: str) -> Seen:
    """What stands in a message of the older framing, and when it is bytes."""
    async with _connect(http, server, kernel_id) as socket:
        heard = await _run(socket, "6 * 7")
        result = next(message for message in heard if message["msg_type"] == "execute_result")
        code = "import comm\nc = comm.create_comm(target_name='t', data={'a': 1}, buffers=[b'12', b''])"
        message = _message("execute_request", execute_content(code))
        await socket.send_str(json.dumps(message))
        while (came := await socket.receive(PATIENCE_S)).type != aiohttp.WSMsgType.BINARY:
            pass
        count = int.from_bytes(came.data[:4], "big")
        offsets = [int.from_bytes(came.data[4 * n : 4 * n + 4], "big") for n in range(1, count + 1)]
        body = json.loads(came.data[offsets[0] : offsets[1]])
        buffers = [came.data[begin:end].decode() for begin, end in zip(offsets[1:], [*offsets[2:], len(came.data)], strict=True)]
        return {
            "fields": {name: type(value).__name__ for name, value in result.items()},
            "header": sorted(result["header"]),
            "parent": sorted(result["parent_header"]),
            "fields with bytes": sorted(body),
            "kind and bytes": [body["msg_type"], buffers],
        }


NONSENSE: Mapping[str, str | bytes] = {
    "no JSON": "{",
    "no object": "[]",
    "nothing": "",
    "no header": json.dumps({"channel": "shell"}),
    "no channel": json.dumps(_message("kernel_info_request", {}) | {"channel": None}),
    "unknown channel": json.dumps(_message("kernel_info_request", {}, channel="elsewhere")),
    "iopub": json.dumps(_message("kernel_info_request", {}, channel="iopub")),
    "unknown kind": json.dumps(_message("strange_request", {})),
    "header is no object": json.dumps(_message("kernel_info_request", {}) | {"header": "x"}),
    "few bytes": b"\x00",
    "bytes without an end": b"\x00\x00\x00\x05\x00\x00\x00\x18",
}


async def nonsense(http: aiohttp.ClientSession, server: Server, kernel_id: str) -> Seen:
    """Whether a socket goes on after what makes no sense."""
    seen: Seen = {}
    for name, words in NONSENSE.items():
        async with _connect(http, server, kernel_id) as socket:
            await (socket.send_str(words) if isinstance(words, str) else socket.send_bytes(words))
            request = _message("kernel_info_request", {}, channel="control")
            await socket.send_str(json.dumps(request))
            seen[name] = await _goes_on(socket)
    async with _connect(http, server, kernel_id, protocols=(V1,)) as socket:
        await socket.send_bytes(b"\x01")
        await socket.send_str("{")
        request = _message("kernel_info_request", {}, channel="control")
        parts = [json.dumps(request[part]).encode() for part in ("header", "parent_header", "metadata", "content")]
        await socket.send_bytes(encode_v1("control", parts))
        seen["in the newer framing"] = await _goes_on(socket)
    return seen


async def _goes_on(socket: Socket) -> bool:
    """Whether it answers kernel_info, before it is closed."""
    async for message in socket:
        if "kernel_info_reply" in (message.data if isinstance(message.data, str) else message.data.decode(errors="replace")):
            return True
    return False


async def replay(http: aiohttp.ClientSession, server: Server, kernel_id: str) -> Seen:
    """What a client that was away gets when it is back."""
    with _flag() as flag:
        waiting = f"import os, time\nwhile not os.path.exists({str(flag)!r}):\n    time.sleep(0.02)\n"
        async with _connect(http, server, kernel_id, "away") as socket:
            request = _message("execute_request", execute_content(f"{waiting}print('while away', flush=True)\n7"))
            await socket.send_str(json.dumps(request))
            while not _is_of(request, "execute_input", json.loads(await socket.receive_str(timeout=PATIENCE_S))):
                pass
        # By no other client: for one theirs would drop what it has kept for this one.
        await _kernel_shows(server, kernel_id, connections=0, execution_state="busy")
        flag.touch()
        await _kernel_shows(server, kernel_id, execution_state="idle")
    async with _connect(http, server, kernel_id, "away") as socket:
        heard = await _heard_for(socket, request["header"]["msg_id"])
    # A timer of ipykernel's decides where it cuts what is printed.
    order = [kind for kind, _ in groupby(message["msg_type"] for message in heard if message["channel"] == "iopub")]
    return {"order": order, "channels": sorted({message["channel"] for message in heard})}


@contextlib.contextmanager
def _flag() -> Iterator[Path]:
    """A file that is not there yet."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder, "flag")


def _is_of(request: dict[str, Any], kind: str, message: dict[str, Any]) -> bool:  # Any: JSON
    return bool(message["msg_type"] == kind and message["parent_header"].get("msg_id") == request["header"]["msg_id"])


async def _kernel_shows(server: Server, kernel_id: str, **wanted: object) -> None:
    """Waits until the server says so of a kernel."""
    async with asyncio.timeout(PATIENCE_S):
        while not wanted.items() <= (await server.call("GET", f"/kernels/{kernel_id}")).items():  # noqa: ASYNC110  # no event tells of it
            await asyncio.sleep(LOOK_S)


async def second_socket_of_a_session(http: aiohttp.ClientSession, server: Server, kernel_id: str) -> Seen:
    """What becomes of the first one."""
    async with _connect(http, server, kernel_id, "twice") as first:
        await _run(first, "1")
        async with _connect(http, server, kernel_id, "twice") as second:
            heard = await _run(second, "2")
            return {"first": await _end(first), "second": len(heard) > 0}


async def restart(http: aiohttp.ClientSession, server: Server, kernel_id: str) -> Seen:
    """What an open socket is good for when the kernel was restarted over REST."""
    async with _connect(http, server, kernel_id) as socket:
        await _run(socket, "x = 1")
        await server.call("POST", f"/kernels/{kernel_id}/restart")
        await _heard_again(socket)
        heard = await _run(socket, "x")
        reply = next(message for message in heard if message["msg_type"] == "execute_reply")
        return {"reply": [reply["content"]["ename"], reply["content"]["execution_count"]]}


async def _heard_again(socket: Socket) -> None:
    """Returns once iopub is heard: theirs finds a new kernel's by itself, some time after it was told to be there."""
    asked: set[str] = set()
    is_idle = False
    async with asyncio.timeout(PATIENCE_S):
        while not is_idle:
            request = _message("kernel_info_request", {})
            asked.add(request["header"]["msg_id"])
            await socket.send_str(json.dumps(request))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(AGAIN_S):
                    while not is_idle:
                        message = json.loads(await socket.receive_str())
                        is_own = message["parent_header"].get("msg_id") in asked
                        is_idle = is_own and message["content"].get("execution_state") == "idle"


async def interrupt(http: aiohttp.ClientSession, server: Server, kernel_id: str) -> Seen:
    """A cell that is interrupted over REST."""
    async with _connect(http, server, kernel_id) as socket:
        request = _message("execute_request", execute_content("print('on', flush=True)\nimport time\ntime.sleep(600)"))
        await socket.send_str(json.dumps(request))
        while not _is_of(request, "stream", json.loads(await socket.receive_str(timeout=PATIENCE_S))):
            pass
        await server.call("POST", f"/kernels/{kernel_id}/interrupt")
        heard = await _heard_for(socket, request["header"]["msg_id"])
        reply = next(message for message in heard if message["msg_type"] == "execute_reply")
        return {"reply": [reply["content"]["status"], reply["content"]["ename"]]}


Scene = Callable[[aiohttp.ClientSession, Server, str], Awaitable[Seen]]
SCENES: tuple[Scene, ...] = (upgrades, frames, nonsense, replay, second_socket_of_a_session, interrupt, restart)

WHO = "who shows nothing, or something wrong, is not known (401); 403 is for those whose page or address is wrong"
DROPPED = "what makes no sense is dropped, with a line in the log, and costs nobody the connection"

OTHERWISE: Mapping[str, tuple[object, str]] = {
    "upgrades, foreign origin": (403, "no page of another origin may connect, whatever it shows"),
    "upgrades, no token": (401, WHO),
    "upgrades, wrong token": (401, WHO),
    "upgrades, no such kernel, no token": (401, WHO),
    "frames, fields with bytes": (
        ["buffers", "channel", "content", "header", "metadata", "msg_id", "msg_type", "parent_header"],
        "the list is there, and empty: the buffers come behind it",
    ),
    **{f"nonsense, {name}": (True, DROPPED) for name in ("no JSON", "no object", "nothing", "no header", "header is no object")},
    **{f"nonsense, {name}": (True, DROPPED) for name in ("few bytes", "bytes without an end", "in the newer framing")},
    "second socket of a session, first": (1000, "a code after which clients do not come back: two of one id would take turns"),
}
"""What we do otherwise on purpose, and why."""


async def _seen(server: Server, kernel_id: str) -> Seen:
    seen: Seen = {}
    for scene in SCENES:
        # Without cookies: theirs gives one to whoever shows the token.
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
            found = await scene(http, server, kernel_id)
        seen |= {f"{scene.__name__.replace('_', ' ')}, {name}": value for name, value in found.items()}
    return seen


@pytest.fixture(scope="session")
def theirs(jupyter: tuple[Server, Path]) -> Seen:
    """What happens at a Jupyter server: seen once, whatever is seen beside it."""

    async def see(server: Server) -> Seen:
        kernel_id = await server.start_kernel()
        seen = await _seen(server, kernel_id)
        await server.call("DELETE", f"/kernels/{kernel_id}")
        return seen

    return asyncio.run(see(jupyter[0]))


async def test_both_do_alike(theirs: Seen, gateway: RunningGateway) -> None:
    kernel_id = await gateway.start_kernel()
    ours = await _seen(gateway, kernel_id)
    wanted = theirs | {name: value for name, (value, _) in OTHERWISE.items()}
    assert {name: value for name, value in ours.items() if value != wanted.get(name)} == {}
    assert [name for name, (value, _) in OTHERWISE.items() if theirs[name] == value] == []
    # Theirs leaves the sockets of a kernel that is gone open.
    async with gateway.connect(kernel_id) as client:
        await gateway.call("DELETE", f"/kernels/{kernel_id}")
        await client.hear_the_end()
        assert client.socket.close_code == 1000
