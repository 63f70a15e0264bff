"""Questions: what a model call costs the shell, what the agent's process takes, and what a turn costs beside the model.

The endpoint is the scripted one of the tests, in a process of its own: it answers at once, or stops in the middle of an answer.
"""

import time

from benchmarks.figures import Row, Series, compared
from benchmarks.kernels import Kernel
from benchmarks.memory import above_the_subkernel
from tests.kit.scripted_process import scripted

SETTLED_S = 10.0
"""After the first answer, until memory is read."""


def measure(*, quick: bool) -> list[Row]:
    """Asks by `llm_request`."""
    return [*_shell_during_a_call(quick=quick), *_overhead_and_memory(quick=quick)]


def _shell_during_a_call(*, quick: bool) -> list[Row]:
    rounds, batch = (3, 60) if quick else (9, 300)
    idle: list[list[float]] = []
    during: list[list[float]] = []
    with scripted("stall") as env:
        kernel = Kernel("beaker", env=env)
        try:
            client = kernel.client
            client.wait_until_usable()
            for _ in range(100):
                client.execute("1")
            for _ in range(rounds):
                idle.append([client.execute("1")[0] for _ in range(batch)])
                asked = client.ask("how long?")
                during.append([client.execute("1")[0] for _ in range(batch)])
                client.send("interrupt_request", {}, on=client.control)
                client.wait_for(asked, "llm_reply")
        finally:
            kernel.stop()
    calling, resting = Series(during), Series(idle)
    p50 = compared("execute p50, during a model call / idle", calling, resting, unit="ms", scale=1e3, budget=1.1)
    p99 = calling.p99 / resting.p99
    return [p50, Row("execute p99, during a model call / idle", calling.p99 * 1e3, resting.p99 * 1e3, "ms", p99, 1.5)]


def _overhead_and_memory(*, quick: bool) -> list[Row]:
    with scripted("answer") as env:
        kernel = Kernel("beaker", env=env)
        try:
            client = kernel.client
            client.wait_until_usable()
            client.execute("1")
            first_s = _answered(kernel)
            time.sleep(SETTLED_S)
            memory = above_the_subkernel(kernel)
            samples = [_answered(kernel) for _ in range(10 if quick else 60)]
        finally:
            kernel.stop()
    turns = Series([samples])
    notes = [f"p99 {turns.p99 * 1e3:.3g} ms", f"the first, which starts the agent: {first_s * 1e3:.0f} ms"]
    rows = [Row("question to first delta", turns.median * 1e3, None, "ms", turns.median * 1e3, 60, notes=notes)]
    if memory:
        total = sum(memory.values())
        parts = [f"{role} {size:.1f}" for role, size in memory.items()]
        rows.append(Row("PSS above the subkernel, 10 s after an answer", total, None, "MB", total, 120, notes=parts))
    return rows


def _answered(kernel: Kernel) -> float:
    """Ask and hear the answer to its end; gives the seconds to its first text."""
    started = time.perf_counter()
    asked = kernel.client.ask("how warm?")
    first_s = time.perf_counter() - started
    kernel.client.wait_for(asked, "llm_reply")
    return first_s
