"""A kernel process of newer code meets a Supervisor of older code."""

import asyncio
import os

import pytest

from actors.runtime.codec import Codec
from actors.runtime.hello import Refused
from actors.runtime.node import Node
from beaker.messages.base import PROTOCOL
from beaker.messages.subkernel import SupervisorReply
from tests.actors.supervisor.stage import PATIENCE_S, stage

pytestmark = pytest.mark.slow


async def test_it_makes_room_for_newer_code_which_finds_the_subkernel_alive() -> None:
    async with stage() as kernel:
        _, subkernel = await kernel.begin()
        newer = Node("kernel", protocol=PROTOCOL + 1)
        socket = str(kernel.folder / "supervisor.sock")
        with pytest.raises(Refused) as caught:
            await newer.connect(socket, codec=Codec(SupervisorReply), secret=kernel.order.secret, timeout_s=PATIENCE_S)
        assert caught.value.refusal.code == "protocol"
        await newer.stop()
        await asyncio.to_thread(os.waitpid, kernel.supervisor, 0)
        kernel.fork()
        _, attached = await kernel.attach()
        assert attached.subkernel is not None
        assert (attached.subkernel.pid, attached.subkernel.adopted) == (subkernel.pid, True)
