"""FAULTS 20, 21: a client that stops reading iopub, beside one that reads."""

import json
import time
from pathlib import Path
from typing import Any

import psutil
import zmq

from beaker.wire.parts import CONTENT, HEADER, PARENT, split
from tests.kit.running_kernel import RunningKernel, running_kernel, wait_until

MANY, SIZE_BYTES = 130, 1_000_000
"""Fewer than the 1000 messages at which the subkernel itself would lose some on a machine that does not let us run."""
STOPPED_S = 1.0
GROWTH_BYTES = 60_000_000
"""Of 260 MB, once all is handed on: while it is not, libzmq reads faster than we are let to drain it, on a busy machine. On a quiet one
it is 25 MB at the most."""

FLOOD = f"for n in range({MANY}): display({{'text/plain': str(n).ljust({SIZE_BYTES})}}, raw=True)"


def listen(kernel: RunningKernel, context: "zmq.Context[zmq.Socket[bytes]]", *, limit: int) -> "zmq.Socket[bytes]":
    info = json.loads(Path(kernel.connection_file).read_text())
    peer = context.socket(zmq.SUB)
    peer.linger = 0
    peer.rcvhwm = limit
    peer.subscribe(b"")
    peer.connect(f"tcp://{info['ip']}:{info['iopub_port']}")
    assert peer.poll(20_000)  # its welcome
    return peer


def hear(peer: "zmq.Socket[bytes]") -> tuple[str, str, Any]:
    """The next message: its type, its parent's id, its content."""
    assert peer.poll(60_000), "nothing came"
    parts = split(peer.recv_multipart()).parts
    header, parent, content = (json.loads(parts[index]) for index in (HEADER, PARENT, CONTENT))
    return header["msg_type"], parent.get("msg_id", ""), content


def test_a_client_that_stops_reading_costs_no_memory_and_others_nothing_and_is_told_what_it_missed() -> None:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    with running_kernel(env={"BEAKER_KERNEL_IOPUB_STOPPED_S": str(STOPPED_S)}) as kernel:
        process = psutil.Process(kernel.process.pid)
        stopped, reader = listen(kernel, context, limit=1), listen(kernel, context, limit=0)
        kernel.client.iopub_channel.close()  # it would be a second one that does not read
        before = process.memory_info().rss

        def flood() -> list[int]:
            msg_id, found, idle = str(kernel.client.execute(FLOOD)), list[int](), False
            while not idle:
                kind, parent, content = hear(reader)
                if kind == "display_data":
                    found.append(int(content["data"]["text/plain"]))
                idle = kind == "status" and parent == msg_id and content["execution_state"] == "idle"
            return found

        assert flood() == list(range(MANY))
        wait_until(lambda: process.memory_info().rss - before < GROWTH_BYTES, what="little more memory than before")
        time.sleep(1.1 * STOPPED_S)  # it is the time without reading that makes a client one that has stopped
        assert flood() == list(range(MANY))
        wait_until(lambda: process.memory_info().rss - before < GROWTH_BYTES, what="little more memory than before")
        got, idles, words = 0, 0, ""
        while idles < 2:
            kind, _, content = hear(stopped)
            got += kind == "display_data"
            idles += kind == "status" and content["execution_state"] == "idle"
            words += content["text"] if kind == "stream" else ""
        missed = sum(int(word) for word in words.split() if word.isdigit())
        assert "messages dropped here, because this client had stopped reading" in words
        assert got + missed == 2 * MANY
        assert missed >= MANY - 10, "hardly anything of the second flood"
        context.destroy(linger=0)
