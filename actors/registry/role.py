"""The process of the registry: `--role registry --number 0 --order-fd=F`, started by the gateway's guardian.

It leaves with the guardian and on SIGTERM, at once: subkernels live on under their watchers, and the next registry adopts them. Ending the
kernels is another wish, which the guardian has by a message. "Ready" is said when every kernel of the predecessor is open.
"""

import argparse
import asyncio
import os
import resource
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from actors.guardian.admission import admitting
from actors.guardian.order import GUARDIAN, REGISTRY, WORKER, GatewayOrder, host_role, read_order
from actors.guardian.own_figures import own_figures
from actors.registry.actor import Registry
from actors.registry.chronicle import Chronicle
from actors.registry.lookup import Lookup
from actors.roles.own_logs import configure_logs
from actors.runtime.birth import Birth
from actors.runtime.codec import Codec
from actors.runtime.failures import RuntimeFault
from actors.runtime.hello import Admit
from actors.runtime.link import Link
from actors.runtime.node import Node
from actors.runtime.supervision import RestartPolicy
from beaker import places
from beaker.errors import BeakerError
from beaker.gateway.register import Register
from beaker.journal.journal import Journal
from beaker.messages.base import PROTOCOL
from beaker.messages.figures import FiguresTold
from beaker.messages.host import HostReply
from beaker.messages.registry import GuardianRequest, HostSaid, WorkerRequest

ACTOR: Final = "registry"

SESSIONS_PER_KERNEL: Final = 20
"""Documents that may be open, for each kernel that may run: some share one."""

NO_RESTART: Final = RestartPolicy(limit=0)
"""See the actor."""

_CODECS: Final = {WORKER: Codec(WorkerRequest | FiguresTold), GUARDIAN: Codec(GuardianRequest)}
_HOST_CODEC: Final = Codec(HostSaid | HostReply)
"""What each may say: one that was taken over by somebody can say no more than that."""


def codecs(order: GatewayOrder) -> dict[str, Codec]:
    """Who may link to the Registry, and what each may say."""
    return _CODECS | {host_role(number): _HOST_CODEC for number in range(order.settings.workers)}


def main(argv: list[str]) -> int:
    """Know all kernels until the guardian is gone, or wants this process to end.

    Args:
        argv: the options behind `--role registry`.

    Returns:
        The exit status: 0, or 1 after a sentence to the guardian or on stderr.
    """
    birth = Birth.take(argv)
    parser = argparse.ArgumentParser(prog="beaker_kernel --role registry", allow_abbrev=False)
    parser.add_argument("--number", type=int, default=0)
    parser.add_argument("--order-fd", type=int)
    options = parser.parse_args(argv)
    if birth is None or options.order_fd is None:
        sys.stderr.write("beaker: the registry is started by the gateway\n")
        return 1
    _name_process()
    order = read_order(options.order_fd)
    os.close(options.order_fd)
    open_files = _raise_descriptors()
    logs = configure_logs(order.logs, "registry", "", order.token)
    try:
        return asyncio.run(_run(birth, order, open_files))
    finally:
        if logs is not None:
            logs.close()


async def _run(birth: Birth, order: GatewayOrder, open_files: int) -> int:
    leaving: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def leave(status: int) -> None:
        if not leaving.done():
            leaving.set_result(status)

    birth.on_parent_death(lambda: leave(0))
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, leave, 0)
    # Not ignored, or the subkernels would inherit that: a handler is gone after an exec.
    loop.add_signal_handler(signal.SIGINT, lambda: None)
    node = Node("registry", protocol=PROTOCOL, on_gave_up=lambda _name, _reason: leave(1))
    beginning = asyncio.ensure_future(_begin(birth, node, order, open_files, leave))
    try:
        return await leaving
    finally:
        beginning.cancel()
        await node.stop()


async def _begin(birth: Birth, node: Node, order: GatewayOrder, open_files: int, leave: Callable[[int], None]) -> None:
    try:
        await serve(node, order, admit=admitting(os.getppid(), codecs(order)), open_files=open_files)
    except (RuntimeFault, BeakerError, OSError, ValueError) as error:
        node.log.error("registry.not_started", reason=str(error))
        birth.failed(str(error))
        leave(1)
    else:
        birth.ready()


async def serve(node: Node, order: GatewayOrder, *, admit: Admit, open_files: int = 0) -> None:
    """Open all kernels of the predecessor, then let hosts and workers in; the node holds it all from then on.

    Args:
        node: of role `registry`.
        order: what the guardian handed down.
        admit: who may link to it.
        open_files: how many descriptors a subkernel may have; 0: as many as this process.

    Raises:
        BeakerError: there is no place for kernels, or the journal is another's or of a later version.
        RuntimeFault, OSError, ValueError: nobody can come in.
    """
    settings = order.settings
    lookup = Lookup(order, os.environ, runtime_root=str(places.runtime_root(os.environ, uid=os.getuid())), open_files=open_files)
    empty = Register(
        max_kernels=settings.max_kernels,
        max_sessions=settings.max_kernels * SESSIONS_PER_KERNEL,
        host_count=settings.workers,
    )
    opened = asyncio.Event()
    actors: list[Registry] = []

    def make() -> Registry:
        chronicle = Chronicle(Journal.open(Path(order.state)), node.log)
        actors.append(
            Registry(
                empty,
                chronicle,
                lookup,
                idle_timeout_s=settings.idle_timeout_s,
                own_figures=partial(own_figures, "registry", order, node),
                on_opened=opened.set,
            )
        )
        return actors[-1]

    def linked(link: Link) -> None:
        actors[-1].linked(link)

    await node.spawn(ACTOR, make, restart=NO_RESTART)
    await opened.wait()
    allowed = codecs(order)
    secrets = {role: order.secret_between(role, REGISTRY) for role in allowed}
    await node.listen(order.registry_socket, codec=allowed, admit=admit, secret=secrets, on_link=linked)
    node.log.info("registry.started")


def _raise_descriptors() -> int:
    """As many as may be: a kernel takes some ten. Gives what subkernels shall have: as before; 0: it was all that may be already."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == hard:
        return 0
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (ValueError, OSError):
        return 0  # macOS refuses what is beyond its own, unnamed limit
    return soft


def _name_process() -> None:
    from setproctitle import setproctitle

    setproctitle("beaker --role registry")
