"""Guards in a loop that runs, many in one process: they begin in a folder, crash, and take up after each other."""

import asyncio
import contextlib
import os
import resource
import shutil
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import psutil
import pytest

from actors.runtime.actor import Asked
from actors.supervisor.actor import Message, Supervisor
from actors.supervisor.guard import Guard
from actors.supervisor.limits import Limits
from actors.supervisor.order import GAVE_UP, LEFT, NOT_THE_FIRST
from beaker.messages.subkernel import Died, Ping
from tests.actors.supervisor.stage import PATIENCE_S, Stage, stage

pytestmark = pytest.mark.slow


@contextlib.asynccontextmanager
async def guarded(kernel: Stage, guard: Guard | None = None) -> AsyncIterator[tuple[Guard, "asyncio.Task[int]"]]:
    """A guard of this kernel in this process."""
    guard = guard or Guard(kernel.order)
    assert guard.open() is None
    serving = asyncio.ensure_future(guard.serve())
    try:
        yield guard, serving
    finally:
        serving.cancel()
        await asyncio.wait([serving])
        guard.close()


async def test_many_kernels_live_in_one_process_and_each_ends_alone() -> None:
    async with stage() as one, stage() as other, guarded(one) as (first, ended), guarded(other):
        _, attached = await one.attach()
        _, there = await other.attach()
        assert attached.subkernel is not None
        assert there.subkernel is not None
        first.leave()
        assert await asyncio.wait_for(ended, PATIENCE_S) == LEFT
        assert not one.folder.exists()
        assert await other.run(there.subkernel, "print(6 * 7)") == "42\n"


async def test_a_supervisor_that_crashes_is_followed_by_one_that_can_still_reap(monkeypatch: pytest.MonkeyPatch) -> None:
    receive = Supervisor.receive

    def crash(self: Supervisor, message: Message, asked: Asked | None) -> None:
        if isinstance(message, Ping):
            raise ZeroDivisionError
        receive(self, message, asked)

    monkeypatch.setattr(Supervisor, "receive", crash)
    async with stage() as kernel:
        async with guarded(kernel) as (first, ended):
            supervisor, attached = await kernel.attach()
            assert attached.subkernel is not None
            await kernel.answer(supervisor, attached.subkernel)
            await kernel.run(attached.subkernel, "kept = 12345")
            supervisor.tell(Ping())
            assert await asyncio.wait_for(ended, PATIENCE_S) == GAVE_UP
            order = msgspec.structs.replace(kernel.order, remembered=first.remembered)
            following = Guard(order, children=first.children)
        async with guarded(kernel, following):
            supervisor, attached = await kernel.attach()
            assert attached.subkernel is not None
            assert attached.subkernel.adopted
            assert await kernel.run(attached.subkernel, "print(kept)") == "12345\n"
            os.kill(attached.subkernel.pid or 0, signal.SIGKILL)
            assert (await kernel.probe.expect(Died)).reason == "killed by signal 9 (out of memory?)"
            await kernel.started()


async def test_what_was_given_up_is_not_started_by_the_next_guard(short_folder: Path) -> None:
    async with stage(spec_name="no-such-kernel") as kernel:
        async with guarded(kernel) as (first, _):
            assert "no-such-kernel" in first.failure
            order = msgspec.structs.replace(kernel.order, spec_name="python3", remembered=first.remembered)
        async with guarded(kernel, Guard(order)) as (following, _):
            _, attached = await kernel.attach()
            assert (attached.state, attached.reason) == ("dead", following.failure)


async def test_a_kernel_that_another_guard_has_is_left_alone() -> None:
    async with stage() as kernel, guarded(kernel):
        second = Guard(kernel.order)
        assert second.open() == NOT_THE_FIRST
        second.close()
        _, attached = await kernel.attach()
        assert attached.state == "running"


async def test_a_folder_that_is_cleaned_away_under_an_owner_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actors.supervisor.caretaker.LOOK_AT_FOLDER_S", 0.1)
    async with stage() as kernel:
        async with guarded(kernel) as (first, ended):
            supervisor, attached = await kernel.attach()
            assert attached.subkernel is not None
            await kernel.answer(supervisor, attached.subkernel)
            kernel.folder.rename(kernel.root / "gone")
            shutil.rmtree(kernel.root / "gone")
            assert await asyncio.wait_for(ended, PATIENCE_S) == GAVE_UP
            order = msgspec.structs.replace(kernel.order, remembered=first.remembered)
            following = Guard(order, children=first.children)
        async with guarded(kernel, following):
            _, again = await kernel.attach()
            assert again.subkernel is not None
            assert again.subkernel.pid == attached.subkernel.pid


async def test_cells_begin_in_the_folder_of_the_order_with_the_descriptors_they_would_have_without_us(tmp_path: Path) -> None:
    async with stage(working_folder=str(tmp_path), limits=Limits(open_files=300)) as kernel, guarded(kernel):
        _, attached = await kernel.attach()
        assert attached.subkernel is not None
        process = psutil.Process(attached.subkernel.pid)
        assert process.cwd() == str(tmp_path)
        assert process.rlimit(resource.RLIMIT_NOFILE) == (300, resource.getrlimit(resource.RLIMIT_NOFILE)[1])


async def test_a_folder_where_cells_cannot_begin_is_named(tmp_path: Path) -> None:
    async with stage(working_folder=str(tmp_path / "none")) as kernel, guarded(kernel) as (guard, _):
        assert f"it cannot begin in the folder {tmp_path / 'none'}: No such file or directory" in guard.failure
        assert guard.failure.endswith("See that the folder is there and may be entered, then start the kernel anew.")
