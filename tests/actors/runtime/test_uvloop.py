"""The same on uvloop, whose transports are not asyncio's."""

import asyncio
import os
import signal
import sys

import pytest
import uvloop

from actors.runtime.failures import Unreachable
from actors.runtime.kit import PATIENCE_S
from actors.runtime.node import Node
from actors.runtime.process import Exit, start
from tests.actors.runtime.vocabulary import Double, Doubled, Keep, Note, Worker, codec, numbers


def test_links_bytes_and_deaths_work_on_uvloop(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = str(tmp_path_factory.mktemp("s") / "u.sock")

    async def play() -> None:
        server, client = Node("server"), Node("client")
        worker = Worker()
        await server.spawn("there", lambda: worker, mailbox_size=10)
        got: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        await server.listen(
            path,
            codec=codec,
            admit=lambda peer: None,
            secret=b"s",
            on_link=lambda link: setattr(link, "on_bytes", lambda stream, frames: got.set_result(sum(map(len, frames)))),
        )
        link = await client.connect(path, codec=codec, secret=b"s", timeout_s=PATIENCE_S)
        assert link.peer.pid == os.getpid()
        for number in range(5000):
            link.ref("there").tell(Note(number=number, text="x" * 100))
        sent = link.send_bytes(1, [bytes(3_000_000), b"x"])
        assert await link.ref("there").ask(Double(number=2), timeout_s=PATIENCE_S) == Doubled(number=4)
        assert numbers(worker.seen) == list(range(5000))
        await asyncio.wait_for(sent, PATIENCE_S)
        assert await asyncio.wait_for(got, PATIENCE_S) == 3_000_001
        kept = asyncio.ensure_future(link.ref("there").ask(Keep(), timeout_s=PATIENCE_S))
        await link.ref("there").ask(Double(number=2), timeout_s=PATIENCE_S)
        link.abort("the test pulled the plug")
        with pytest.raises(Unreachable):
            await kept
        child = start([sys.executable, "-c", "import time; time.sleep(60)"], role="sleeper", secret=b"s")
        child.send_signal(signal.SIGKILL)
        assert await asyncio.wait_for(child.exited, PATIENCE_S) == Exit(status=None, signal=9)
        await client.stop()
        await server.stop()

    uvloop.run(play())
