"""Actor messages between two processes, beside the same Struct over zmq.asyncio.

Both sides encode and decode with msgspec and count every message on arrival; both use uvloop where it is installed.
"""

import asyncio
import logging
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec
import structlog

from actors.runtime.actor import Actor, Asked
from actors.runtime.codec import Codec
from actors.runtime.link import Link
from actors.runtime.node import Node
from benchmarks.figures import Row, Series

HERE = Path(__file__).resolve()

SECRET = b"benchmark"
BURST = 200
"""Messages between two looks at the way out; few enough that both sides work at the same time."""
AHEAD_BYTES = 256_000
"""How far the sender may be ahead of the socket."""


class Note(msgspec.Struct, frozen=True, kw_only=True, tag="bench.note"):
    """Six fields, 200 bytes on the wire."""

    number: int
    turn: int
    name: str
    text: str
    at: float
    final: bool


class Counted(msgspec.Struct, frozen=True, kw_only=True, tag="bench.counted"):
    """Answers a Note that was asked."""

    number: int


NOTE = Note(number=123_456, turn=7, name="a variable", text="x" * 130, at=1_700_000_000.25, final=False)
FINAL = msgspec.structs.replace(NOTE, final=True)


class Counter(Actor[Note]):
    """Counts, and says how many when asked by a final one."""

    def __init__(self) -> None:
        self._number = 0

    def receive(self, message: Note, asked: Asked | None) -> None:
        self._number += 1
        if asked is not None:
            asked.answer(Counted(number=self._number))
        if message.final:
            self._number = 0


async def _serve_actor(path: str) -> None:
    node = Node("bench-server")
    await node.spawn("counter", Counter, mailbox_size=10_000_000)
    gone = asyncio.Event()

    def linked(link: Link) -> None:
        link.closed.add_done_callback(lambda _: gone.set())

    await node.listen(path, codec=Codec(Note), admit=lambda _: None, secret=SECRET, on_link=linked)
    print("ready", flush=True)
    await gone.wait()
    await node.stop()


async def _serve_zmq(path: str) -> None:
    import zmq
    import zmq.asyncio

    context = zmq.asyncio.Context()
    socket = context.socket(zmq.ROUTER)
    pull = context.socket(zmq.PULL)
    pull.rcvhwm = 0
    socket.bind(f"ipc://{path}")
    pull.bind(f"ipc://{path}.pull")
    decode, encode = msgspec.msgpack.Decoder(Note).decode, msgspec.msgpack.Encoder().encode
    number = 0

    async def count() -> None:
        nonlocal number
        while True:
            decode(await pull.recv())
            number += 1

    counting = asyncio.create_task(count())
    print("ready", flush=True)
    while True:
        ident, payload = await socket.recv_multipart()
        note = decode(payload)
        await socket.send_multipart([ident, encode(Counted(number=number))])
        if note.final and note.turn < 0:
            counting.cancel()
            context.destroy(linger=0)
            return


async def _actor_client(path: str, messages: int, asks: int) -> tuple[float, list[float]]:
    node = Node("bench-client")
    link = await node.connect(path, codec=Codec(Counted), secret=SECRET, timeout_s=10)
    counter = link.ref("counter")
    started = time.perf_counter()
    for sent in range(1, messages + 1):
        counter.tell(NOTE)
        if sent % BURST == 0:
            await asyncio.sleep(0)
            while link.waiting_bytes > AHEAD_BYTES:  # noqa: ASYNC110  # a link has no event for it; a turn of the loop is what it needs
                await asyncio.sleep(0)
    counted = await counter.ask(FINAL, timeout_s=60)
    rate = messages / (time.perf_counter() - started)
    if counted.number != messages + 1:
        raise RuntimeError(f"{messages + 1 - counted.number} tells were lost")
    taken: list[float] = []
    for _ in range(asks):
        before = time.perf_counter()
        await counter.ask(NOTE, timeout_s=10)
        taken.append(time.perf_counter() - before)
    await node.stop()
    return rate, taken


async def _zmq_client(path: str, messages: int, asks: int) -> tuple[float, list[float]]:
    import zmq
    import zmq.asyncio

    context = zmq.asyncio.Context()
    dealer, push = context.socket(zmq.DEALER), context.socket(zmq.PUSH)
    push.sndhwm = 0
    dealer.connect(f"ipc://{path}")
    push.connect(f"ipc://{path}.pull")
    encode, decode = msgspec.msgpack.Encoder().encode, msgspec.msgpack.Decoder(Counted).decode
    started = time.perf_counter()
    for _ in range(messages):
        await push.send(encode(NOTE))
    while True:
        await dealer.send(encode(NOTE))
        if decode(await dealer.recv()).number >= messages:
            break
        await asyncio.sleep(0.001)
    rate = messages / (time.perf_counter() - started)
    taken: list[float] = []
    for _ in range(asks):
        before = time.perf_counter()
        await dealer.send(encode(NOTE))
        decode(await dealer.recv())
        taken.append(time.perf_counter() - before)
    await dealer.send(encode(msgspec.structs.replace(FINAL, turn=-1)))
    await dealer.recv()
    context.destroy(linger=0)
    return rate, taken


def _run(coroutine: Any) -> Any:  # Any: what the coroutine gives
    try:
        import uvloop
    except ImportError:
        return asyncio.run(coroutine)
    return uvloop.run(coroutine)


async def _both_ends(kind: str, messages: int, asks: int) -> tuple[float, list[float]]:
    with tempfile.TemporaryDirectory(prefix="bench", dir="/tmp") as folder:
        path = f"{folder}/s"
        words = [sys.executable, "-P", str(HERE), kind, path]
        environment = os.environ | {"PYTHONPATH": str(HERE.parents[1])}
        server = await asyncio.create_subprocess_exec(*words, env=environment, stdout=asyncio.subprocess.PIPE)
        assert server.stdout is not None
        try:
            if await server.stdout.readline() != b"ready\n":
                raise RuntimeError(f"the {kind} server did not start")
            return await (_actor_client if kind == "actor" else _zmq_client)(path, messages, asks)
        finally:
            try:
                await asyncio.wait_for(server.wait(), 10)
            except TimeoutError:
                server.kill()
                await server.wait()


def measure(*, quick: bool) -> list[Row]:
    """Tells and asks between two processes, in turn with zmq.asyncio."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))  # links coming and going are no news here
    rounds, messages, asks = (2, 50_000, 500) if quick else (5, 300_000, 3_000)
    rates: dict[str, list[list[float]]] = {"actor": [], "zmq": []}
    answers: dict[str, list[list[float]]] = {"actor": [], "zmq": []}
    for _ in range(rounds):
        for kind in rates:
            rate, taken = _run(_both_ends(kind, messages if kind == "actor" else messages // 5, asks))
            rates[kind].append([rate])
            answers[kind].append(taken)
    tell, reference = Series(rates["actor"]), Series(rates["zmq"])
    ask, ask_reference = Series(answers["actor"]), Series(answers["zmq"])
    size = len(msgspec.msgpack.encode(NOTE))
    return [
        Row(
            "Ref.tell between processes / zmq.asyncio",
            tell.median / 1e3,
            reference.median / 1e3,
            "k/s",
            tell.median / reference.median,
            4,
            "higher",
            [f"{size} bytes", f"spread {tell.spread:.0%} / {reference.spread:.0%}"],
        ),
        Row(
            "Ref.ask p50 between processes",
            ask.median * 1e6,
            ask_reference.median * 1e6,
            "us",
            ask.median / ask_reference.median,
            1.0,
            notes=[f"p99 {ask.p99 * 1e6:.0f} / {ask_reference.p99 * 1e6:.0f} us"],
        ),
    ]


if __name__ == "__main__":
    _run({"actor": _serve_actor, "zmq": _serve_zmq}[sys.argv[1]](sys.argv[2]))
