"""The process of a kernel host: `--role host --number N --order-fd=F [--key-fd=K]`, started by the gateway's guardian.

It leaves with the guardian and on SIGTERM, and its kernels' sessions stay: for them that is the same as a SIGKILL, which the next
host makes good. So nothing is taken down in order: that would tell clients that their cells have ended.
"""

import asyncio
import os
from typing import Final

from actors.guardian.admission import admitting
from actors.guardian.beginning import begin
from actors.guardian.order import WORKER, GatewayOrder, host_role
from actors.host.actor import WORKER_CODEC, KernelHost
from actors.runtime.birth import Birth
from actors.runtime.failures import RuntimeFault
from actors.runtime.link import Link
from actors.runtime.loop import new_loop
from actors.runtime.malloc import return_large_buffers
from actors.runtime.node import Node
from actors.runtime.supervision import RestartPolicy
from beaker.messages.base import PROTOCOL

NO_RESTART = RestartPolicy(limit=0)
"""See the actor."""
LAST_WORDS_S: Final = 0.5
"""How long one that leaves goes on sending to workers what it has told."""


def main(argv: list[str]) -> int:
    """Hold kernels until the guardian is gone, or wants it to end.

    Args:
        argv: the options behind `--role host`.

    Returns:
        The exit status: 1 after a sentence to the guardian or on stderr. One that has served does not return.
    """
    begun = begin("host", argv)
    if begun is None:
        return 1
    return_large_buffers()
    status = run_loop(begun.birth, begun.order, begun.key)
    begun.close_logs()
    # Not by way of the interpreter's end: it would take down what has to stay as it is.
    os._exit(status)


def run_loop(birth: Birth, order: GatewayOrder, key: int | None) -> int:
    """Run the event loop; what is on it when it is left stays where it is."""
    loop = new_loop()
    asyncio.set_event_loop(loop)
    return loop.run_until_complete(run_host(birth, order, key))


async def run_host(birth: Birth, order: GatewayOrder, key: int | None) -> int:
    """Serve.

    Returns:
        The exit status: 0 when it was told to leave, 1 when it could not listen or has failed.
    """
    leaving = birth.leaving()
    node = Node("host", protocol=PROTOCOL, on_gave_up=lambda _name, _reason: leaving.now(1))
    host = KernelHost(order, node, key=key)

    def linked(link: Link) -> None:
        host.workers.accept(link)

    await node.spawn("host", lambda: host, restart=NO_RESTART)
    try:
        await node.listen(
            order.host_socket(order.number),
            codec={WORKER: WORKER_CODEC},
            admit=admitting(os.getppid(), {WORKER}),
            secret={WORKER: order.secret_between(WORKER, host_role(order.number))},
            on_link=linked,
        )
    except (RuntimeFault, OSError, ValueError) as error:
        birth.failed(f"kernel host {order.number} cannot listen: {error}")
        return 1
    birth.ready()
    node.log.info("host.started", number=order.number)
    import actors.kernel.question_rooms  # noqa: F401  # for its effect alone: else the first kernel waits for it, and whoever starts it

    status = await leaving
    await host.workers.drained(LAST_WORDS_S)
    node.log.info("host.leaving", status=status)
    return status
