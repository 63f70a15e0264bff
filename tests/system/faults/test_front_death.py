"""FAULTS 3, 7, 33: the Supervisor, the kernel process, or all of them are killed."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from jupyter_client.blocking.client import BlockingKernelClient

from beaker.kernel.kept import decode
from tests.kit.control_requests import control
from tests.kit.kernelspecs import install
from tests.kit.processes import command_lines, is_zombie, lives
from tests.kit.running_kernel import LOOK_AT_PROCESSES_S, PATIENCE_S, RunningKernel, running_kernel, wait_until

REATTACHED_WITHIN_S = 10.0
"""The figure is 1 s, and 0.1 s as measured on a quiet machine."""
USABLE_WITHIN_S = 15.0
"""The figure is 2 s."""
LONG_LEASE = {"BEAKER_KERNEL_LEASE_S": "60"}
"""So that a successor that starts late, on a busy machine, still finds the session."""


@pytest.fixture
def kernel() -> Iterator[RunningKernel]:
    """One that nothing has happened to: what a new process finds of the one before is what these tests are about."""
    with running_kernel(env=LONG_LEASE) as kernel:
        yield kernel


def wait_until_idle(kernel: RunningKernel) -> None:
    """Ask the subkernel itself, past the kernel process: it answers when it is done with all that was sent before."""
    record = json.loads((kernel.runtime_folder / "subkernel.json").read_text())
    direct = BlockingKernelClient()
    direct.load_connection_info(record["subkernel"]["connection"])
    direct.start_channels(hb=False)
    try:
        direct.kernel_info(reply=True, timeout=60)
    finally:
        direct.stop_channels()


def wait_until_linked(kernel: RunningKernel) -> None:
    """Wait until what goes to the subkernel on shell goes through the kernel process of now, though a cell holds the main shell.

    Cells of beaker's own would prove less: they are answered before there is a link.
    """
    asked = kernel.client.session.msg("kernel_info_request", {})
    asked["header"]["subshell_id"] = control(kernel, "create_subshell_request")["subshell_id"]
    kernel.client.shell_channel.send(asked)
    kernel.reply(asked["header"]["msg_id"])


def test_killing_the_supervisor_costs_a_running_cell_nothing(kernel: RunningKernel, tmp_path: Path) -> None:
    kernel.run("x = 41")
    pid = kernel.subkernel_pid()
    supervisor = kernel.wait_for_role("supervisor")
    begun, gate = tmp_path / "begun", tmp_path / "gate"
    running = kernel.send(
        "import os, time\n"
        "for i in range(10):\n"
        f"    print(i, flush=True); open({str(begun)!r}, 'w').close()\n"
        f"    while i == 5 and not os.path.exists({str(gate)!r}): time.sleep(0.01)\n"
    )
    wait_until(begun.exists)
    killed = time.monotonic()
    supervisor.kill()
    kernel.wait_for_role("supervisor", other_than=supervisor.pid)
    wait_until(lambda: attached(kernel), what="the new Supervisor's hold on the subkernel")
    assert time.monotonic() - killed < REATTACHED_WITHIN_S
    gate.touch()
    outcome = kernel.outcome(running)
    assert outcome.status == "ok"
    assert outcome.text == "".join(f"{number}\n" for number in range(10))
    assert kernel.run("x + 1").text == "42", "and not a word about it"
    assert kernel.subkernel_pid() == pid


def owner(kernel: RunningKernel) -> int | None:
    """The kernel process that owns the subkernel, as the Supervisor has written it down."""
    try:
        return int(json.loads((kernel.runtime_folder / "subkernel.json").read_text())["owner"] or 0)
    except (OSError, ValueError):
        return None


def attached(kernel: RunningKernel) -> bool:
    """Whether the Supervisor of now has written down that this kernel process owns the subkernel."""
    try:
        lock, record = ((kernel.runtime_folder / name).read_text() for name in ("supervisor.lock", "subkernel.json"))
        known = json.loads(record)
    except (OSError, ValueError):
        return False
    living = kernel.role("supervisor")
    return living is not None and lock == str(living.pid) and known["owner"] == kernel.process.pid and known["subkernel"]["adopted"]


def test_the_new_supervisor_sees_a_death_and_interrupts_and_restarts(kernel: RunningKernel) -> None:
    first = kernel.wait_for_role("supervisor")
    first.kill()
    kernel.wait_for_role("supervisor", other_than=first.pid)
    pid = kernel.subkernel_pid()
    running = kernel.send("import time; print('on', flush=True); time.sleep(60)")
    kernel.wait_for_print(running)
    kernel.run("%beaker status")
    kernel.client.session.send(kernel.client.control_channel.socket, kernel.client.session.msg("interrupt_request", {}))
    outcome = kernel.outcome(running, timeout_s=20)
    assert outcome.reply["content"]["ename"] == "KeyboardInterrupt"
    os.kill(pid, signal.SIGKILL)
    kernel.wait_for_status("restarting")
    assert kernel.run("1").status == "ok"


def test_a_subkernel_that_dies_together_with_its_supervisor_is_told_too(kernel: RunningKernel) -> None:
    pid = kernel.subkernel_pid()
    running = kernel.send("import time; print('on', flush=True); time.sleep(60)")
    kernel.wait_for_print(running)
    supervisor = kernel.wait_for_role("supervisor")
    supervisor.kill()
    os.kill(pid, signal.SIGKILL)
    died = kernel.outcome(running)
    assert (died.status, died.reply["content"]["ename"]) == ("error", "KernelDied")
    after = kernel.run("40 + 2")
    assert after.text.endswith("42")
    assert "variables lost" in after.text


def test_a_new_kernel_process_keeps_variables_and_says_so_first(kernel: RunningKernel) -> None:
    kernel.run("x = 41")
    pid = kernel.subkernel_pid()
    ports = Path(kernel.connection_file).read_bytes()
    kernel.process.kill()
    kernel.process.wait()
    started = time.monotonic()
    kernel.start()
    # The same client all the time: its sockets find the same ports, and iopub is heard once that is done.
    after = kernel.ready().run("x + 1")
    assert time.monotonic() - started < USABLE_WITHIN_S
    assert Path(kernel.connection_file).read_bytes() == ports
    texts = [message["content"]["text"] for message in after.outputs if message["msg_type"] == "stream"]
    assert re.fullmatch(
        r"beaker: front process replaced, your variables were kept; output between \S+ and \S+ was lost; Restart gives a clean session\n",
        texts[0],
    )
    assert after.text == texts[0] + "42"
    assert kernel.run("x").text == "41", "said once"
    assert kernel.subkernel_pid() == pid
    words = command_lines().values()
    assert len([each for each in words if "ipykernel_launcher" in each and kernel.runtime_folder.name in each]) == 1
    # It has brought a Supervisor, which found the living one and left.
    front = psutil.Process(kernel.process.pid)
    wait_until(lambda: not [child for child in front.children() if is_zombie(child)], what="no zombies")


def test_what_was_sent_while_there_was_no_kernel_process_is_heard_on_iopub_from_busy_to_idle(kernel: RunningKernel) -> None:
    kernel.run("x = 1")
    kernel.kill_front()
    sent = kernel.send("%beaker status")
    kernel.start()
    # Iopub first: a SUB asks for what it wants to hear only while it is read, as every frontend does all the time.
    heard = []
    for message in kernel.iopub(time.monotonic() + PATIENCE_S):
        if message["parent_header"].get("msg_id") == sent:
            heard.append(message["content"].get("execution_state", message["msg_type"]))
            if heard[-1] == "idle":
                break
    assert heard[0] == "busy"
    assert heard[-1] == "idle"
    assert "display_data" in heard
    assert kernel.reply(sent)["content"]["status"] == "ok"


def test_a_new_kernel_process_goes_on_with_the_conversation_and_says_so(kernel: RunningKernel) -> None:
    assert kernel.run("%%ai what is there?").status == "ok"
    file = kernel.runtime_folder / "conversation"
    wait_until(lambda: file.exists() and (kept := decode(file.read_bytes())) is not None and kept.talks, what="the conversation on disk")
    kernel.replace_front()
    assert "the conversation was kept" in kernel.ready().run("1").text
    assert "what is there?" in kernel.run("%beaker history").text
    assert kernel.run("%%ai and now?").status == "ok"
    kernel.run("%beaker reset")


def test_a_cell_that_still_runs_when_the_process_is_replaced_is_answered_when_it_ends(kernel: RunningKernel, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    running = kernel.send(f"import os, time\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.02)\nprint('through')")
    kernel.wait_for_begin(running)
    kernel.replace_front()
    wait_until_linked(kernel)
    gate.touch()
    assert kernel.reply(running)["content"]["status"] == "ok"
    kernel.ready()


def test_an_input_that_was_open_when_the_process_was_replaced_takes_its_answer(kernel: RunningKernel) -> None:
    running = kernel.send("said = input('? ')", allow_stdin=True)
    assert kernel.client.get_stdin_msg(timeout=PATIENCE_S)["content"]["prompt"] == "? "
    kernel.replace_front()
    kernel.client.input("this")  # before the new process can know of the session
    assert kernel.reply(running)["content"]["status"] == "ok"
    assert kernel.ready().run("said").text.endswith("'this'")


def test_a_cell_that_ended_while_nobody_listened_is_told_unknown(kernel: RunningKernel, tmp_path: Path) -> None:
    gate, done = tmp_path / "gate", tmp_path / "done"
    code = f"import os, time\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.02)\nopen({str(done)!r}, 'w').close()"
    running = kernel.send(code)
    kernel.wait_for_begin(running)
    kernel.kill_front()
    gate.touch()
    wait_until(done.exists)
    wait_until_idle(kernel)
    kernel.start()
    content = kernel.reply(running)["content"]
    assert (content["status"], content["ename"]) == ("error", "KernelReattached")
    assert re.fullmatch(r"outcome unknown; output between \S+ and \S+ was lost", content["evalue"])
    kernel.ready()
    assert kernel.run("1").status == "ok"


def test_a_cell_that_waited_for_a_session_still_starting_is_told_that_it_was_not_run(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    script = f'while [ ! -e {gate} ]; do sleep 0.05; done; exec {sys.executable} -m ipykernel_launcher -f "$1"'
    install("slow", ["/bin/sh", "-c", script, "sh", "{connection_file}"])
    kernel = RunningKernel(arguments=["--subkernel", "slow"], env=LONG_LEASE)
    try:
        waiting = kernel.send("x = 1")
        log = kernel.runtime_folder / "inflight"
        wait_until(lambda: log.exists() and waiting.encode() in log.read_bytes(), what="the cell in the log")
        wait_until(lambda: owner(kernel) == kernel.process.pid, what="the Supervisor's first owner")
        kernel.process.kill()
        kernel.process.wait()
        kernel.start()
        content = kernel.reply(waiting)["content"]
        assert (content["status"], content["ename"]) == ("error", "KernelReattached")
        assert "not run" in content["evalue"]
        gate.touch()
        first = kernel.ready().run("'x' in globals()").text
        assert first.endswith("False")
        assert "replaced while the session was starting" in first
        assert "kept" not in first
    finally:
        gate.touch()
        kernel.close()


def test_control_requests_that_were_under_way_are_each_answered_once(kernel: RunningKernel) -> None:
    subkernel = kernel.subkernel_pid()
    session, control = kernel.client.session, kernel.client.control_channel
    os.kill(subkernel, signal.SIGSTOP)  # so that all of them are under way when the process is killed
    try:
        kinds = ["create_subshell_request", "usage_request", "debug_request"]
        debug = {"type": "request", "seq": 1, "command": "debugInfo", "arguments": {}}
        asked = {}
        for kind in kinds:
            message = session.send(control.socket, kind, debug if kind == "debug_request" else {})
            asked[message["header"]["msg_id"]] = kind.replace("request", "reply")
        log = kernel.runtime_folder / "inflight"
        wait_until(lambda: all(msg_id.encode() in log.read_bytes() for msg_id in asked), what="the requests in the log")
        kernel.replace_front()
    finally:
        os.kill(subkernel, signal.SIGCONT)
    replies = [control.get_msg(timeout=PATIENCE_S) for _ in asked]
    assert {reply["parent_header"]["msg_id"]: reply["msg_type"] for reply in replies} == asked
    for reply in replies:  # whether the subkernel's word was late or never came is a race that nobody decides
        content = reply["content"]
        assert content.get("ename") == "KernelReattached" or content.get("status", "ok") == "ok"
    usage = kernel.client.session.send(control.socket, "usage_request", {})
    assert control.get_msg(timeout=PATIENCE_S)["parent_header"]["msg_id"] == usage["header"]["msg_id"], "no second reply to any"
    kernel.ready()


FRONTEND = """
import os, subprocess, sys, time
environment = {**os.environ, "JPY_PARENT_PID": str(os.getpid())}
print(subprocess.Popen(sys.argv[1:], env=environment, start_new_session=True).pid, flush=True)
time.sleep(600)
"""


def test_a_shutdown_leaves_nothing_and_the_kernel_leaves_when_its_frontend_dies() -> None:
    """Also of a kernel process that took the session over, with the conversation that was written down for it."""
    with running_kernel(env=LONG_LEASE) as kernel:
        pid, folder = kernel.subkernel_pid(), kernel.runtime_folder
        assert kernel.run("%%ai what is there?").status == "ok"
        wait_until(lambda: (folder / "conversation").exists(), what="the conversation on disk")
        kernel.replace_front()
        kernel.ready()
        assert kernel.subkernel_pid() == pid
        kernel.client.shutdown()
        assert kernel.process.wait(timeout=PATIENCE_S) == 0
        wait_until(lambda: not psutil.pid_exists(pid), what="the subkernel's end")
        wait_until(lambda: kernel.role("supervisor") is None, what="the supervisor's end", every_s=LOOK_AT_PROCESSES_S)
        wait_until(lambda: not folder.exists(), what="the removal of the runtime folder")
        _lives_no_longer_than_its_frontend(kernel)


def _lives_no_longer_than_its_frontend(kernel: RunningKernel) -> None:
    command = [sys.executable, "-P", "-m", "beaker_kernel", "-f", kernel.connection_file]
    frontend = subprocess.Popen([sys.executable, "-c", FRONTEND, *command], stdout=subprocess.PIPE, env=kernel.env)
    assert frontend.stdout is not None
    try:
        kernel_pid = int(frontend.stdout.readline())
        kernel.client.stop_channels()
        kernel.client = kernel.connect()
        kernel.ready()
        gone = [kernel_pid, kernel.subkernel_pid(), kernel.wait_for_role("supervisor").pid]
    finally:
        frontend.kill()
        frontend.wait()
        frontend.stdout.close()
    wait_until(lambda: not any(lives(each) for each in gone), what="the end of kernel, supervisor and subkernel")
