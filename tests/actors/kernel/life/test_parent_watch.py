"""Watching the frontend's server: only a parent that is really ours, and what its death sets in motion."""

import asyncio
import os
import subprocess
import sys

import pytest

from actors.kernel.life.parent_watch import watch_parent


@pytest.mark.parametrize("named", [None, "", "0", "1", "x", "-5", "99999999"])
async def test_a_name_that_means_nobody_is_not_watched(named: str | None) -> None:
    died: list[int] = []
    environment = {} if named is None else {"JPY_PARENT_PID": named}
    assert watch_parent(environment, lambda: died.append(1)) is None
    assert died == []


async def test_a_living_parent_is_watched_and_its_death_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    told = asyncio.Event()
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", "input()", stdin=subprocess.PIPE)
    monkeypatch.setattr(os, "getppid", lambda: parent.pid)
    handle = watch_parent({"JPY_PARENT_PID": str(parent.pid)}, told.set)
    assert handle is not None
    try:
        assert not told.is_set()
        parent.kill()
        await asyncio.wait_for(told.wait(), 60)
    finally:
        handle.close()
        await parent.wait()


async def test_a_parent_that_died_before_we_looked_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    died: list[int] = []
    monkeypatch.setattr(os, "getppid", lambda: 1)
    assert watch_parent({"JPY_PARENT_PID": str(os.getpid())}, lambda: died.append(1)) is None
    assert died == [1]
