"""A Registry with real subkernels and hosts that are played: kernels begin, are served, and end with all that they had."""

import asyncio
import contextlib
import os
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest

from actors.registry.chronicle import Chronicle
from actors.registry.keeping import Kept
from actors.runtime.actor import Asked
from actors.runtime.clock import Timer
from actors.runtime.context import Context
from actors.runtime.failures import AskFailed
from actors.runtime.trace import current_trace
from actors.supervisor.actor import Message, Supervisor
from beaker.messages.figures import Figures, GatherFigures
from beaker.messages.host import KernelStanding
from beaker.messages.registry import (
    AllEnded,
    ChangeSession,
    EndKernel,
    KernelEnded,
    Kernels,
    ListKernels,
    OpenSession,
    RegistryFailure,
    StartKernel,
)
from beaker.messages.subkernel import Ping
from beaker.subkernels.facts import LeaseOver
from tests.actors.registry.stage import PATIENCE_S, Stage, stage
from tests.actors.supervisor.stage import install_spec, until

pytestmark = pytest.mark.slow


def kernel_folders(gateway: Stage) -> list[Path]:
    return list((gateway.root / "run" / "beaker").glob("*"))


def zombies() -> set[int]:
    """What has ended and was not reaped, of all that this process has started."""
    found: set[int] = set()
    for process in psutil.Process().children():
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.status() == psutil.STATUS_ZOMBIE:
                found.add(process.pid)
    return found


async def refused(asking: Awaitable[object]) -> RegistryFailure:
    with pytest.raises(AskFailed) as caught:
        await asking
    assert isinstance(caught.value.failure, RegistryFailure)
    return caught.value.failure


async def test_a_kernel_begins_beside_its_document_with_the_variables_of_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_PASSWORD", "x")
    monkeypatch.setenv("JUPYTER_TOKEN", "x")
    monkeypatch.setenv("LC_NOTE", "a-token-of-the-test")
    monkeypatch.setenv("MPLCONFIGDIR", "/x-sk-of-the-test")
    monkeypatch.setenv("TEAM", "blue")
    monkeypatch.setenv("TEAM_KEY", "sk-of-the-test")
    async with stage(monkeypatch, pass_env=("TEAM*",)) as gateway:
        (gateway.work / "deep").mkdir()
        await gateway.open()
        host, registry = await gateway.host(), await gateway.worker()
        wanted = StartKernel(spec_name="idle", path="deep/n.ipynb", environment={"KERNEL_USERNAME": "ada", "LD_PRELOAD": "x"})
        entry = await gateway.start(registry, wanted)
        attached = host.attached[entry.kernel_id]
        assert attached.subkernel is not None
        process = psutil.Process(attached.subkernel.pid)
        environment = process.environ()
        assert process.cwd() == entry.folder == f"{gateway.work}/deep"
        assert (environment["KERNEL_USERNAME"], environment["TEAM"]) == ("ada", "blue")
        assert environment["JPY_SESSION_NAME"] == f"{gateway.work}/deep/n.ipynb"
        assert environment.keys() & {"DATABASE_PASSWORD", "LC_NOTE", "LD_PRELOAD", "JUPYTER_TOKEN"} == set()
        assert "a-token-of-the-test" not in "".join(environment.values())
        assert "sk-of-the-test" not in "".join(environment.values())
        served = host.served[entry.kernel_id]
        assert served.kernel == entry
        assert served.environment.items() <= environment.items()
        assert await gateway.kernels(registry) == [entry.kernel_id]


async def test_a_kernel_that_a_client_ends_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as gateway:
        await gateway.open()
        host, registry = await gateway.host(), await gateway.worker()
        session = (await registry.ask(OpenSession(path="a.ipynb", spec_name="idle"), timeout_s=PATIENCE_S)).session
        kernel_id = session.kernel.kernel_id
        own = {process.pid for process in gateway.left()}  # processes of other tests may end only now, less politely
        assert len(own) == 2
        ended = await registry.ask(EndKernel(kernel_id=kernel_id), timeout_s=PATIENCE_S)
        assert ended == KernelEnded(kernel_id=kernel_id)
        assert host.ended == [kernel_id]
        assert (await gateway.kernels(registry), await gateway.paths(registry), kernel_folders(gateway)) == ([], [], [])
        await until(lambda: gateway.left() == [])
        await until(lambda: not own & zombies())


async def test_a_kernel_whose_host_is_away_can_be_ended_too(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as gateway:
        await gateway.open()
        await gateway.host()
        registry = await gateway.worker()
        entry = await gateway.start(registry)
        await gateway.hosts[0].node.stop()
        assert await registry.ask(EndKernel(kernel_id=entry.kernel_id), timeout_s=PATIENCE_S) == KernelEnded(kernel_id=entry.kernel_id)
        await until(lambda: gateway.left() == [])


async def test_a_kernel_that_ends_at_its_host_leaves_with_its_session(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.registry.keeping.LEAVING_LIMIT_S", 0.1)  # this host does not end it, it only says so
    leave = Kept.leave

    def leave_in_time(kept: Kept) -> None:
        """However slow this machine is: nobody would be left to insist any further."""
        monkeypatch.setattr("actors.registry.keeping.LEAVING_LIMIT_S", PATIENCE_S)
        leave(kept)

    monkeypatch.setattr(Kept, "leave", leave_in_time)
    async with stage(monkeypatch) as gateway:
        await gateway.open()
        await gateway.host()
        registry = await gateway.worker()
        session = (await registry.ask(OpenSession(path="a.ipynb", spec_name="idle"), timeout_s=PATIENCE_S)).session
        to_registry = gateway.hosts[0].registry
        assert to_registry is not None
        to_registry.tell(KernelEnded(kernel_id=session.kernel.kernel_id))
        await until(lambda: kernel_folders(gateway) == [])
        again = await registry.ask(OpenSession(path="a.ipynb", spec_name="idle"), timeout_s=PATIENCE_S)
        assert again.is_new
        assert again.session.session_id != session.session_id


async def test_a_host_that_is_replaced_is_given_its_kernels_and_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch, workers=2) as gateway:
        await gateway.open()
        await gateway.host(0, pid=os.getpid())
        await gateway.host(1, pid=os.getpid())
        registry = await gateway.worker()
        entries = [await gateway.start(registry) for _ in range(3)]
        assert [entry.host for entry in entries] == [0, 1, 0]
        await gateway.hosts[0].node.stop()
        following = await gateway.host(0)
        await following.serves(entries[0].kernel_id, entries[2].kernel_id)
        assert set(following.served) == {entries[0].kernel_id, entries[2].kernel_id}
        assert await gateway.kernels(registry) == [entry.kernel_id for entry in entries]


async def test_a_kernel_that_is_wanted_while_no_host_is_there_starts_when_one_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as gateway:
        await gateway.open()
        registry = await gateway.worker()
        starting = asyncio.ensure_future(gateway.start(registry))
        await until(lambda: kernel_folders(gateway))
        host = await gateway.host()
        entry = await starting
        assert list(host.served) == [entry.kernel_id]


async def test_a_kernelspec_that_does_not_start_is_told_with_its_path_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as gateway:
        install_spec(gateway.root, "wrong", argv=["/no/such/program"])
        await gateway.open()
        await gateway.host()
        registry = await gateway.worker()
        failure = await refused(registry.ask(OpenSession(path="a", spec_name="wrong"), timeout_s=PATIENCE_S))
        assert failure.kind == "not_started"
        assert "/no/such/program cannot be run" in failure.reason
        assert "share/kernels/wrong/kernel.json" in failure.reason
        await until(lambda: gateway.left() == [] and kernel_folders(gateway) == [])
        assert (await gateway.kernels(registry), await gateway.paths(registry)) == ([], [])


async def test_a_kernel_that_its_host_refuses_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as gateway:
        await gateway.open()
        host, registry = await gateway.host(), await gateway.worker()
        host.refusal = "no descriptors are left"
        failure = await refused(registry.ask(StartKernel(spec_name="idle"), timeout_s=PATIENCE_S))
        assert (failure.kind, failure.reason) == ("not_started", "no descriptors are left")
        await until(lambda: gateway.left() == [] and kernel_folders(gateway) == [])


async def test_a_path_outside_of_the_root_and_an_unknown_name_start_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as gateway:
        await gateway.open()
        registry = await gateway.worker()
        outside = await refused(registry.ask(StartKernel(spec_name="idle", path="../x.ipynb"), timeout_s=PATIENCE_S))
        unknown = await refused(registry.ask(StartKernel(spec_name="idel"), timeout_s=PATIENCE_S))
        assert (outside.kind, unknown.kind) == ("bad_path", "unknown_spec")
        assert "Did you mean 'idle'?" in unknown.reason
        assert not kernel_folders(gateway)


async def test_a_supervisor_that_crashes_is_followed_by_one_that_adopts(monkeypatch: pytest.MonkeyPatch) -> None:
    receive = Supervisor.receive

    def crash(self: Supervisor, message: Message, asked: Asked | None) -> None:
        if isinstance(message, Ping):
            raise ZeroDivisionError
        receive(self, message, asked)

    monkeypatch.setattr(Supervisor, "receive", crash)
    async with stage(monkeypatch) as gateway:
        await gateway.open()
        host, registry = await gateway.host(), await gateway.worker()
        entry = await gateway.start(registry)
        first = host.attached[entry.kernel_id].subkernel
        assert first is not None
        host.supervisors[entry.kernel_id].tell(Ping())
        await gateway.hosts[0].node.stop()
        following = await gateway.host()
        await following.serves(entry.kernel_id)
        second = following.attached[entry.kernel_id].subkernel
        assert second is not None
        assert (second.pid, second.adopted) == (first.pid, True)
        assert await gateway.kernels(registry) == [entry.kernel_id]


async def test_all_kernels_end_when_the_gateway_is_stopped_and_none_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch, workers=2) as gateway:
        await gateway.open()
        await gateway.host(0)
        registry = await gateway.worker()
        for _ in range(2):
            await gateway.start(registry)
        assert await gateway.end_all() == AllEnded()
        assert (kernel_folders(gateway), (await refused(registry.ask(StartKernel(), timeout_s=PATIENCE_S))).kind) == ([], "busy")
        await until(lambda: gateway.left() == [])


async def test_a_journal_that_cannot_be_written_is_told_and_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.registry.actor.RETRY_S", 0.05)
    async with stage(monkeypatch) as gateway:
        (gateway.root / "state").touch()  # a file where the folder would be
        await gateway.open()
        host = await gateway.host()
        registry = await gateway.worker()
        entry = await gateway.start(registry)
        listed = await registry.ask(ListKernels(), timeout_s=PATIENCE_S)
        assert isinstance(listed, Kernels)
        assert "cannot be opened: " in listed.not_saving
        assert host.heard_of_saving == [listed.not_saving]
        (gateway.root / "state").unlink()
        async with asyncio.timeout(PATIENCE_S):
            while (await registry.ask(ListKernels(), timeout_s=PATIENCE_S)).not_saving:
                await registry.ask(ListKernels(), timeout_s=PATIENCE_S)  # the next attempt is a timer's
        await until(lambda: host.heard_of_saving[-1] == "")
        await gateway.close()
        await gateway.open()
        # A host says of its kernels what it has heard last, and that may have been from a Registry that could not write.
        linked = await gateway.host()
        await until(lambda: linked.heard_of_saving == [""])
        assert await gateway.kernels(await gateway.worker()) == [entry.kernel_id]


async def test_a_session_that_is_given_another_kernel_ends_the_one_it_had(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as gateway:
        await gateway.open()
        host, registry = await gateway.host(), await gateway.worker()
        session = (await registry.ask(OpenSession(path="a.ipynb", spec_name="idle"), timeout_s=PATIENCE_S)).session
        changed = (await registry.ask(ChangeSession(session_id=session.session_id, spec_name="idle"), timeout_s=PATIENCE_S)).session
        assert changed.kernel.kernel_id != session.kernel.kernel_id
        await until(lambda: host.ended == [session.kernel.kernel_id])


async def test_a_kernel_that_nobody_uses_is_ended_and_one_at_work_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch, idle_timeout_s=0.1) as gateway:
        await gateway.open()
        host, registry = await gateway.host(), await gateway.worker()
        idle, busy = [(await gateway.start(registry)).kernel_id for _ in range(2)]
        resting = KernelStanding(kernel_id=idle, execution_state="idle", last_activity=1.0, connections=0, at_work=False)
        host.standings = [resting, msgspec.structs.replace(resting, kernel_id=busy, execution_state="busy", at_work=True)]
        await until(lambda: host.ended)
        await gateway.until_listed(registry, busy)
        assert host.ended == [idle]


async def test_a_kernel_that_somebody_has_come_to_since_it_was_looked_at_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch, idle_timeout_s=0.1) as gateway:
        await gateway.open()
        host, registry = await gateway.host(), await gateway.worker()
        used, unused = [(await gateway.start(registry)).kernel_id for _ in range(2)]
        host.in_use = [used]
        resting = KernelStanding(kernel_id=used, execution_state="idle", last_activity=1.0, connections=0, at_work=False)
        host.standings = [resting]
        await until(lambda: not host.in_use)
        host.standings = [msgspec.structs.replace(resting, kernel_id=unused)]
        await until(lambda: host.ended)
        await gateway.until_listed(registry, used)
        assert host.ended == [unused]


async def test_hosts_are_looked_at_all_at_once_so_that_one_that_is_silent_makes_no_answer_old(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch, idle_timeout_s=0.1, workers=2) as gateway:
        await gateway.open()
        first, second = await gateway.host(0), await gateway.host(1)
        first.waits_for = second.looked_at
        kernel = (await gateway.start(await gateway.worker())).kernel_id
        first.standings = [KernelStanding(kernel_id=kernel, execution_state="idle", last_activity=1.0, connections=0, at_work=False)]
        await until(lambda: first.ended == [kernel])


async def test_a_kernel_that_is_gone_unasked_is_forgotten_and_its_host_told(monkeypatch: pytest.MonkeyPatch) -> None:
    call_later, hurry = Context.call_later, list[bool]()

    def in_no_time(context: Context[Any], delay_s: float, message: object) -> Timer:  # Any: of whatever actor
        return call_later(context, 0.0 if hurry and isinstance(message, LeaseOver) else delay_s, message)

    monkeypatch.setattr(Context, "call_later", in_no_time)
    async with stage(monkeypatch) as gateway:
        await gateway.open()
        host, registry = await gateway.host(), await gateway.worker()
        entry = await gateway.start(registry)
        hurry.append(True)
        await host.on_stop()  # it owns the kernel no longer, and nobody else does: the lease runs, and is over
        await until(lambda: host.ended == [entry.kernel_id])
        assert await gateway.kernels(registry) == []


async def test_the_numbers_of_all_who_answer_come_together_with_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.registry.gathering.LIMIT_S", 0.1)
    async with stage(monkeypatch, idle_timeout_s=0.4) as gateway:
        await gateway.open()
        host = await gateway.host()
        registry = await gateway.worker()  # has no actor that could be asked
        kernel = (await gateway.start(registry)).kernel_id
        host.standings = [KernelStanding(kernel_id=kernel, execution_state="idle", last_activity=0.0, connections=0, at_work=False)]
        await until(lambda: host.ended == [kernel])
        await gateway.until_listed(registry)
        host.others = [Figures(role="worker", number=0, started_at=1.0, samples=[])]  # of an agent host, whatever it says
        wanted = [("host", 0), ("agent-host", 0), ("registry", 0), ("guardian", 0)]
        roles: list[tuple[str, int]] = []
        async with asyncio.timeout(PATIENCE_S):
            while roles != wanted:  # who answers later than that on a busy machine is missing
                gathered = await registry.ask(GatherFigures(), timeout_s=PATIENCE_S)
                roles = [(each.role, each.number) for each in gathered.processes]
                assert {*roles} <= {*wanted}
        *_, own, guardian = [{sample.name for sample in each.samples} for each in gathered.processes]
        assert {name for name in own if "process" in name} == guardian
        found = {sample.name: sample.value for sample in gathered.processes[-2].samples if not sample.labels}
        names = ("kernels", "sessions", "not_saving", "kernels_started_total", "kernels_ended_total", "kernels_culled_total")
        assert [found[f"beaker_{name}"] for name in names] == [0, 0, 0, 1, 1, 1]
        assert found["beaker_process_starts_total"] == 1


async def test_the_end_of_a_kernel_is_put_down_under_the_request_that_wanted_it(monkeypatch: pytest.MonkeyPatch) -> None:
    struck: list[str] = []

    def strike(chronicle: Chronicle, kernel_id: str) -> None:
        struck.append(current_trace.get())

    monkeypatch.setattr(Chronicle, "strike_kernel", strike)
    async with stage(monkeypatch) as gateway:
        await gateway.open()
        await gateway.host()
        registry = await gateway.worker()
        current_trace.set("wants-a-kernel")
        kernel = (await gateway.start(registry)).kernel_id
        current_trace.set("wants-none")
        await registry.ask(EndKernel(kernel_id=kernel), timeout_s=PATIENCE_S)
    assert struck == ["wants-none"]


async def test_kernels_that_are_started_without_end_are_slowed_down_whichever_worker_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch, max_kernels=1, starts_per_s=0.001) as gateway:
        await gateway.open()
        await gateway.host()
        first, second = await gateway.worker(), await gateway.worker()
        opened = await first.ask(OpenSession(path="a.ipynb", spec_name="idle"), timeout_s=PATIENCE_S)
        for wish in (StartKernel(spec_name="idle"), OpenSession(path="b.ipynb"), ChangeSession(session_id="s", spec_name="idle")):
            failure = await refused(second.ask(wish, timeout_s=PATIENCE_S))
            assert (failure.kind, failure.reason.startswith("More kernels are started than this gateway allows.")) == ("limit", True)
            assert failure.retry_after_s is not None
            assert 900 < failure.retry_after_s <= 1000
        # What starts nothing is not counted.
        again = await second.ask(OpenSession(path="a.ipynb"), timeout_s=PATIENCE_S)
        assert again.session.session_id == opened.session.session_id


async def test_kernels_that_are_wanted_in_the_same_moment_are_counted_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch, max_kernels=2, starts_per_s=0.001) as gateway:
        await gateway.open()
        await gateway.host()
        registry = await gateway.worker()
        former = await gateway.start(registry)
        await registry.ask(EndKernel(kernel_id=former.kernel_id), timeout_s=PATIENCE_S)
        asked = [registry.ask(StartKernel(spec_name="idle"), timeout_s=PATIENCE_S) for _ in range(2)]
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        (failed,) = [outcome for outcome in outcomes if isinstance(outcome, AskFailed)]
        assert isinstance(failed.failure, RegistryFailure)
        assert failed.failure.reason.startswith("More kernels are started than this gateway allows.")
        assert len(await gateway.kernels(registry)) == 1
