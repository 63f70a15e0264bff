"""The runtime folder is cleaned away while a Supervisor is only beginning: nothing that it started is left behind."""

import asyncio
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from actors.supervisor import household, record, watcher
from actors.supervisor.order import GAVE_UP
from actors.supervisor.role import fork_supervisor
from tests.actors.supervisor.stage import Stage, stage, until

pytestmark = pytest.mark.slow


async def status_of(pid: int) -> int:
    """How a Supervisor left."""
    _, status = await asyncio.to_thread(os.waitpid, pid, 0)
    return os.waitstatus_to_exitcode(status)


def before(monkeypatch: pytest.MonkeyPatch, owner: object, name: str, first: Callable[[], object]) -> None:
    """Do something else first, in the copy of this process that the Supervisor is."""
    original = getattr(owner, name)

    def both(*positional: object, **named: object) -> object:
        first()
        return original(*positional, **named)

    monkeypatch.setattr(owner, name, both)


@pytest.mark.parametrize("when", ["before the watcher", "before the launch", "before the record", "before it serves"])
async def test_a_supervisor_without_a_folder_leaves_and_takes_along_what_it_started(
    when: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async with stage() as kernel:

        def clean_away() -> None:
            kernel.folder.rename(tmp_path / "gone")
            shutil.rmtree(tmp_path / "gone")

        if when == "before the watcher":
            before(monkeypatch, watcher, "ensure", clean_away)
        elif when == "before the launch":
            before(monkeypatch, household, "launch", clean_away)
        elif when == "before the record":
            before(monkeypatch, record, "write", clean_away)
        children = psutil.Process().children
        supervisor = fork_supervisor(kernel.order, before_serving=clean_away if when == "before it serves" else None)
        assert await status_of(supervisor) == GAVE_UP
        monkeypatch.undo()
        # The stage is a subreaper: what the Supervisor left behind would be a child of this process, as of a kernel process.
        await until(lambda: not [each for each in children(recursive=True) if is_of(kernel, each)])
        assert not kernel.folder.exists()
        _, subkernel = await kernel.begin()
        assert await kernel.run(subkernel, "print(6 * 7)") == "42\n"


def is_of(kernel: Stage, process: psutil.Process) -> bool:
    """Whether it runs and belongs to that kernel."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE and any(str(kernel.root) in word for word in process.cmdline())
    except psutil.NoSuchProcess:
        return False
