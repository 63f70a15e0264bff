"""FAULTS 25, 26: what a broken or hostile peer sends."""

import contextlib
import hashlib
import hmac
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest
import zmq
from zmq.utils.monitor import recv_monitor_message

from tests.kit.lasting_kernel import LastingKernel, lend
from tests.kit.running_kernel import RunningKernel, running_kernel, wait_until

HEADER = {"msg_type": "execute_request", "session": "junk", "username": "u", "date": "2026-01-01T00:00:00Z", "version": "5.4"}


@pytest.fixture
def kernel(lasting: LastingKernel, request: pytest.FixtureRequest) -> Iterator[RunningKernel]:
    yield from lend(lasting, request)


@contextlib.contextmanager
def dealing(kernel: RunningKernel) -> "Iterator[zmq.Socket[bytes]]":
    """A raw socket on its shell port."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    info = json.loads(Path(kernel.connection_file).read_text())
    made = context.socket(zmq.DEALER)
    made.linger = 0
    made.connect(f"tcp://{info['ip']}:{info['shell_port']}")
    try:
        yield made
    finally:
        context.destroy(linger=0)


@pytest.fixture
def peer(kernel: RunningKernel) -> "Iterator[zmq.Socket[bytes]]":
    with dealing(kernel) as made:
        yield made


def signed(
    kernel: RunningKernel,
    msg_id: str,
    content: object,
    *,
    key: bytes | None = None,
    kind: str = "execute_request",
    buffers: tuple[bytes, ...] = (),
) -> list[bytes]:
    info = json.loads(Path(kernel.connection_file).read_text())
    parts = [json.dumps(part).encode() for part in ({**HEADER, "msg_id": msg_id, "msg_type": kind}, {}, {}, content)]
    mac = hmac.new(info["key"].encode() if key is None else key, b"".join(parts), hashlib.sha256).hexdigest()
    return [b"<IDS|MSG>", mac.encode(), *parts, *buffers]


def test_junk_of_every_kind_is_dropped_and_nothing_runs(kernel: RunningKernel, peer: "zmq.Socket[bytes]", tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    code: dict[str, Any] = {"code": f"open({str(marker)!r}, 'w').close()", "silent": False}
    source = random.Random(7)
    for number in range(1000):
        good = signed(kernel, f"m{number}", code)
        forms = [
            [source.randbytes(source.randrange(60)) for _ in range(source.randrange(1, 9))],
            good[:4],
            [b"<IDS|MSG>", b"", *good[2:]],
            signed(kernel, f"w{number}", code, key=b"another key"),
            [*good[:2], b"{", *good[3:]],
            [b""],
        ]
        peer.send_multipart(forms[number % len(forms)])
    assert kernel.run("40 + 2").text == "42"
    assert not marker.exists()


def test_a_thousand_raw_and_signed_frames_mixed_leave_the_round_trip_as_it_was(kernel: RunningKernel, tmp_path: Path) -> None:
    info, marker = json.loads(Path(kernel.connection_file).read_text()), tmp_path / "ran"
    code: dict[str, Any] = {"code": f"open({str(marker)!r}, 'w').close()", "silent": False}
    address, source, sent = (info["ip"], info["shell_port"]), random.Random(11), [0]
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()

    def flood() -> None:
        peer = context.socket(zmq.DEALER)
        peer.linger = 0
        peer.connect(f"tcp://{address[0]}:{address[1]}")
        for number in range(1000):
            match number % 4:
                case 0:
                    with contextlib.suppress(OSError), socket.create_connection(address) as raw:  # closed on us: as it should be
                        raw.sendall(source.randbytes(source.randrange(1, 2000)))
                case 1:
                    peer.send_multipart(signed(kernel, f"w{number}", code, key=b"another key"))
                case 2:
                    peer.send_multipart([source.randbytes(source.randrange(60)) for _ in range(source.randrange(1, 9))])
                case _:
                    peer.send_multipart(signed(kernel, f"g{number}", {}, kind="comm_info_request"))
            sent[0] += 1
        for _ in range(250):
            assert peer.poll(30_000), "a good one among the junk was lost"
            peer.recv_multipart()
        peer.close()

    def round_trips(enough: Callable[[int], bool]) -> float:
        times: list[float] = []
        while not enough(len(times)):
            began = time.monotonic()
            kernel.run("1")
            times.append(time.monotonic() - began)
        return statistics.median(times)

    before = round_trips(lambda count: count == 20)
    with ThreadPoolExecutor(1) as pool:
        flooding = pool.submit(flood)
        during = round_trips(lambda count: count >= 5 and flooding.done())
        flooding.result()
    context.term()
    assert sent == [1000]
    assert not marker.exists()
    # 250 of them are true requests, which take their turn in the subkernel; a hang, a retry or a timeout would be seconds.
    assert during < 10 * before + 1.5


def test_a_replayed_message_runs_once(kernel: RunningKernel, peer: "zmq.Socket[bytes]") -> None:
    kernel.run("n = 0")
    message = signed(kernel, "once", {"code": "n += 1", "silent": False})
    for _ in range(3):
        peer.send_multipart(message)
    peer.recv_multipart()
    assert kernel.run("n").text == "1"


def test_junk_on_the_tcp_port_is_no_trouble(kernel: RunningKernel) -> None:
    info = json.loads(Path(kernel.connection_file).read_text())
    for port in ("shell_port", "iopub_port", "hb_port", "control_port", "stdin_port"):
        with socket.create_connection((info["ip"], info[port])) as raw:
            raw.sendall(b"GET / HTTP/1.1\r\n\r\n" + os.urandom(2000))
    assert kernel.run("1").status == "ok"


def dropped(kernel: RunningKernel) -> int:
    """How many messages the log says were dropped."""
    (log,) = Path(kernel.env["XDG_STATE_HOME"], "beaker/logs").glob("kernel-*.jsonl")
    return log.read_text().count('"message.dropped"')


def test_a_large_signed_message_passes_and_unsigned_ones_leave_no_memory_behind() -> None:
    with running_kernel() as kernel, dealing(kernel) as peer:  # of its own: the log says less of what is dropped again and again
        process = psutil.Process(kernel.process.pid)
        peer.send_multipart(signed(kernel, "big", {"code": "big = 1", "silent": False, "pad": "x" * 100_000_000}))
        peer.recv_multipart()
        assert kernel.run("big").text == "1"
        before = process.memory_info().rss
        for _ in range(3):
            peer.send_multipart([b"<IDS|MSG>", b"00", b"{}", b"{}", b"{}", b"x" * 100_000_000])
        # Before they came there is nothing to return.
        wait_until(lambda: dropped(kernel) == 3, what="the third one's end")
        # FAULTS 26: within 1 s on a quiet machine.
        wait_until(lambda: process.memory_info().rss < before + 16_000_000, what="the return of memory")


def test_a_message_over_the_limit_closes_only_its_peer(peer: "zmq.Socket[bytes]", kernel: RunningKernel) -> None:
    peer.send_multipart(signed(kernel, "before", {"code": "1", "silent": False}))
    peer.recv_multipart()
    monitor = peer.get_monitor_socket(zmq.EVENT_DISCONNECTED)
    peer.send_multipart([b"x" * 140_000_000])
    assert monitor.poll(20_000), "it was not disconnected"
    assert recv_monitor_message(monitor)["event"] == zmq.EVENT_DISCONNECTED
    peer.disable_monitor()
    assert kernel.run("1").status == "ok"


@pytest.mark.parametrize("mode", [0o622, 0o600])
def test_a_connection_file_that_others_can_write_is_refused_with_its_path(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "kernel.json"
    path.write_text("{}" if mode == 0o600 else json.dumps({"key": "k"}))
    path.chmod(mode)
    ended = subprocess.run([sys.executable, "-P", "-m", "beaker_kernel", "-f", str(path)], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert str(path) in ended.stderr
    assert "Traceback" not in ended.stderr


def test_two_clients_see_the_same_order(kernel: RunningKernel) -> None:
    second = kernel.connect()
    try:
        second.wait_for_ready(timeout=60)
        ids = [kernel.send(f"print({n})") if n % 2 else str(second.execute(f"print({n})")) for n in range(20)]

        def texts(client: Any) -> list[str]:
            found: list[str] = []
            deadline = time.monotonic() + 30
            while len(found) < len(ids) and time.monotonic() < deadline:
                message = client.get_iopub_msg(timeout=60)
                if message["msg_type"] == "stream" and message["parent_header"]["msg_id"] in ids:
                    found += message["content"]["text"].split()
            return found

        seen = texts(kernel.client)
        assert sorted(map(int, seen)) == list(range(20))
        assert texts(second) == seen
    finally:
        second.stop_channels()
