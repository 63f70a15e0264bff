"""Real processes: born with a secret, ready when they say so, their death known at once."""

import asyncio
import gc
import os
import signal
import sys
from pathlib import Path

import pytest

from actors.runtime.failures import Unreachable
from actors.runtime.kit import PATIENCE_S, Probe
from actors.runtime.node import Node
from actors.runtime.pidfd import NoSuchProcessError, ProcessHandle
from actors.runtime.process import Child, Exit, NotReadyError, start
from tests.actors.runtime.vocabulary import Double, Doubled, Keep, Vocabulary, codec

pytestmark = pytest.mark.slow

SECRET = b"\x00a secret of the test\xff"
CHILD = str(Path(__file__).with_name("child.py"))
ROOT = str(Path(__file__).parents[3])


def begin(mode: str, *rest: str) -> Child:
    environment = {**os.environ, "PYTHONPATH": ROOT}
    return start([sys.executable, CHILD, mode, *rest], role="child", secret=SECRET, environment=environment)


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.fixture
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tmp_path_factory.mktemp("s") / "c.sock")


async def test_a_child_gets_its_secret_serves_and_its_death_is_known_at_once(path: str) -> None:
    child = begin("serve", path)
    await child.ready(PATIENCE_S)
    node = Node("parent")
    link = await node.connect(path, codec=codec, secret=SECRET, timeout_s=PATIENCE_S)
    assert link.peer.pid == child.pid
    assert await link.ref("worker").ask(Double(number=4), timeout_s=PATIENCE_S) == Doubled(number=8)
    watcher: Probe[Vocabulary] = Probe()
    await node.spawn("watcher", lambda: watcher)
    watcher.context.monitor(link.ref("worker"))
    kept = asyncio.ensure_future(link.ref("worker").ask(Keep(), timeout_s=3600))
    await link.ref("worker").ask(Double(number=4), timeout_s=PATIENCE_S)
    child.send_signal(signal.SIGKILL)
    # By its death, and not by the hour after which nobody would wait any more.
    async with asyncio.timeout(PATIENCE_S):
        assert await child.exited == Exit(status=None, signal=9)
        with pytest.raises(Unreachable):
            await kept
    assert (await watcher.expect_down()).reason == "link lost"
    await node.stop()


async def test_the_secret_stands_in_no_argument_and_no_environment(path: str) -> None:
    child = begin("serve", path)
    await child.ready(PATIENCE_S)
    proc = Path(f"/proc/{child.pid}")
    assert b"a secret of the test" not in proc.joinpath("environ").read_bytes() + proc.joinpath("cmdline").read_bytes()
    assert (await child.end(10)) == Exit(status=None, signal=15)


async def test_a_child_that_fails_says_why(path: str) -> None:
    with pytest.raises(NotReadyError, match=r"the child process .* no model is configured"):
        await begin("fail").ready(PATIENCE_S)


@pytest.mark.parametrize("mode", ["exit", "lingers"])
async def test_a_child_that_ends_before_it_is_ready_is_named_with_its_status(mode: str) -> None:
    child = begin(mode)
    with pytest.raises(NotReadyError, match="exited with status 3"):
        await child.ready(PATIENCE_S)
    assert (await child.exited).words == "exited with status 3"


async def test_a_silent_child_is_killed_when_its_time_is_over() -> None:
    child = begin("silent")
    with pytest.raises(NotReadyError, match=r"said nothing within 0\.1 s"):
        await child.ready(0.1)
    assert (await child.exited).words == "killed by signal 9"
    with pytest.raises(NoSuchProcessError):
        ProcessHandle(child.pid)


async def test_a_child_that_ignores_sigterm_is_killed_after_its_grace() -> None:
    child = begin("deaf")
    await child.ready(PATIENCE_S)
    assert await child.end(0.1) == Exit(status=None, signal=9)


async def test_a_child_ends_with_its_parent(path: str) -> None:
    parent = begin("parent", path)
    await parent.ready(PATIENCE_S)
    with open(path + ".pid") as file:  # noqa: ASYNC230 - some bytes
        grandchild = ProcessHandle(int(file.read()))
    gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    grandchild.on_exit(lambda: gone.set_result(None))
    parent.send_signal(signal.SIGKILL)
    await asyncio.wait_for(gone, PATIENCE_S)
    await parent.exited
    grandchild.close()


async def test_no_descriptor_is_left_behind() -> None:
    await begin("exit").exited
    gc.collect()  # or what other tests have left would go while these are counted
    before = open_descriptors()
    for _ in range(2):
        with pytest.raises(NotReadyError):
            await begin("exit").ready(PATIENCE_S)
    assert open_descriptors() == before


async def test_a_program_that_is_not_there_is_an_os_error_and_leaves_nothing() -> None:
    gc.collect()
    before = open_descriptors()
    with pytest.raises(FileNotFoundError):
        start(["/nonexistent/program"], role="child", secret=SECRET)
    assert open_descriptors() == before


async def test_a_secret_that_is_too_long_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 4096"):
        start([sys.executable], role="child", secret=b"x" * 5000)


async def test_a_process_that_is_not_our_child_can_be_watched_and_signalled() -> None:
    child = begin("silent")
    handle = ProcessHandle(child.pid)
    gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    handle.on_exit(lambda: gone.set_result(None))
    handle.send_signal(signal.SIGKILL)
    await asyncio.wait_for(gone, PATIENCE_S)
    await child.exited
    with pytest.raises(NoSuchProcessError):
        handle.send_signal(signal.SIGKILL)
    handle.close()
    handle.close()
