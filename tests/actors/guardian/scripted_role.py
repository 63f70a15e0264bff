"""A role of the gateway that does nothing but what the test wants: it notes what happens to it, and answers who it is.

Started as the real ones are: `python scripted_role.py NOTES PLAN --role R --number N --order-fd=.. --birth-fd=..`. NOTES is a file that
every role appends lines to; PLAN says what is special, such as `worker:deaf,host:dies`.
"""

import asyncio
import contextlib
import os
import signal
import socket
import sys

import beaker_kernel  # noqa: F401 -- it settles the names
from actors.guardian.order import GUARDIAN, OPTION, REGISTRY, GatewayOrder, read_order
from actors.runtime.actor import Actor, Asked
from actors.runtime.birth import Birth
from actors.runtime.codec import Codec
from actors.runtime.node import Node
from actors.runtime.supervision import RestartPolicy
from beaker.messages.base import PROTOCOL
from beaker.messages.registry import AllEnded, EndAll, GuardianRequest


class Registry(Actor[EndAll]):
    """Ends all kernels, of which there are none."""

    def __init__(self, note: "Note") -> None:
        self._note = note

    def receive(self, message: EndAll, asked: Asked | None) -> None:
        self._note("end_all")
        assert asked is not None
        asked.answer(AllEnded())


class Note:
    """Appends a line: what, which role, its number, its pid."""

    def __init__(self, path: str, role: str, number: int) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._who = f"{role} {number} {os.getpid()}"

    def __call__(self, what: str) -> None:
        os.write(self._descriptor, f"{what} {self._who}\n".encode())


async def serve(role: str, plan: str, note: Note, order: GatewayOrder, birth: Birth) -> None:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    node = Node(role, protocol=PROTOCOL)

    def told() -> None:
        note("told")
        if plan != "deaf":
            ended.set()

    def leave() -> None:
        note("orphaned")
        ended.set()

    def die() -> None:
        sys.stderr.write(f"last words of the {role}\n")
        sys.stderr.flush()
        os._exit(3)

    def answer(listening: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError, BrokenPipeError):  # another worker was faster; or whoever knocked has gone
            client, _ = listening.accept()
            with client:
                client.sendall(f"{os.getpid()}".encode())

    loop.add_signal_handler(signal.SIGTERM, told)
    loop.add_signal_handler(signal.SIGUSR1, die)
    birth.on_parent_death(leave)
    if plan == "dies":
        die()
    if plan == "mute":
        note("begun")
        await ended.wait()
        return
    if plan == "unready":
        birth.failed("there is no way to be ready")
        return
    if plan == "forks" and os.fork() == 0:
        if os.fork() == 0:
            os.write(2, f"grandchild {os.getpid()}\n".encode())
            signal.pause()
        os._exit(0)
    if role == "registry":
        await node.spawn("registry", lambda: Registry(note), restart=RestartPolicy(limit=0))
        await node.listen(
            order.registry_socket,
            codec=Codec(GuardianRequest),
            admit=lambda peer: None,
            secret={GUARDIAN: order.secret_between(GUARDIAN, REGISTRY)},
        )
    if role == "worker":
        os.close(os.open(order.seen_files(os.getpid())[0], os.O_CREAT, 0o600))
    for descriptor in order.listening:
        listening = socket.socket(fileno=descriptor)
        loop.add_reader(listening, answer, listening)
    note("ready")
    birth.ready()
    await ended.wait()
    await node.stop()
    note("ended")


def main(argv: list[str]) -> None:
    notes, plans, _, role, _, number, *rest = argv
    birth = Birth.take(rest)
    assert birth is not None
    descriptor = next(int(word.removeprefix(OPTION)) for word in rest if word.startswith(OPTION))
    plan = dict(entry.split(":") for entry in plans.split(",") if entry).get(role, "")
    asyncio.run(serve(role, plan, Note(notes, role, int(number)), read_order(descriptor), birth))


if __name__ == "__main__":
    main(sys.argv[1:])
