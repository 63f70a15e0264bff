"""FAULTS 10: each role is stopped for a while; words, never an action, and nothing is lost."""

import contextlib
import json
import os
import signal
import timeit
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import zmq

from tests.kit.questions import CELL, ask, until_text
from tests.kit.running_kernel import RunningKernel, running_kernel, wait_until
from tests.scripted.replies import STALL, Speak
from tests.scripted.threaded import serving

QUICK = {
    "BEAKER_KERNEL_HEARTBEAT_SILENCE_S": "1",
    "BEAKER_KERNEL_CONTROL_SILENCE_S": "1",
    "BEAKER_KERNEL_AGENT_SILENCE_S": "0.5",
    "BEAKER_KERNEL_SUPERVISOR_SILENCE_S": "0.5",
}


@pytest.fixture
def kernel() -> Iterator[RunningKernel]:
    with running_kernel(env=QUICK) as kernel:
        yield kernel


@contextlib.contextmanager
def stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def status(kernel: RunningKernel) -> str:
    return kernel.run("%beaker status").text


def test_a_stopped_subkernel_is_called_not_responding_and_goes_on_afterwards(kernel: RunningKernel) -> None:
    pid = kernel.subkernel_pid()
    with stopped(pid):
        running = kernel.send("40 + 2")
        wait_until(lambda: "not responding" in status(kernel), what="the words")
    outcome = kernel.outcome(running)
    assert outcome.text == "42"
    wait_until(lambda: "not responding" not in status(kernel), what="the end of the words")
    assert kernel.subkernel_pid() == pid


def test_code_that_holds_the_interpreter_is_told_from_a_hang(kernel: RunningKernel) -> None:
    # A regular expression that backtracks for hours is C code that never lets the interpreter go.
    kernel.run("import re")
    pid = kernel.subkernel_pid()
    running = kernel.send("re.match(r'(a+)+$', 'a' * 40 + 'b')")
    wait_until(lambda: "holding the interpreter" in status(kernel), what="the words")
    os.kill(pid, signal.SIGKILL)
    assert kernel.outcome(running).status == "error"


def test_a_stopped_supervisor_costs_a_cell_nothing_and_serves_again(kernel: RunningKernel) -> None:
    pid = kernel.subkernel_pid()
    with stopped(kernel.wait_for_role("supervisor").pid):
        assert kernel.run("40 + 2").text == "42"
        running = kernel.send("import time; print('on', flush=True); time.sleep(60)")
        kernel.wait_for_print(running)
        kernel.client.control_channel.send(kernel.client.session.msg("interrupt_request", {}))
        assert kernel.client.get_control_msg(timeout=10)["content"]["status"] == "ok"
    assert kernel.outcome(running).reply["content"]["ename"] == "KeyboardInterrupt"
    assert kernel.subkernel_pid() == pid


def test_an_interrupt_waits_for_a_stopped_supervisor_with_words_however_long_it_stands_still(kernel: RunningKernel) -> None:
    with stopped(kernel.wait_for_role("supervisor").pid):
        running = kernel.send("import time; print('on', flush=True); time.sleep(60)")
        kernel.wait_for_print(running)
        kernel.client.control_channel.send(kernel.client.session.msg("interrupt_request", {}))
        kernel.wait_for_print(running, "the interrupt waits for the supervisor")
        wait_until(lambda: "supervisor  not responding since " in status(kernel), what="the words")
    assert kernel.outcome(running).reply["content"]["ename"] == "KeyboardInterrupt"
    wait_until(lambda: "not responding" not in status(kernel), what="the end of the words")


def test_a_restart_waits_for_a_stopped_supervisor_with_words(kernel: RunningKernel) -> None:
    kernel.run("x = 41")
    with stopped(kernel.wait_for_role("supervisor").pid):
        restart, behind = kernel.send("%beaker restart"), kernel.send("'x' in globals()")
        kernel.wait_for_print(restart, "the restart waits for the supervisor")
    assert kernel.reply(restart)["content"]["status"] == "ok"
    assert kernel.outcome(behind).text.endswith("False")


def test_a_stopped_agent_holds_no_cell_back(kernel: RunningKernel) -> None:
    assert kernel.run("%%ai what variables do I have?").status == "ok"
    with stopped(kernel.wait_for_role("agent").pid):
        asked = kernel.send("%%ai and now?")
        for number in range(10):
            assert kernel.run(f"{number}").text == str(number)
    assert kernel.reply(asked)["content"]["status"] == "ok"


def test_a_stopped_agent_does_not_change_how_long_the_slowest_cells_take() -> None:
    def slowest(kernel: RunningKernel) -> float:
        took = sorted(timeit.repeat(lambda: kernel.run("1"), number=1, repeat=200))
        return took[-3]  # of 200 the p99

    with serving([STALL]) as endpoint, running_kernel(env=endpoint.environment) as kernel:
        slowest(kernel)
        idle = slowest(kernel)
        until_text(kernel, ask(kernel, "%%ai how long?", **CELL), "one two")
        with stopped(kernel.wait_for_role("agent").pid):
            # The benchmark holds it to 1.5 x; here others may work beside.
            assert slowest(kernel) < 4 * idle + 0.1


def test_an_agent_stopped_in_mid_answer_is_called_not_responding_and_its_answer_comes_whole() -> None:
    with serving([STALL]) as endpoint, running_kernel(env={**QUICK, **endpoint.environment}) as kernel:
        asked = ask(kernel, "%%ai how long?", **CELL)
        until_text(kernel, asked, "one two")
        with stopped(kernel.wait_for_role("agent").pid):
            until_text(kernel, asked, "\n\n*the agent is not responding since ")
            assert "not responding since" in status(kernel)
            endpoint.release()
            assert kernel.run("40 + 2").text == "42"
        outcome = kernel.outcome(asked)
        assert outcome.status == "ok"
        last = [message for message in outcome.outputs if message["msg_type"] == "update_display_data"][-1]
        assert last["content"]["data"]["text/markdown"] == "one two three four"
        assert "not responding" not in status(kernel)


@pytest.mark.parametrize("remedy", ["%beaker stop", "%beaker restart agent"])
def test_a_stopped_agent_is_ended_by_a_word_and_a_new_one_answers_the_next_question(remedy: str) -> None:
    script = [STALL, Speak(text="A new one.")]
    with serving(script) as endpoint, running_kernel(env={**QUICK, **endpoint.environment}) as kernel:
        asked = ask(kernel, "%%ai how long?", **CELL)
        until_text(kernel, asked, "one two")
        hung = kernel.wait_for_role("agent")
        hung.suspend()
        until_text(kernel, asked, "not responding")
        assert kernel.run(remedy).status == "ok"
        assert kernel.reply(asked)["content"]["status"] == ("ok" if remedy == "%beaker stop" else "error")
        following = kernel.outcome(ask(kernel, "%%ai and now?", **CELL))
        assert "A new one." in str(following.outputs[-1]["content"])
        wait_until(lambda: not hung.is_running(), what="the end of the one that hung")
        assert kernel.wait_for_role("agent").pid != hung.pid


def test_the_heartbeat_echoes_only_while_the_front_runs(kernel: RunningKernel) -> None:
    info = json.loads(Path(kernel.connection_file).read_text())
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    client = context.socket(zmq.DEALER)
    client.connect(f"tcp://{info['ip']}:{info['hb_port']}")

    def echoed(word: bytes) -> bool:
        client.send(word)
        return client.poll(100) != 0 and client.recv() == word

    try:
        wait_until(lambda: echoed(b"before"), what="an echo")
        with stopped(kernel.process.pid):
            wait_until(lambda: psutil.Process(kernel.process.pid).status() == psutil.STATUS_STOPPED, what="the stop")
            while client.poll(100):
                client.recv()
            assert not any(echoed(b"meanwhile") for _ in range(5))
        wait_until(lambda: echoed(b"after"), what="an echo")
    finally:
        context.destroy(linger=0)


def test_a_stopped_front_answers_all_that_came_meanwhile(kernel: RunningKernel) -> None:
    with stopped(kernel.process.pid):
        sent = [kernel.send(f"{number}") for number in range(5)]
    assert [kernel.reply(msg_id)["content"]["status"] for msg_id in sent] == ["ok"] * 5


def test_a_stopped_subkernel_is_replaced_only_when_the_user_says_so(kernel: RunningKernel) -> None:
    kernel.run("x = 41")
    pid = kernel.subkernel_pid()
    os.kill(pid, signal.SIGSTOP)
    running = kernel.send("x + 1")
    wait_until(lambda: "not responding" in status(kernel), what="the words")
    assert psutil.Process(pid).status() == psutil.STATUS_STOPPED
    assert kernel.run("%beaker restart").status == "ok"
    assert kernel.reply(running)["content"]["status"] in {"error", "aborted"}
    assert kernel.run("'x' in globals()").text.endswith("False")
    wait_until(lambda: not psutil.pid_exists(pid), what="the end of the former subkernel")


def test_a_stopped_watcher_costs_nothing_and_a_watcher_that_goes_on_kills_nobody(kernel: RunningKernel) -> None:
    kernel.run("x = 41")
    with stopped(kernel.wait_for_role("watcher").pid):
        supervisor = kernel.wait_for_role("supervisor")
        supervisor.kill()
        kernel.wait_for_role("supervisor", other_than=supervisor.pid)
        assert kernel.run("x + 1").text == "42"
    assert kernel.run("import time; time.sleep(0.5); x + 2").text == "43"
