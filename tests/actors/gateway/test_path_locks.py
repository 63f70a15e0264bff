"""Two writes of one path come one after the other, within a worker and between workers."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from actors.gateway.path_locks import PathLocks
from beaker.contents.failures import NotFree

HOLD = """
import asyncio, sys
import beaker_kernel
from actors.gateway.path_locks import PathLocks
async def hold():
    async with PathLocks(sys.argv[1]).hold("a/b"):
        print("held", flush=True)
        sys.stdin.read()
asyncio.run(hold())
"""
CHECKOUT = Path(__file__).parents[3]


@pytest.fixture
def file(tmp_path: Path) -> str:
    return str(tmp_path / "locks")


@pytest.fixture
def held_by_another(file: str) -> Iterator[subprocess.Popen[str]]:
    """Another process holds `a/b`."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", HOLD, file], cwd=CHECKOUT, text=True, **pipes) as process:  # type: ignore[call-overload]  # as Popen has them
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


async def test_one_waits_for_the_other(file: str) -> None:
    locks, order = PathLocks(file), list[str]()

    async def write(name: str) -> None:
        async with locks.hold("a"):
            order.append(f"{name} begins")
            await asyncio.sleep(0)
            order.append(f"{name} ends")

    await asyncio.gather(write("1"), write("2"), write("3"))
    assert order == [f"{name} {what}" for name in "123" for what in ("begins", "ends")]
    locks.close()


async def test_other_paths_do_not_wait_and_two_at_once_are_no_deadlock(file: str) -> None:
    locks = PathLocks(file, patience_s=30)
    async with locks.hold("a", "b"), locks.hold("c"):
        both = asyncio.create_task(_touch(locks, "b", "a"))
        await asyncio.sleep(0)
    await asyncio.gather(both, _touch(locks, "a", "b"), _touch(locks, "b", "a"), _touch(locks, "a", "a"))
    locks.close()


async def _touch(locks: PathLocks, *paths: str) -> None:
    async with locks.hold(*paths):
        await asyncio.sleep(0)


async def test_a_path_that_another_worker_writes_is_waited_for(file: str, held_by_another: "subprocess.Popen[str]") -> None:
    locks = PathLocks(file, patience_s=0.1)
    with pytest.raises(NotFree, match="being written"):
        await _touch(locks, "a/b")
    await _touch(locks, "a/c")
    locks.close()


async def test_a_worker_that_dies_holds_nothing(file: str, held_by_another: "subprocess.Popen[str]") -> None:
    locks = PathLocks(file, patience_s=60)
    waiting = asyncio.create_task(_touch(locks, "a/b"))
    await asyncio.sleep(0)
    assert not waiting.done()
    held_by_another.kill()
    await waiting
    locks.close()


def test_without_a_write_there_is_no_file(file: str) -> None:
    PathLocks(file).close()
    assert not os.path.exists(file)
