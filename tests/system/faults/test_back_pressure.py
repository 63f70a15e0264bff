"""More than somebody takes, of requests and of replies: who sends waits, who does not read misses, and the memory stays as it was."""

import json
import os
import secrets
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import zmq

from beaker.wire.compose import Composer
from beaker.wire.parts import CONTENT, HEADER, PARENT, join, read_header, split
from beaker.wire.signing import Signer
from tests.kit.running_kernel import RunningKernel, running_kernel, wait_until

PAD = bytes(600_000)
"""A buffer behind each request. It is not signed, and nobody looks at it."""
MANY = 500
"""Of those: 300 MB."""
GROWTH_BYTES = 100_000_000
"""On a quiet machine it is 44 MB: 32 wait with us, the rest is libzmq's."""
STUCK_MS = 3000
"""Who cannot send for so long is made to wait. Too short on a busy machine, it makes a test prove less, and not fail."""
READ_ON_MS = 30_000
"""Who is read on all the time may wait for his turn, on a busy machine."""


class Peer:
    """A raw client of one channel, which keeps nothing of what it sends."""

    def __init__(self, kernel: RunningKernel, channel: str, context: "zmq.Context[zmq.Socket[bytes]]") -> None:
        info = json.loads(Path(kernel.connection_file).read_text())
        self._composer = Composer(secrets.token_hex(8), secrets.token_hex(4))
        self._signer = Signer(info["key"].encode())
        self.socket = context.socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.sndhwm, self.socket.rcvhwm = 2, 1
        self.socket.connect(f"tcp://{info['ip']}:{info[f'{channel}_port']}")

    def send(self, kind: str, content: object, *buffers: bytes) -> str:
        """Ask; returns the msg_id."""
        parts = self._composer.message(kind, content)
        self.socket.send_multipart(join([], self._signer.sign(parts), [*parts, *buffers]), copy=False)
        return read_header(parts[HEADER]).msg_id

    def flood(self, kind: str, content: Callable[[int], object], most: Callable[[], object], *, stuck_ms: int = STUCK_MS) -> int:
        """Send as many as are taken, up to MANY; returns how many that were."""
        for number in range(MANY):
            if not self.socket.poll(stuck_ms, zmq.POLLOUT):
                return number
            self.send(kind, content(number), PAD)
            most()
        return MANY

    def reply(self) -> tuple[str, dict[str, object]]:
        """The next one: the id of what it answers, and its content."""
        assert self.socket.poll(60_000), "no reply"
        parts = split(self.socket.recv_multipart()).parts
        return json.loads(parts[PARENT])["msg_id"], json.loads(parts[CONTENT])


class Weighed:
    """How much a process has grown at the most since it was put on the scales."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._before = self._process.memory_info().rss
        self.most = 0

    def look(self) -> int:
        """Look now; returns the growth of this moment."""
        growth: int = self._process.memory_info().rss - self._before
        self.most = max(self.most, growth)
        return growth


@pytest.fixture
def context() -> "Iterator[zmq.Context[zmq.Socket[bytes]]]":
    made: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    yield made
    made.destroy(linger=0)


@pytest.fixture
def kernel() -> Iterator[RunningKernel]:
    with running_kernel() as kernel:
        yield kernel


@pytest.fixture
def stopped(kernel: RunningKernel) -> Iterator[Callable[[], None]]:
    """The subkernel is stopped; called, it goes on."""
    pid = kernel.subkernel_pid()
    os.kill(pid, signal.SIGSTOP)
    yield lambda: os.kill(pid, signal.SIGCONT)
    os.kill(pid, signal.SIGCONT)


def cell(number: int) -> object:
    return {"code": f"seen = [*globals().get('seen', []), {number}]", "silent": False, "store_history": False}


def test_a_stopped_subkernel_makes_clients_wait_and_costs_no_memory(
    kernel: RunningKernel, stopped: Callable[[], None], context: "zmq.Context[zmq.Socket[bytes]]"
) -> None:
    kernel.client.iopub_channel.close()  # it would not read
    weighed, peer = Weighed(kernel.process.pid), Peer(kernel, "shell", context)
    taken = peer.flood("execute_request", cell, weighed.look)
    assert 20 < taken < MANY
    assert weighed.most < GROWTH_BYTES, f"{weighed.most / 1e6:.0f} MB for {taken * len(PAD) / 1e6:.0f}"
    stopped()
    for _ in range(taken):
        assert peer.reply()[1]["status"] == "ok"
    wait_until(lambda: weighed.look() < GROWTH_BYTES // 4, what="the return of memory")
    peer.send("execute_request", {"code": "", "silent": False, "user_expressions": {"seen": f"seen == list(range({taken}))"}})
    assert peer.reply()[1]["user_expressions"]["seen"]["data"]["text/plain"] == "True"  # type: ignore[index]  # JSON


def test_control_is_read_on_and_more_than_a_stopped_subkernel_takes_is_refused(
    kernel: RunningKernel, stopped: Callable[[], None], context: "zmq.Context[zmq.Socket[bytes]]"
) -> None:
    kernel.client.iopub_channel.close()
    weighed, peer = Weighed(kernel.process.pid), Peer(kernel, "control", context)
    assert peer.flood("usage_request", lambda _: {}, weighed.look, stuck_ms=READ_ON_MS) == MANY
    peer.send("interrupt_request", {})
    answered = [peer.reply()]
    while answered[-1][1] != {"status": "ok"}:
        answered.append(peer.reply())
    assert weighed.most < GROWTH_BYTES, f"{weighed.most / 1e6:.0f} MB for {MANY * len(PAD) / 1e6:.0f}"
    refused = answered[:-1]
    assert {reply["ename"] for _, reply in refused} == {"Busy"}
    assert 20 < MANY - len(refused) < MANY
    stopped()
    for _ in range(MANY - len(refused)):
        assert "kernel_cpu" in peer.reply()[1]
    wait_until(lambda: weighed.look() < GROWTH_BYTES // 4, what="the return of memory")


REPLIES, REPLY_BYTES = 600, 250_000
"""150 MB, of answers to requests of some hundred bytes."""
STOPPED = {"BEAKER_KERNEL_IOPUB_STOPPED_S": "0.5", "BEAKER_KERNEL_IOPUB_LAG_BYTES": str(16 << 20)}
"""Who has read nothing for so long, and has that much to read, misses what comes then."""


def ask_for_much(kernel: RunningKernel, peer: Peer, weighed: Weighed) -> int:
    """Let a client ask for all those replies and read none; returns how many of them were told on iopub to be lost."""
    kernel.run(f"big = 'x' * {REPLY_BYTES}")
    much = {"code": "", "silent": False, "store_history": False, "user_expressions": {"big": "big"}}
    asked = [peer.send("execute_request", much) for _ in range(REPLIES)]
    lost = 0

    def listen(msg_id: str) -> None:
        nonlocal lost
        for message in kernel.iopub(time.monotonic() + 120):
            weighed.look()
            content = message["content"]
            lost += message["msg_type"] == "stream" and "execute_reply dropped" in content["text"]
            if message["parent_header"].get("msg_id") == msg_id and content.get("execution_state") == "idle":
                return
        raise AssertionError(f"no idle for {msg_id}")

    listen(asked[-1])
    kernel.reply(kernel.send("'others are served'"))
    # What was said of the replies before that one stands before all that is said of the next cell.
    listen(kernel.send("'the last'"))
    return lost


def test_a_client_that_does_not_read_its_replies_costs_no_memory_and_others_nothing_and_it_is_told(
    context: "zmq.Context[zmq.Socket[bytes]]",
) -> None:
    with running_kernel(env=STOPPED) as kernel:
        weighed, peer = Weighed(kernel.process.pid), Peer(kernel, "shell", context)
        lost = ask_for_much(kernel, peer, weighed)
        assert weighed.most < GROWTH_BYTES, f"{weighed.most / 1e6:.0f} MB for {REPLIES * REPLY_BYTES / 1e6:.0f}"
        assert 0 < lost < REPLIES
        for _ in range(REPLIES - lost):
            assert len(peer.reply()[1]["user_expressions"]["big"]["data"]["text/plain"]) == REPLY_BYTES + 2  # type: ignore[index]  # JSON
        peer.send("kernel_info_request", {})
        assert "banner" in peer.reply()[1], "from now on it misses nothing"


def test_a_client_that_leaves_without_having_read_its_replies_leaves_no_memory_behind(
    kernel: RunningKernel, context: "zmq.Context[zmq.Socket[bytes]]"
) -> None:
    weighed, peer = Weighed(kernel.process.pid), Peer(kernel, "shell", context)
    ask_for_much(kernel, peer, weighed)
    peer.socket.close()
    wait_until(lambda: weighed.look() < GROWTH_BYTES // 4, what="the return of memory")
