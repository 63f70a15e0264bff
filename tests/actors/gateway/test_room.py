"""The clients of one kernel on a worker: what is put down of their messages."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from actors.gateway.room import KernelRoom
from actors.runtime.clock import SystemClock
from actors.runtime.log import Log
from actors.runtime.trace import current_trace
from beaker.wire.websocket import OnChannel


class Heard(Log):
    """Keeps debug lines with the traces that they stand under."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[tuple[str, str, dict[str, object]]] = []

    def bind(self, **more: object) -> Log:
        return self

    def debug(self, event: str, **values: object) -> None:
        self.lines.append((current_trace.get(), event, values))


@pytest.mark.parametrize(("is_traced", "header"), [(True, b'{"msg_id": "m", "msg_type": "execute_request"}'), (True, b"{"), (False, b"{}")])
async def test_a_message_stands_in_the_workers_log_under_its_own_trace_where_that_is_wanted(is_traced: bool, header: bytes) -> None:
    sent: list[Any] = []

    async def take(_stream: int, parts: Any) -> None:  # Any: bytes of any kind
        sent.append(parts)

    link: Any = SimpleNamespace(send_bytes=take)  # Any: what a room needs of it
    client: Any = SimpleNamespace(session="s", may_speak=asyncio.Event())
    client.may_speak.set()
    log = Heard()
    room = KernelRoom("k", 1, link=lambda: link, on_over=lambda *_: None, clock=SystemClock(), log=log, is_traced=is_traced)
    current_trace.set("of the websocket")
    await room.say(client, OnChannel("shell", [header, b"{}", b"{}", b"{}"]))
    told = {"kind": "execute_request", "channel": "shell", "session": "s"}
    assert log.lines == ([("m", "message.taken", told)] if is_traced and header != b"{" else [])
    assert (len(sent), current_trace.get()) == (1, "of the websocket")
