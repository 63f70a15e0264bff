"""The process of an agent host: `--role agent-host --number N --order-fd=F [--key-fd=K]`, started by the gateway's guardian.

That happens at the first question. It is handed the socket at which kernel hosts come in, where the first of them waits already. It
leaves with the guardian, on SIGTERM, and by itself when it has held no conversation for a while. Beside agents of a single kernel it is
the only process that reads the model's key.
"""

import asyncio
import os
import socket
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from actors.agent.sdk_import import SdkBroken, load_model_stream
from actors.agent_host.actor import AgentHost
from actors.guardian.admission import admitting
from actors.guardian.beginning import begin
from actors.guardian.order import GatewayOrder, agent_host_role
from actors.guardian.own_figures import own_figures
from actors.roles.settling import read_key
from actors.runtime.birth import Birth
from actors.runtime.codec import Codec
from actors.runtime.failures import RuntimeFault
from actors.runtime.malloc import return_large_buffers
from actors.runtime.node import Node
from actors.runtime.supervision import RestartPolicy
from beaker.messages.agent_host import AgentHostRequest
from beaker.messages.base import PROTOCOL
from beaker.messages.figures import Figures, Sample

NO_RESTART = RestartPolicy(limit=0)
"""A crash of the actor ends the process: its kernels tell their users, and the next one is started by the next question."""
THREADS: Final = 64
"""For what blocks: names of endpoints that are looked up, the SDK that is read. asyncio's own number for all, six on two cores, would let
half a dozen endpoints whose names nobody knows keep all others from theirs. A thread is made when it is needed."""


def main(argv: list[str]) -> int:
    """Hold conversations until the guardian is gone, or wants it to end, or nobody asks any more.

    Args:
        argv: the options behind `--role agent-host`.

    Returns:
        The exit status: 1 after a sentence to the guardian or on stderr. One that has served does not return.
    """
    begun = begin("agent-host", argv, read_key=read_key)
    if begun is None:
        return 1
    return_large_buffers()
    loop = asyncio.new_event_loop()
    loop.set_default_executor(ThreadPoolExecutor(THREADS, "blocking"))
    asyncio.set_event_loop(loop)
    status = loop.run_until_complete(run_agent_host(begun.birth, begun.order, begun.model_key))
    begun.close_logs()
    # Not by way of the interpreter's end, which waits for threads: one may look for a name that nobody knows.
    os._exit(status)


async def run_agent_host(birth: Birth, order: GatewayOrder, key: str | None) -> int:
    """Serve.

    Returns:
        The exit status: 0 when it was told to leave or had nothing to do, 1 when it could not listen or has failed.
    """
    leaving = birth.leaving()
    node = Node("agent_host", protocol=PROTOCOL, on_gave_up=lambda _name, _reason: leaving.now(1))

    def figures(samples: Iterable[Sample], dead_letters: int) -> Figures:
        return own_figures("agent-host", order, node, samples, dead_letters=dead_letters)

    await node.spawn(
        "agents",
        lambda: AgentHost(key, own_figures=figures, on_idle=leaving.now, idle_s=order.settings.agents_idle_s),
        restart=NO_RESTART,
    )
    ours = agent_host_role(order.number)
    hosts = order.hosts_of(order.number)
    try:
        await node.listen(
            order.agent_socket(order.number),
            codec=Codec(AgentHostRequest),
            admit=admitting(os.getppid(), hosts),
            secret={host: order.secret_between(host, ours) for host in hosts},
            inherited=socket.socket(fileno=order.listening[0]),
        )
    except (RuntimeFault, OSError, ValueError) as error:
        birth.failed(f"agent host {order.number} cannot listen: {error}")
        return 1
    birth.ready()
    node.log.info("agent_host.started", number=order.number)
    reading = asyncio.get_running_loop().create_task(_read_sdk(), name="sdk")
    status = await leaving
    reading.cancel()
    node.log.info("agent_host.leaving", status=status)
    await node.stop()
    return status


async def _read_sdk() -> None:
    """While the first conversation is being opened; what is wrong with it each conversation says."""
    try:
        await load_model_stream()
    except SdkBroken:
        return
