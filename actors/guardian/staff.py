"""Everybody whom the guardian has started: one registry, the hosts, the workers, in the order in which they need each other; and agent
hosts, which are there when questions are asked."""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from actors.guardian.order import OPTION, GatewayOrder, seal_order
from actors.guardian.post import Post, PostVacant, RoleName
from actors.guardian.standby import Standby
from actors.roles.settling import OPTION as KEY_OPTION
from actors.runtime.process import Child, start

GRACE_S: Final = 5.0
"""For a registry or a host that is ended, before it is killed: they close files and links. As the next two no setting: what users may
want to wait for is over before (`gateway.drain_s`), and a second signal hurries."""
AGENT_GRACE_S: Final = 1.0
"""For an agent host: it closes connections and a log."""
DRAIN_MARGIN_S: Final = 2.0
"""A worker ends its requests by itself within `drain_s`; this much later it is stuck."""

PROGRAM: Final = (sys.executable, "-P", "-m", "beaker_kernel")


class Staff:
    """All posts of one gateway.

    Args:
        order: what all roles are told; each gets the part that is its business.
        key: the descriptor behind which the model's key is sealed; for hosts, which hand it on, and agent hosts.
        program: what is started, with the role's options behind it.
        on_vacant: called with a sentence when a post is given up.
    """

    def __init__(self, order: GatewayOrder, *, key: int | None, on_vacant: Callable[[str], None], program: Sequence[str] = PROGRAM) -> None:
        self._order = order
        self._key = key
        self._program = program
        folder = Path(order.folder)

        def post(role: RoleName, number: int) -> Post:
            return Post(role, number, folder, start=self._start, on_vacant=on_vacant)

        self.registry = post("registry", 0)
        self.hosts = [post("host", number) for number in range(order.settings.workers)]
        self.workers = [post("worker", number) for number in range(order.settings.workers)]
        self.agent_hosts = [
            Standby("agent-host", number, order.agent_socket(number), start=self._start_agent_host) for number in range(order.agent_hosts)
        ]
        """There when questions are asked."""
        self._nowhere = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        """Stdout of all: nobody says anything there, and what they start must not keep open what ours is read by."""
        self._starts: Counter[tuple[RoleName, int]] = Counter()
        self.living: set[int] = set()
        """Pids of all that were started and not reaped yet."""

    async def fill(self) -> None:
        """Fill all posts: each of the three groups when the one before it can be used.

        Raises:
            PostVacant: one cannot be filled.
        """
        for group in ([self.registry], self.hosts, self.workers):
            await _all(group)

    async def renew_workers(self) -> list[str]:
        """New workers, one by one; gives a sentence for each that could not be replaced, and is kept."""
        problems: list[str] = []
        for worker in self.workers:
            try:
                await worker.renew(self._order.settings.drain_s + DRAIN_MARGIN_S)
            except PostVacant as vacant:
                problems.append(f"{worker.name} is kept, as no new one can be used: {vacant}")
        return problems

    async def end_workers(self, hurry: asyncio.Event) -> None:
        """Let requests end, and all workers with them."""
        await self._end(self.workers, self._order.settings.drain_s + DRAIN_MARGIN_S, hurry)

    async def end_rest(self, hurry: asyncio.Event) -> None:
        """Hosts, then agent hosts, which have no conversation then, and the registry."""
        await self._end(self.hosts, GRACE_S, hurry)
        await asyncio.gather(*(standby.end(AGENT_GRACE_S) for standby in self.agent_hosts))
        await self._end([self.registry], GRACE_S, hurry)
        os.close(self._nowhere)

    async def _end(self, posts: Sequence[Post], grace_s: float, hurry: asyncio.Event) -> None:
        await asyncio.gather(*(post.end(grace_s, hurry) for post in posts))

    def _start(self, role: RoleName, number: int, stderr: int) -> Child:
        return self._start_with(self._part(role, number), role, number, stderr=stderr)

    def _start_agent_host(self, role: RoleName, number: int, listening: int) -> Child:
        return self._start_with(self._part(role, number, listening=listening), role, number, stderr=2)

    def _part(self, role: RoleName, number: int, *, listening: int | None = None) -> GatewayOrder:
        self._starts[role, number] += 1
        return self._order.for_role(role, number, starts=self._starts[role, number], listening=listening)

    def _start_with(self, part: GatewayOrder, role: RoleName, number: int, *, stderr: int) -> Child:
        order = seal_order(part)
        keys = [self._key] if self._key is not None and role in ("host", "agent-host") else []
        sockets = part.listening
        options = ["--role", role, "--number", str(number), f"{OPTION}{order}", *(f"{KEY_OPTION}{key}" for key in keys)]
        try:
            child = start(
                [*self._program, *options],
                role=role,
                secret=b"",
                output=self._nowhere,
                stderr=stderr,
                inherit=[order, *keys, *sockets],
            )
        finally:
            os.close(order)
        self.living.add(child.pid)
        child.exited.add_done_callback(lambda _: self._reaped(child.pid))
        return child

    def _reaped(self, pid: int) -> None:
        """A process has gone, and nobody has its pid yet: what a worker that was killed has left must not pass for another's.

        Hosts have that mapped from the moment of its link, and read on.
        """
        self.living.discard(pid)
        for path in self._order.seen_files(pid):
            Path(path).unlink(missing_ok=True)


async def _all(posts: Sequence[Post]) -> None:
    """Fill posts side by side; the first failure is told when all have come to an end."""
    outcomes = await asyncio.gather(*(post.fill() for post in posts), return_exceptions=True)
    for outcome in outcomes:
        if outcome is not None:
            raise outcome
