"""A kernel that a host cannot serve: nothing of it stays there, however often the Registry asks for it again. And what is counted of it."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from actors.host.actor import KernelHost
from actors.host.hosted import Hosted
from actors.runtime.failures import AskFailed
from actors.runtime.node import Node
from actors.runtime.ref import Ref
from beaker.gateway.quota import Keeper, Quota
from beaker.messages.base import PROTOCOL
from beaker.messages.figures import FiguresTold, TellFigures
from beaker.messages.host import HostRequest, ListStandings, Serve, Standings
from beaker.messages.registry import KernelEntry
from tests.actors.gateway.desk import make_order


class OpenQuota(Quota):
    """Says who keeps something."""

    keepers: list[Keeper]

    def __init__(self, limit_bytes: int | None = None) -> None:
        super().__init__(limit_bytes)
        OpenQuota.keepers = []

    def join(self, keeper: Keeper) -> None:
        super().join(keeper)
        self.keepers.append(keeper)

    def leave(self, keeper: Keeper) -> None:
        super().leave(keeper)
        self.keepers.remove(keeper)


@asynccontextmanager
async def host(folder: Path) -> AsyncIterator[Ref[HostRequest]]:
    node = Node("host", protocol=PROTOCOL)
    try:
        yield await node.spawn("host", lambda: KernelHost(make_order(workers=1, folder=str(folder)), node, key=None))
    finally:
        await node.stop()


def wanted(folder: Path, kernel_id: str = "k") -> Serve:
    """A kernel whose Supervisor does not come."""
    runtime = folder / kernel_id
    runtime.mkdir(mode=0o700, exist_ok=True)
    entry = KernelEntry(kernel_id=kernel_id, spec_name="python3", subkernel="python3", folder=str(folder), host=0, started_at=0.0)
    return Serve(kernel=entry, runtime_folder=str(runtime), secret=b"s", environment={})


async def fail(_: Hosted) -> None:
    raise OSError(24, os.strerror(24))


async def test_of_a_kernel_that_cannot_be_served_nothing_stays(short_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.host.actor.Quota", OpenQuota)
    async with host(short_folder) as ref:
        with monkeypatch.context() as broken:
            broken.setattr(Hosted, "start", fail)
            for _ in range(3):
                with pytest.raises(AskFailed, match="Too many open files"):
                    await ref.ask(wanted(short_folder), timeout_s=20)
        assert OpenQuota.keepers == []
        await ref.ask(wanted(short_folder), timeout_s=20)
        assert len(OpenQuota.keepers) == 1


async def test_messages_that_reached_no_actor_of_a_kernel_are_counted_also_when_it_is_gone(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Hosted, "dead_letters", 3)
    async with host(short_folder) as ref:
        await ref.ask(wanted(short_folder, "stays"), timeout_s=20)
        with monkeypatch.context() as broken:
            broken.setattr(Hosted, "start", fail)
            with pytest.raises(AskFailed):
                await ref.ask(wanted(short_folder, "goes"), timeout_s=20)
        standings: Standings = await ref.ask(ListStandings(), timeout_s=20)
        assert [each.kernel_id for each in standings.kernels] == ["stays"]
        told: FiguresTold = await ref.ask(TellFigures(), timeout_s=20)
        assert [each.value for each in told.figures.samples if each.name == "beaker_dead_letters_total"] == [6]
