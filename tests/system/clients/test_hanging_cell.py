"""A cell that hangs, seen from beside it: a second frontend on the same kernel is told, and the cell's own outputs say nothing."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient

from tests.kit.running_kernel import running_kernel, wait_until
from tests.system.clients.console import CTRL_D, LIMIT_S, console

pytestmark = pytest.mark.slow

HANGS = "import ctypes; ctypes.PyDLL(None).sleep(1000)"
"""C code that never lets the interpreter go, as a regular expression that backtracks for hours; this one takes no processor meanwhile."""


def _status(client: BlockingKernelClient) -> str:
    told: list[dict[str, Any]] = []
    client.execute_interactive("%beaker status", output_hook=told.append, allow_stdin=False, timeout=LIMIT_S)
    return str([message["content"] for message in told])


def test_a_console_beside_it_names_a_cell_that_hangs_and_leaves_everything_alive(work_folder: Path, environment: dict[str, str]) -> None:
    # No words below the cell though a Supervisor that starts on a busy machine takes long.
    with running_kernel(env={"BEAKER_KERNEL_CONTROL_SILENCE_S": "1", "BEAKER_KERNEL_SUPERVISOR_SILENCE_S": "20"}) as kernel:
        kernel.run("x = 41")
        hanging = kernel.send(HANGS)
        other = kernel.connect()  # what the first client hears of its cell is looked at in the end
        other.get_iopub_msg(timeout=LIMIT_S)  # its welcome: from here on it hears what it asks for
        wait_until(lambda: "holding the interpreter" in _status(other), what="the words")
        other.stop_channels()
        with console(work_folder, environment, existing=kernel.connection_file, leave=CTRL_D) as terminal:
            terminal.sendline("%beaker status")
            terminal.expect("busy, holding the interpreter")
            terminal.expect("In \\[")
        assert "keeping kernel alive" in terminal.before
        logs = [str(Path(sys.executable).with_name("beaker-logs")), "show", "last", "--level", "warning"]
        told = subprocess.run(logs, env=environment, capture_output=True, text=True, timeout=LIMIT_S, check=True).stdout
        assert "busy, holding the interpreter" in told

        kernel.wait_for_role("supervisor").kill()
        kernel.client.control_channel.send(kernel.client.session.msg("interrupt_request", {}))
        ended = kernel.outcome(hanging)
        assert ended.reply["content"]["ename"] == "KeyboardInterrupt"
        assert ended.kinds == ["execute_input", "error"]
        assert kernel.run("x + 1").text == "42"
