"""FAULTS 35: the clock on the wall jumps by an hour, forwards and back, under a kernel with all that it times.

The monotonic clock, which no time server sets, goes on as it is.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.kit.questions import CELL, ask, displays, until_text
from tests.kit.running_kernel import RunningKernel, running_kernel
from tests.kit.wall_clock import WallClock
from tests.scripted.replies import STALL, Speak, failure
from tests.scripted.threaded import ThreadedEndpoint, serving

HOUR_S = 3600


@pytest.fixture
def clock(tmp_path: Path, need_tool: Callable[..., str]) -> WallClock:
    return WallClock(tmp_path, need_tool("cc", "gcc", "clang"))


@pytest.fixture
def throttled() -> Iterator[ThreadedEndpoint]:
    with serving([failure(429, "slow down", headers={"Retry-After": "2"}), STALL, Speak(text="later")]) as endpoint:
        yield endpoint


def seen_by_cells(kernel: RunningKernel) -> float:
    """By the reply alone: what the question shows meanwhile stays unread."""
    look = kernel.send("", silent=True, user_expressions={"now": "__import__('time').time()"})
    return float(kernel.reply(look)["content"]["user_expressions"]["now"]["data"]["text/plain"])


def test_a_kernel_in_use_notices_nothing(clock: WallClock, throttled: ThreadedEndpoint) -> None:
    limits = {"BEAKER_AGENT_SILENCE_TIMEOUT_S": "2", "BEAKER_KERNEL_LEASE_S": "60", "BEAKER_AGENT_WAITING_WORDS_AFTER_S": "0.5"}
    # An hour is more than these, and no process of a busy machine is kept from its turn for so long.
    limits |= {f"BEAKER_KERNEL_{what}_SILENCE_S": "30" for what in ("HEARTBEAT", "CONTROL", "AGENT", "SUPERVISOR")}
    with running_kernel(env={**clock.environment, **throttled.environment, **limits}) as kernel:
        kernel.run("x = 1")
        pid = kernel.subkernel_pid()
        asked = ask(kernel, "%%ai how long?", **CELL)
        until_text(kernel, asked, "waiting 2 s (2 of 3)")
        for hours in (1, -1):
            clock.jump(hours * HOUR_S)
            assert abs(seen_by_cells(kernel) - time.time() - hours * HOUR_S) < 600, "the clock was not set"
        until_text(kernel, asked, "one two")
        clock.jump(HOUR_S)
        cut = kernel.outcome(asked)
        first, second = throttled.endpoint.requests
        assert second.at - first.at >= 2.0
        assert "sent nothing more for 2 s" in cut.text
        clock.jump(-HOUR_S)
        answered = kernel.outcome(ask(kernel, "%%ai and now?", **CELL))
        assert displays(answered.outputs)[-1]["content"]["data"]["text/markdown"] == "later"
        status = kernel.run("%beaker status").text
        assert "not responding" not in status
        assert (kernel.run("x").text, kernel.subkernel_pid()) == ("1", pid)


def test_restart_intensity_is_not_fooled(clock: WallClock) -> None:
    limits = {"BEAKER_SUBKERNEL_RESTART_LIMIT": "2", "BEAKER_SUBKERNEL_RESTART_WINDOW_S": "600"}
    with running_kernel(env={**clock.environment, **limits}) as kernel:
        for death, hours in enumerate((1, -1, 1)):
            pid = kernel.subkernel_pid()
            clock.jump(hours * HOUR_S)
            os.kill(pid, signal.SIGKILL)
            kernel.wait_for_status("idle" if death < 2 else "dead")
        assert "died 3 times within 600 s" in kernel.run("1").text
        assert kernel.run("%beaker restart").status == "ok"
        kernel.wait_for_status("idle")
        assert kernel.run("6 * 7").text.endswith("42")
