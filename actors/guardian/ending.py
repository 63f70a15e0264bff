"""The last word of a gateway that is stopped: the registry is to end all kernels."""

import asyncio
from typing import Final

from actors.guardian.order import GUARDIAN, REGISTRY, GatewayOrder
from actors.runtime.codec import Codec
from actors.runtime.failures import RuntimeFault
from actors.runtime.log import Log
from actors.runtime.node import Node
from beaker.messages.base import PROTOCOL
from beaker.messages.registry import EndAll, GuardianReply

ACTOR: Final = "registry"
LINK_TIMEOUT_S: Final = 5.0
"""For a registry that is being replaced at this moment."""
ENDING_TIMEOUT_S: Final = 30.0
"""For all kernels: each is asked politely, then killed."""
HURRIED_TIMEOUT_S: Final = 3.0
"""From a second signal on: for a kernel that is killed, and not for one that takes its time."""


async def end_kernels(order: GatewayOrder, hurry: asyncio.Event) -> bool:
    """Ask for it, and wait until no kernel is left; False if that cannot be told. Those that are left have their lease."""
    node, log = Node("guardian", protocol=PROTOCOL), Log(actor="guardian")
    asking = asyncio.ensure_future(_ask(node, order))
    hurried = asyncio.ensure_future(hurry.wait())
    try:
        await asyncio.wait([asking, hurried], return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait([asking], timeout=HURRIED_TIMEOUT_S)
        asking.cancel()
        await asking
    except (RuntimeFault, asyncio.CancelledError) as error:
        if not asking.done():
            raise  # it is us who were cancelled
        log.error("gateway.kernels_left", reason=str(error) or "hurried")
        return False
    finally:
        hurried.cancel()
        await node.stop()
    return True


async def _ask(node: Node, order: GatewayOrder) -> None:
    link = await node.connect(
        order.registry_socket, codec=Codec(GuardianReply), secret=order.secret_between(GUARDIAN, REGISTRY), timeout_s=LINK_TIMEOUT_S
    )
    await link.ref(ACTOR).ask(EndAll(), timeout_s=ENDING_TIMEOUT_S)
