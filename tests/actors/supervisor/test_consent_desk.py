"""Consent as the Supervisor gives it: between processes, and as time goes by."""

from typing import Any

import pytest

from actors.runtime.actor import Actor, Asked
from actors.runtime.failures import AskFailed
from actors.runtime.kit import ManualClock
from actors.runtime.node import Node
from actors.runtime.ref import Ref
from actors.supervisor.consent_desk import ConsentDesk
from beaker.consent.grants import GRANT_LIFE_S
from beaker.messages.base import KernelId
from beaker.messages.consent import (
    ConsentRequest,
    RunCleared,
    RunDecided,
    RunGranted,
    RunRedeemed,
    RunRefused,
    RunToBeAsked,
    RunWanted,
    StandingEnded,
    StandingTold,
    StandingWanted,
)
from beaker.messages.subkernel import Restart
from tests.actors.supervisor.stage import PATIENCE_S, stage

KERNEL = KernelId("0123456789ab")
WANT = RunWanted(kind="code", code_hash="h", generation=1, mode="ask", tainted=False)


class Holder(Actor[ConsentRequest]):
    """An actor that is nothing but its desk."""

    async def on_start(self) -> None:
        self._desk = ConsentDesk(KERNEL, clock=self.context.clock, log=self.context.log)

    def receive(self, message: ConsentRequest, asked: Asked | None) -> None:
        assert asked is not None
        self._desk.take(message, asked, generation=1)


async def granted(supervisor: Ref[Any]) -> str:  # Any: a Supervisor or a desk of its own
    asked = await supervisor.ask(WANT, timeout_s=PATIENCE_S)
    assert isinstance(asked, RunToBeAsked)
    reply = await supervisor.ask(RunDecided(want=asked.want, decision="allow", code_hash="h"), timeout_s=PATIENCE_S)
    assert isinstance(reply, RunGranted)
    return reply.grant


def redeem(grant: str, generation: int = 1) -> RunRedeemed:
    return RunRedeemed(grant=grant, kernel_id=KERNEL, generation=generation, code_hash="h")


async def refused(supervisor: Ref[Any], request: ConsentRequest) -> str:  # Any: as above
    with pytest.raises(AskFailed) as caught:
        await supervisor.ask(request, timeout_s=PATIENCE_S)
    assert isinstance(caught.value.failure, RunRefused)
    return caught.value.failure.reason


async def test_a_grant_expires_by_the_clock() -> None:
    clock = ManualClock()
    node = Node("supervisor", clock=clock)
    desk = await node.spawn("supervisor", Holder)
    try:
        early, late = await granted(desk), await granted(desk)
        await clock.advance(GRANT_LIFE_S - 1)
        assert await desk.ask(redeem(early), timeout_s=PATIENCE_S) == RunCleared()
        await clock.advance(1)
        assert "10 minutes" in await refused(desk, redeem(late))
    finally:
        await node.stop()


async def test_names_of_grants_cannot_be_guessed() -> None:
    node = Node("supervisor")
    desk = await node.spawn("supervisor", Holder)
    try:
        names = {await granted(desk) for _ in range(20)}
    finally:
        await node.stop()
    assert len(names) == 20
    assert min(map(len, names)) >= 32


@pytest.mark.slow
async def test_the_supervisors_process_tells_what_was_said_for_all_that_comes_and_takes_it_back() -> None:
    async with stage() as kernel:
        supervisor, _ = await kernel.begin()
        nothing, held = StandingTold(always=False, though_tainted=False), StandingTold(always=True, though_tainted=False)
        assert await supervisor.ask(StandingWanted(), timeout_s=PATIENCE_S) == nothing
        assert await supervisor.ask(StandingEnded(), timeout_s=PATIENCE_S) == nothing
        asked = await supervisor.ask(WANT, timeout_s=PATIENCE_S)
        assert isinstance(asked, RunToBeAsked)
        await supervisor.ask(RunDecided(want=asked.want, decision="always", code_hash="h"), timeout_s=PATIENCE_S)
        assert await supervisor.ask(StandingWanted(), timeout_s=PATIENCE_S) == held
        assert await supervisor.ask(StandingEnded(), timeout_s=PATIENCE_S) == held
        assert await supervisor.ask(StandingWanted(), timeout_s=PATIENCE_S) == nothing


@pytest.mark.slow
async def test_the_supervisors_process_clears_a_run_once_and_not_after_a_restart() -> None:
    async with stage() as kernel:
        supervisor, _ = await kernel.begin()
        used, late = await granted(supervisor), await granted(supervisor)
        assert await supervisor.ask(redeem(used), timeout_s=PATIENCE_S) == RunCleared()
        assert "each is good for one run" in await refused(supervisor, redeem(used))
        await supervisor.ask(Restart(), timeout_s=PATIENCE_S)
        assert "restarted" in await refused(supervisor, redeem(late))
        assert "restarted" in await refused(supervisor, WANT)
