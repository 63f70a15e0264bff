"""When a link writes what it has to say."""

import asyncio
from typing import Any

import pytest

from actors.runtime.kit import PATIENCE_S
from actors.runtime.writer import LinkWriter
from tests.actors.runtime.vocabulary import codec


class Recording(asyncio.Transport):
    """Keeps what is written, each write apart."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.has_written = asyncio.Event()

    def write(self, data: Any) -> None:
        self.written.append(bytes(data))
        self.has_written.set()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def is_closing(self) -> bool:
        return False


def add(writer: LinkWriter, text: bytes) -> None:
    writer.bulk.add(1, [text], asyncio.get_running_loop().create_future())


async def test_what_may_wait_goes_with_what_may_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.runtime.writer.GATHER_S", 3600.0)  # however late this loop is, nothing else lets it go
    transport = Recording()
    writer = LinkWriter(transport, codec.encode_into)
    add(writer, b"first")
    writer.flush_later()
    await asyncio.sleep(0)
    assert transport.written == []
    add(writer, b"second")
    writer.flush_soon()
    await asyncio.sleep(0)
    assert [piece[-6:] for piece in transport.written] == [b"\x05first", b"second"]


async def test_what_may_wait_goes_alone_when_nothing_comes() -> None:
    transport = Recording()
    writer = LinkWriter(transport, codec.encode_into)
    add(writer, b"alone")
    writer.flush_later()
    await asyncio.wait_for(transport.has_written.wait(), PATIENCE_S)
    assert len(transport.written) == 1
