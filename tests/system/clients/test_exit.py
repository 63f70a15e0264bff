"""`exit` and `quit` in a cell: the payload `ask_exit` reaches the client untouched, and what ends and what stays is as on python3.

ipykernel's process ends by itself a tenth of a second after such a cell, unless it was told to keep the kernel. Who shows a prompt
leaves it then, and shuts the kernel down where that was not to be kept. A notebook server starts python3 anew; beaker does so itself.
"""

from pathlib import Path
from typing import Any

import psutil
import pytest
from jupyter_client.manager import start_new_kernel

from tests.kit.running_kernel import RunningKernel, running_kernel, wait_until
from tests.system.clients.console import console

pytestmark = pytest.mark.slow

CONSOLE_KERNELS = ["beaker", "python3"]


WAYS_OUT = {"exit(keep_kernel=True)": True, "quit(True)": True, "exit": False}
"""By what is typed: whether the kernel is to be kept."""

STAYS = "get_ipython().unobserve_all('exit_now')"
"""Keeps a session from its end, which would be a tenth of a second behind the word, whether the reply was sent by then or not."""


def payloads_of(kernel_name: str) -> list[Any]:
    """What the replies to these cells bring, in one kernel."""
    manager, client = start_new_kernel(kernel_name=kernel_name)
    try:
        client.execute(STAYS, reply=True, timeout=60)
        replies = [client.execute_interactive(code, timeout=60)["content"] for code in WAYS_OUT]
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=False)
    assert {reply["status"] for reply in replies} == {"ok"}
    return [reply["payload"] for reply in replies]


def test_the_payload_passes_with_the_flag_as_it_is() -> None:
    ours, theirs = [payloads_of(name) for name in CONSOLE_KERNELS]
    assert ours == [[{"source": "ask_exit", "keepkernel": kept}] for kept in WAYS_OUT.values()]
    assert ours == theirs


def test_after_keeping_the_session_goes_on_and_after_leaving_it_is_another() -> None:
    with running_kernel() as kernel:
        kernel.run("x = 41")
        first = kernel.subkernel_pid()
        kernel.run("exit(keep_kernel=True)")
        assert kernel.run("x + 1").text == "42"
        kernel.run("exit")
        kernel.wait_for_status("restarting")
        kernel.wait_for_status("idle")
        after = kernel.run("'x' in globals()")
        assert "exited with status 0" in after.text
        assert after.text.endswith("False")
        assert kernel.subkernel_pid() != first
        assert kernel.process.poll() is None


@pytest.mark.parametrize("kernel_name", CONSOLE_KERNELS)
def test_a_shutdown_asked_for_on_the_shell_channel_ends_the_kernel_behind_the_cells_ahead(kernel_name: str, tmp_path: Path) -> None:
    manager, client = start_new_kernel(kernel_name=kernel_name)
    try:
        done = tmp_path / "done"
        ahead = client.execute(f"import time; time.sleep(0.3); open({str(done)!r}, 'w').close()")
        request = client.session.msg("shutdown_request", {"restart": False})
        client.shell_channel.send(request)
        order: list[str] = []
        while request["header"]["msg_id"] not in order:
            reply = client.get_shell_msg(timeout=60)
            order.append(reply["parent_header"]["msg_id"])
        assert order[-2:] == [ahead, request["header"]["msg_id"]]
        assert reply["content"] == {"status": "ok", "restart": False}
        assert done.exists()
        wait_until(lambda: not manager.is_alive(), what="the end of the kernel")
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


@pytest.mark.parametrize(
    ("kernel_name", "leave", "words"),
    [
        ("beaker", "exit", "Shutting down kernel"),
        ("beaker", "exit(keep_kernel=True)", "owning kernel, cannot keep it alive"),
        ("python3", "exit(keep_kernel=True)", "owning kernel, cannot keep it alive"),
    ],
)
def test_a_console_that_owns_its_kernel_ends_it(
    kernel_name: str, leave: str, words: str, work_folder: Path, environment: dict[str, str]
) -> None:
    with console(work_folder, environment, kernel_name=kernel_name, leave=leave) as terminal:
        terminal.sendline("import os; print(f'<{os.getpid()}>')")
        terminal.expect(r"<(\d+)>")
        session = int(terminal.match.group(1))
        terminal.expect("In \\[2\\]: ")
        started = [process.pid for process in psutil.Process(terminal.pid).children(recursive=True)]
        assert kernel_name == "beaker" or session in started
    assert words in terminal.before
    # Roles of beaker are in sessions of their own; all of them leave with the kernel.
    wait_until(lambda: not any(alive(pid) for pid in {session, *started}), what="the end of the kernel")


def test_a_console_at_a_kernel_that_others_use_keeps_it_if_told_to_and_ends_it_otherwise(
    work_folder: Path, environment: dict[str, str]
) -> None:
    kernel = RunningKernel().ready()
    try:
        kernel.run("x = 41")
        session = kernel.subkernel_pid()
        said: list[str] = []
        for leave in ("exit(keep_kernel=True)", "exit"):
            with console(work_folder, environment, existing=kernel.connection_file, leave=leave) as terminal:
                terminal.sendline("print('seen', x + 1)")
                terminal.expect("seen 42\r\n")
                terminal.expect("In \\[")
            said.append(terminal.before)
            if leave != "exit":
                assert (kernel.run("x + 1").text, kernel.subkernel_pid()) == ("42", session)
        assert "keeping kernel alive" in said[0]
        assert "Shutting down kernel" in said[1]
        assert kernel.process.wait(timeout=60) == 0
        wait_until(lambda: not alive(session), what="the end of the session")
        wait_until(lambda: not kernel.runtime_folder.exists(), what="the removal of the runtime folder")
    finally:
        kernel.close()


def alive(pid: int) -> bool:
    """Whether it runs; a zombie does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
