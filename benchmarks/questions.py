"""Questions: what a model call costs the shell, what the agent's process takes, and what a turn costs beside the model.

The endpoint is the scripted one of the tests, in a process of its own: it answers at once, or stops in the middle of an answer.
"""

import time
from collections.abc import Callable

import psutil

from benchmarks.client import Client
from benchmarks.figures import Row, Series, compared
from benchmarks.kernels import Kernel
from benchmarks.memory import above_the_subkernel
from tests.kit.scripted_process import scripted

SETTLED_S = 10.0
"""After the first answer, until memory is read."""


APART_S = 2.1
"""Between two interrupts: a second one within 2 s stops the question too, and signals the subkernel whatever it does."""

Look = Callable[[Client], float]
"""Does one thing and gives the seconds that it took."""


def measure(*, quick: bool) -> list[Row]:
    """Asks by `llm_request`, and by `%%ai` where it is the cell that counts."""
    return [
        *_shell_during_a_call(quick=quick),
        *_agent_stopped(quick=quick),
        *_overhead_and_memory(quick=quick),
        *_agent_killed(quick=quick),
    ]


def _shell_during_a_call(*, quick: bool) -> list[Row]:
    rounds, batch, stops = (3, 60, 1) if quick else (9, 300, 2)
    waits: dict[str, tuple[Look, int]] = {
        "execute": (_execute, batch),
        "completion": (_complete, batch // 3),
        "interrupt": (_interrupt, stops),
    }
    idle: dict[str, list[list[float]]] = {name: [] for name in waits}
    during: dict[str, list[list[float]]] = {name: [] for name in waits}
    with scripted("stall") as env:
        kernel = Kernel("beaker", env=env)
        try:
            client = kernel.client
            client.wait_until_usable()
            client.execute("import time")
            for look, count in waits.values():
                for _ in range(max(count // 3, 1)):
                    look(client)
            for _ in range(rounds):
                for name, (look, count) in waits.items():
                    idle[name].append([look(client) for _ in range(count)])
                asked = client.ask("how long?")
                for name, (look, count) in waits.items():
                    during[name].append([look(client) for _ in range(count)])
                time.sleep(APART_S)
                client.send("interrupt_request", {}, on=client.control)
                client.wait_for(asked, "llm_reply")
        finally:
            kernel.stop()
    rows: list[Row] = []
    for name in waits:
        calling, resting = Series(during[name]), Series(idle[name])
        rows.append(compared(f"{name} p50, during a model call / idle", calling, resting, unit="ms", scale=1e3, budget=1.1))
        if name == "execute":
            p99 = calling.p99 / resting.p99
            rows.append(Row("execute p99, during a model call / idle", calling.p99 * 1e3, resting.p99 * 1e3, "ms", p99, 1.5))
    return rows


def _agent_stopped(*, quick: bool) -> list[Row]:
    """The agent stands still in the middle of an answer: a hang, of which the shell must not notice anything."""
    rounds, batch = (3, 100) if quick else (9, 300)
    idle: list[list[float]] = []
    stopped: list[list[float]] = []
    with scripted("stall") as env:
        kernel = Kernel("beaker", env=env)
        try:
            client = kernel.client
            client.wait_until_usable()
            client.ask_in_cell("how long?", until="one ")
            agent = _agent(kernel)
            for _ in range(rounds):
                idle.append([_execute(client) for _ in range(batch)])
                agent.suspend()
                try:
                    stopped.append([_execute(client) for _ in range(batch)])
                finally:
                    agent.resume()
        finally:
            kernel.stop()
    still, working = Series(stopped), Series(idle)
    p99 = still.p99 / working.p99
    return [
        compared("execute p50, agent stopped / answering", still, working, unit="ms", scale=1e3, budget=1.1),
        Row("execute p99, agent stopped / answering", still.p99 * 1e3, working.p99 * 1e3, "ms", p99, 1.5),
    ]


def _execute(client: Client) -> float:
    return client.execute("1")[0]


def _complete(client: Client) -> float:
    started = time.perf_counter()
    client.wait_for(client.send("complete_request", {"code": "time.slee", "cursor_pos": 9}), "complete_reply")
    return time.perf_counter() - started


def _interrupt(client: Client) -> float:
    """From the interrupt of a cell that sleeps to its reply; a question that is being answered meanwhile goes on."""
    time.sleep(APART_S)
    running = client.send("execute_request", {"code": "print('on'); time.sleep(60)", "silent": False, "allow_stdin": False})
    client.wait_for(running, "stream")
    started = time.perf_counter()
    client.send("interrupt_request", {}, on=client.control)
    client.wait_for(running, "execute_reply")
    return time.perf_counter() - started


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
            in_cells = Series([[_shown(kernel) for _ in range(10 if quick else 60)]])
        finally:
            kernel.stop()
    turns = Series([samples])
    notes = [f"p99 {turns.p99 * 1e3:.3g} ms", f"the first, which starts the agent: {first_s * 1e3:.0f} ms"]
    rows = [Row("question to first delta", turns.median * 1e3, None, "ms", turns.median * 1e3, 60, notes=notes)]
    notes = [f"p99 {in_cells.p99 * 1e3:.3g} ms"]
    rows.append(Row("%%ai cell to first text", in_cells.median * 1e3, None, "ms", in_cells.median * 1e3, 60, notes=notes))
    if memory:
        total = sum(memory.values())
        parts = [f"{role} {size:.1f}" for role, size in memory.items()]
        rows.append(Row("PSS above the subkernel, 10 s after an answer", total, None, "MB", total, 120, notes=parts))
    return rows


def _agent_killed(*, quick: bool) -> list[Row]:
    """In the middle of an answer: how soon its cell says so, and how soon the next question has text."""
    told: list[float] = []
    asked_again: list[float] = []
    with scripted("stall") as env:
        kernel = Kernel("beaker", env=env)
        try:
            client = kernel.client
            client.wait_until_usable()
            asked = client.ask_in_cell("how long?", until="one ")
            for _ in range(2 if quick else 4):  # fewer than the five in thirty seconds at which an agent is given up
                killed = time.perf_counter()
                _agent(kernel).kill()
                client.wait_for_text(asked, "the agent was restarted")
                told.append(time.perf_counter() - killed)
                asked = client.ask_in_cell("how long?", until="one ")
                asked_again.append(time.perf_counter() - killed)
        finally:
            kernel.stop()
    rows: list[Row] = []
    for name, values, budget in (("told", told, 0.5), ("next question answered", asked_again, 2.0)):
        series = Series([[value] for value in values])
        notes = [f"worst {max(values):.3g} s"]
        rows.append(Row(f"agent killed in an answer: {name}", series.median, None, "s", series.median, budget, notes=notes))
    return rows


def _agent(kernel: Kernel) -> psutil.Process:
    return next(process for process in kernel.processes() if "--role agent" in " ".join(process.cmdline()))


def _shown(kernel: Kernel) -> float:
    """Ask by a cell and wait for its end; gives the seconds until the first text of the answer stands below it."""
    started = time.perf_counter()
    asked = kernel.client.ask_in_cell("how warm?", until="The ")
    first_s = time.perf_counter() - started
    kernel.client.wait_for(asked, "execute_reply")
    return first_s


def _answered(kernel: Kernel) -> float:
    """Ask and hear the answer to its end; gives the seconds to its first text."""
    started = time.perf_counter()
    asked = kernel.client.ask("how warm?")
    first_s = time.perf_counter() - started
    kernel.client.wait_for(asked, "llm_reply")
    return first_s
