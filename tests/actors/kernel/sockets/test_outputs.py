"""The iopub socket of a subkernel: what comes while this process is busy."""

from pathlib import Path

import zmq

from actors.kernel.sockets.outputs import Outputs
from tests.kit.kernel_stage import until

COUNT = 5000
"""A cell shows as many in a loop; a ZeroMQ socket that nobody changes keeps 1000 and drops the rest, in silence."""
A_KILOBYTE = bytes(1000)
PATIENCE_MS = 60_000


async def test_what_a_subkernel_says_while_nobody_reads_is_kept_and_handed_on_in_order(short_folder: Path) -> None:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    publisher = context.socket(zmq.XPUB)
    publisher.linger = 0
    publisher.sndhwm = 10
    publisher.setsockopt(zmq.XPUB_NODROP, 1)  # it waits, and gives up, where it would drop
    publisher.sndtimeo = publisher.rcvtimeo = PATIENCE_MS
    publisher.bind(f"ipc://{short_folder}/z")
    came: list[bytes] = []

    def receive(frames: list[bytes]) -> str:
        came.append(frames[0])
        return "display_data"

    outputs = Outputs(context, receive)
    try:
        outputs.connect(f"ipc://{short_folder}/z")
        assert publisher.recv() == b"\x01", "the subscription"
        for number in range(COUNT):
            publisher.send_multipart([b"%d" % number, A_KILOBYTE])
        await until(lambda: len(came) >= COUNT, "all of it")
        assert came == [b"%d" % number for number in range(COUNT)]
    finally:
        outputs.close()
        publisher.close()
        context.term()
