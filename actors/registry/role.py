"""The process of the registry: `--role registry --number 0 --order-fd=F`, started by the gateway's guardian.

It leaves with the guardian and on SIGTERM, at once: subkernels live on under their watchers, and the next registry adopts them. Ending the
kernels is another wish, which the guardian has by a message. "Ready" is said when every kernel of the predecessor is open.
"""

import asyncio
import os
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from actors.guardian.admission import admitting
from actors.guardian.beginning import begin
from actors.guardian.order import GUARDIAN, REGISTRY, WORKER, GatewayOrder, host_role
from actors.guardian.own_figures import guardian_figures, own_figures
from actors.registry.actor import Registry
from actors.registry.chronicle import Chronicle
from actors.registry.lookup import Lookup
from actors.runtime.birth import Birth, Leaving
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
from beaker.messages.figures import Figures, FiguresTold, Sample
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
    begun = begin("registry", argv)
    if begun is None:
        return 1
    try:
        return asyncio.run(_run(begun.birth, begun.order))
    finally:
        begun.close_logs()


async def _run(birth: Birth, order: GatewayOrder) -> int:
    leaving = birth.leaving()
    # Not ignored, or the subkernels would inherit that: a handler is gone after an exec.
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, lambda: None)
    node = Node("registry", protocol=PROTOCOL, on_gave_up=lambda _name, _reason: leaving.now(1))
    beginning = asyncio.ensure_future(_begin(birth, node, order, leaving))
    try:
        return await leaving
    finally:
        beginning.cancel()
        await node.stop()


async def _begin(birth: Birth, node: Node, order: GatewayOrder, leaving: Leaving) -> None:
    try:
        await serve(node, order, admit=admitting(os.getppid(), codecs(order)))
    except (RuntimeFault, BeakerError, OSError, ValueError) as error:
        node.log.error("registry.not_started", reason=str(error))
        birth.failed(str(error))
        leaving.now(1)
    else:
        birth.ready()
        import actors.supervisor.serving  # noqa: F401  # for its effect alone: else whoever starts the first kernel waits for it


async def serve(node: Node, order: GatewayOrder, *, admit: Admit) -> None:
    """Open all kernels of the predecessor, then let hosts and workers in; the node holds it all from then on.

    Args:
        node: of role `registry`.
        order: what the guardian handed down.
        admit: who may link to it.

    Raises:
        BeakerError: there is no place for kernels, or the journal is another's or of a later version.
        RuntimeFault, OSError, ValueError: nobody can come in.
    """
    settings = order.settings
    lookup = Lookup(order, os.environ, runtime_root=str(places.runtime_root(os.environ, uid=os.getuid())))
    empty = Register(
        max_kernels=settings.max_kernels,
        max_sessions=settings.max_kernels * SESSIONS_PER_KERNEL,
        host_count=settings.workers,
        starts_per_s=settings.starts_per_s,
    )
    opened = asyncio.Event()
    actors: list[Registry] = []

    def figures(samples: Iterable[Sample]) -> list[Figures]:
        return [own_figures("registry", order, node, samples), guardian_figures(order, os.getppid())]

    def make() -> Registry:
        chronicle = Chronicle(Journal.open(Path(order.state)), node.log)
        actors.append(
            Registry(
                empty,
                chronicle,
                lookup,
                idle_timeout_s=settings.idle_timeout_s,
                own_figures=figures,
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
