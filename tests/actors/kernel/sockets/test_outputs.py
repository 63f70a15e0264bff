"""The iopub socket of a subkernel: what comes while this process is busy."""

from pathlib import Path

import pytest
import zmq

from actors.kernel.sockets.outputs import Outputs
from actors.kernel.sockets.zmq_edge import BURST
from tests.kit.kernel_stage import until

COUNT = 5000
"""A cell shows as many in a loop; a ZeroMQ socket that nobody changes keeps 1000 and drops the rest, in silence."""
A_KILOBYTE = bytes(1000)
PATIENCE_MS = 60_000


async def test_what_a_subkernel_says_while_nobody_reads_is_drained_first_and_handed_on_in_order(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lies in libzmq's memory cannot be bounded without losing it. All of it is sent before this loop turns again."""
    monkeypatch.setattr("actors.kernel.sockets.outputs.RELAY_BYTES", 10 * len(A_KILOBYTE))
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    publisher = context.socket(zmq.XPUB)
    publisher.linger = 0
    publisher.sndhwm = 10
    publisher.setsockopt(zmq.XPUB_NODROP, 1)  # it waits, and gives up, where it would drop
    publisher.sndtimeo = publisher.rcvtimeo = PATIENCE_MS
    publisher.bind(f"ipc://{short_folder}/z")
    came: list[bytes] = []
    depths: list[int] = []

    def receive(frames: list[bytes]) -> str:
        came.append(frames[0])
        depths.append(outputs.drained)
        return "display_data"

    outputs = Outputs(context, receive)
    try:
        outputs.connect(f"ipc://{short_folder}/z")
        assert publisher.recv() == b"\x01", "the subscription"
        for number in range(COUNT):
            publisher.send_multipart([b"%d" % number, A_KILOBYTE])
        await until(lambda: len(came) >= COUNT, "all of it")
        assert came == [b"%d" % number for number in range(COUNT)]
        assert max(depths) > BURST // 2, "a burst was read, and little of it handed on"
    finally:
        outputs.close()
        publisher.close()
        context.term()
