"""The process of role agent: `--role agent --kernel ID --folder FOLDER --order-fd=N [--key-fd=N]`, started at the first question.

It holds one AgentActor, links to the kernel process by `kernel.sock` and leaves with it: when the link closes, when the
parent dies, or on SIGTERM. Its settings are the kernel's, handed down. It is the only process that reads the model's key.
"Ready" is said once the actor can be asked; the SDK is still being imported then.
"""

import argparse
import asyncio
import os
import sys

from actors.agent.making import NO_RESTART, make_actor
from actors.agent.order import AgentOrder, read_order
from actors.roles.own_logs import configure_logs
from actors.roles.settling import read_key
from actors.runtime.birth import Birth
from actors.runtime.codec import Codec
from actors.runtime.failures import RuntimeFault
from actors.runtime.node import Node
from beaker.contexts.import_marks import ImportMarks
from beaker.messages.base import PROTOCOL
from beaker.messages.turn import ToAgent

CONNECT_TIMEOUT_S = 10.0
"""To a kernel process that waits for us: milliseconds, unless the machine is out of memory."""


def main(argv: list[str]) -> int:
    """Run the agent until its kernel is gone.

    Args:
        argv: the options behind `--role agent`.

    Returns:
        The exit status: 0, or 1 after a sentence to the parent or on stderr.
    """
    birth = Birth.take(argv)
    parser = argparse.ArgumentParser(prog="beaker_kernel --role agent", allow_abbrev=False)
    parser.add_argument("--kernel", required=True)
    parser.add_argument("--folder", required=True)
    parser.add_argument("--order-fd", type=int)
    parser.add_argument("--key-fd", type=int)
    options = parser.parse_args(argv)
    if birth is None or options.order_fd is None:
        sys.stderr.write("beaker: the agent is started by the kernel process, at the first question\n")
        return 1
    _name_process(options.kernel)
    order = read_order(options.order_fd)
    os.close(options.order_fd)
    key = None
    if options.key_fd is not None:
        key = read_key(options.key_fd)
        os.close(options.key_fd)
    logs = configure_logs(order.logs, "agent", options.kernel, key)
    try:
        return asyncio.run(run_agent(birth, options.folder, order, key))
    finally:
        if logs is not None:
            logs.close()


async def run_agent(birth: Birth, folder: str, order: AgentOrder, key: str | None) -> int:
    """Hold an AgentActor as long as the kernel process is there.

    Args:
        birth: the connection to the parent, with the secret of its socket.
        folder: the kernel's runtime folder, in which the kernel process listens.
        order: what the kernel process handed down.
        key: the model's.

    Returns:
        The exit status.
    """
    leaving = birth.leaving()
    node = Node("agent", protocol=PROTOCOL, on_gave_up=lambda _name, _reason: leaving.now())
    try:
        link = await node.connect(f"{folder}/kernel.sock", codec=Codec(ToAgent), secret=birth.secret, timeout_s=CONNECT_TIMEOUT_S)
    except RuntimeFault as error:
        birth.failed(f"no link to the kernel process: {error}")
        return 1
    link.watch(lambda _: leaving.now())
    await node.spawn("agent", lambda: make_actor(link, order, key, node.clock, marks=ImportMarks(folder)), restart=NO_RESTART)
    birth.ready()
    status = await leaving
    await node.stop()
    return status


def _name_process(kernel: str) -> None:
    from setproctitle import setproctitle

    setproctitle(f"beaker --role agent --kernel {kernel}")
