"""What the kernel process hands to the roles it starts."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from actors.supervisor.limits import Limits
from actors.supervisor.order import Order
from beaker.settings.load import Loaded
from beaker.settings.schema import Settings

if TYPE_CHECKING:
    from actors.runtime.process import Child


def make_order(settings: Settings, *, folder: str, kernel_id: str, secret: bytes, connection_file: str) -> Order:
    """All that a Supervisor must know."""
    return Order(
        folder=folder,
        kernel_id=kernel_id,
        secret=secret,
        spec_name=settings.subkernel.spec,
        environment=dict(os.environ),
        connection_file_name=os.path.basename(connection_file),
        start_timeout_s=settings.subkernel.start_timeout_s,
        restart_limit=settings.subkernel.restart_limit,
        restart_window_s=settings.subkernel.restart_window_s,
        lease_s=settings.kernel.lease_s,
        limits=Limits(processes=settings.subkernel.max_processes, memory_bytes=settings.subkernel.max_memory_mb * 1024 * 1024),
    )


def start_agent(argv: Sequence[str], loaded: Loaded, *, secret: bytes, key: int | None) -> "Child":
    """Start an agent with the settings of this kernel, and with the model's key if there is one.

    Args:
        argv: the program and its arguments.
        loaded: the kernel's settings.
        secret: what it must say to be let in.
        key: the descriptor behind which the key is sealed.

    Raises:
        OSError: the program cannot be run.
    """
    from actors.agent.order import OPTION, order_of, seal_order  # at the first question
    from actors.roles.settling import OPTION as KEY_OPTION
    from actors.runtime.process import start

    order = seal_order(order_of(loaded))
    try:
        keys = [] if key is None else [key]
        options = [f"{OPTION}{order}", *(f"{KEY_OPTION}{descriptor}" for descriptor in keys)]
        return start([*argv, *options], role="agent", secret=secret, output=None, inherit=[order, *keys])
    finally:
        os.close(order)
