"""How each role of the gateway begins, whatever it does then: it meets the guardian, names itself, reads its order, opens its log."""

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from actors.guardian.limits import raise_descriptor_limit
from actors.guardian.order import GatewayOrder, read_order
from actors.roles.own_logs import configure_logs
from actors.runtime.birth import Birth
from beaker.messages.figures import GatewayRole

if TYPE_CHECKING:
    from actors.runtime.logging import Logs


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a role has once it has begun."""

    birth: Birth
    """The way to the guardian."""
    order: GatewayOrder
    """What it is told."""
    key: int | None
    """The descriptor behind which the model's key is sealed, where the role gets it and does not read it."""
    model_key: str | None = field(repr=False)
    """The key itself, where it does."""
    descriptors: int
    """That this process may have open."""
    logs: "Logs | None"
    """Of this process; None if no file could be opened."""

    def close_logs(self) -> None:
        """The last line is written."""
        if self.logs is not None:
            self.logs.close()


def begin(role: GatewayRole, argv: list[str], *, read_key: Callable[[int], str] | None = None) -> Beginning | None:
    """Begin; None, after a sentence on stderr, where no guardian has started this process.

    Args:
        argv: the options behind `--role`.
        read_key: for a role that reads the model's key: how.

    Raises:
        SystemExit: an option is none.
    """
    birth = Birth.take(argv)
    parser = argparse.ArgumentParser(prog=f"beaker_kernel --role {role}", allow_abbrev=False)
    parser.add_argument("--number", type=int, default=0)
    parser.add_argument("--order-fd", type=int)
    parser.add_argument("--key-fd", type=int)
    options = parser.parse_args(argv)
    if birth is None or options.order_fd is None:
        sys.stderr.write(f"beaker: --role {role} is started by the gateway\n")
        return None
    _name_process(role, options.number)
    order = read_order(options.order_fd)
    os.close(options.order_fd)
    key, model_key = options.key_fd, None
    if key is not None and read_key is not None:
        model_key = read_key(key)
        os.close(key)
        key = None
    # A kernel takes some thirty in two of these processes, a websocket one in a third.
    descriptors = raise_descriptor_limit()
    # The token is a worker's, the key an agent host's: no role has both.
    logs = configure_logs(order.logs, role.replace("-", "_"), "", order.token or model_key, order.token_print)
    return Beginning(birth, order, key, model_key, descriptors, logs)


def _name_process(role: str, number: int) -> None:
    from setproctitle import setproctitle

    setproctitle(f"beaker --role {role} --number {number}")
