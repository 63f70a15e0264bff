"""A kernel for minutes under everything at once: cells, floods, questions, interrupts, and processes killed at random.

By hand: `make soak`, or `BEAKER_SOAK_MINUTES=60 make soak`. The seed is printed; BEAKER_SOAK_SEED repeats a run.
"""

import os
import random
import signal
import time

import psutil
import pytest

from tests.kit.running_kernel import RunningKernel, running_kernel

MINUTES = float(os.environ.get("BEAKER_SOAK_MINUTES", "5"))
SEED = int(os.environ.get("BEAKER_SOAK_SEED", str(random.SystemRandom().randrange(10**6))))
MEMORY_ROOM_BYTES = 64_000_000
DESCRIPTOR_ROOM = 20
TIMEOUT_S = MINUTES * 60 + 300
"""The last round, with a flood in it, may take a while on a busy machine."""
ROLES = ("kernel", "supervisor", "watcher", "subkernel", "agent")


@pytest.mark.timeout(TIMEOUT_S)
def test_a_long_session_answers_everything_once_and_grows_nothing() -> None:
    print(f"BEAKER_SOAK_SEED={SEED}")
    chance = random.Random(SEED)
    with running_kernel(env={"BEAKER_SUBKERNEL_RESTART_LIMIT": "1000"}) as kernel:
        kernel.run("n = 0")
        expected = 0
        front = psutil.Process(kernel.process.pid)
        kernel.run("for i in range(20000): print(i)")
        memory, descriptors = front.memory_info().rss, front.num_fds()
        deadline = time.monotonic() + MINUTES * 60
        rounds = 0
        while time.monotonic() < deadline:
            rounds += 1
            match chance.choice(["cell", "cell", "cell", "flood", "question", "interrupt", "error", *(f"kill {role}" for role in ROLES)]):
                case "cell":
                    expected += 1
                    assert kernel.run("n += 1; n").text.split()[-1] == str(expected)
                case "flood":
                    lines = chance.randrange(1000, 50_000)
                    assert kernel.run(f"for i in range({lines}): print(i)").text.count("\n") == lines
                case "question":
                    answered = kernel.run("%%ai what variables do I have?")
                    assert answered.status == "ok", answered.text
                case "interrupt":
                    _interrupted(kernel)
                case "error":
                    queued = [kernel.send("1/0"), kernel.send("n += 1")]
                    statuses = [kernel.reply(msg_id)["content"]["status"] for msg_id in queued]
                    assert statuses[0] == "error"
                    expected += statuses[1] == "ok"
                case "kill subkernel":
                    os.kill(kernel.subkernel_pid(), signal.SIGKILL)
                    kernel.wait_for_status("restarting")
                    kernel.run("n = 0")
                    expected = 0
                case "kill kernel":
                    kernel.replace_front()
                    kernel.ready()
                    kernel.run("for i in range(20000): print(i)")
                    front = psutil.Process(kernel.process.pid)
                    memory, descriptors = front.memory_info().rss, front.num_fds()
                case "kill agent":
                    if (agent := kernel.role("agent")) is not None:
                        agent.kill()
                        agent.wait(30)
                case killed:
                    role = killed.removeprefix("kill ")
                    former = kernel.wait_for_role(role)
                    former.kill()
                    kernel.wait_for_role(role, other_than=former.pid)
        print(f"{rounds} rounds; memory {front.memory_info().rss - memory:+} bytes; descriptors {front.num_fds() - descriptors:+}")
        assert front.memory_info().rss < memory + MEMORY_ROOM_BYTES
        assert front.num_fds() <= descriptors + DESCRIPTOR_ROOM


def test_100_restarts_leave_no_process_no_zombie_and_no_descriptor() -> None:
    with running_kernel() as kernel:
        kernel.run("%beaker restart")
        mine = [psutil.Process(kernel.process.pid), kernel.wait_for_role("supervisor")]
        before = [process.num_fds() for process in mine]
        pids = {kernel.subkernel_pid()}
        for _ in range(100):
            assert kernel.run("%beaker restart").status == "ok"
            pids.add(kernel.subkernel_pid())
        assert len(pids) == 101
        (living,) = (pid for pid in pids if psutil.pid_exists(pid))
        assert living == kernel.subkernel_pid()
        assert [process.num_fds() for process in mine] == before
        children = [child for process in mine for child in process.children(recursive=True)]
        assert not [child for child in children if child.status() == psutil.STATUS_ZOMBIE]


def _interrupted(kernel: RunningKernel) -> None:
    running = kernel.send("import time; print('on', flush=True); time.sleep(60)")
    kernel.wait_for_print(running)
    kernel.client.control_channel.send(kernel.client.session.msg("interrupt_request", {}))
    kernel.client.get_control_msg(timeout=30)
    assert kernel.outcome(running).reply["content"]["ename"] == "KeyboardInterrupt"
