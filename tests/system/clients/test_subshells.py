"""Subshells (JEP 91): a second shell that answers while a cell holds the first."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kit.running_kernel import RunningKernel, running_kernel


@pytest.fixture
def kernel() -> Iterator[RunningKernel]:
    with running_kernel() as kernel:
        yield kernel


def control(kernel: RunningKernel, msg_type: str, content: dict[str, Any]) -> dict[str, Any]:
    """Ask on the control channel."""
    kernel.client.control_channel.send(kernel.client.session.msg(msg_type, content))
    reply: dict[str, Any] = kernel.client.get_control_msg(timeout=60)
    assert reply["msg_type"] == msg_type.replace("_request", "_reply")
    return dict(reply["content"])


def test_a_subshell_runs_cells_while_the_main_shell_is_busy(kernel: RunningKernel, tmp_path: Path) -> None:
    info = kernel.reply(kernel.client.kernel_info())["content"]
    assert "kernel subshells" in info["supported_features"]
    made = control(kernel, "create_subshell_request", {})
    assert made["status"] == "ok"
    subshell = made["subshell_id"]
    assert control(kernel, "list_subshell_request", {})["subshell_id"] == [subshell]

    gate = tmp_path / "gate"
    running = kernel.send(f"import os, time\nprint('on', flush=True)\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.02)\nx = 42")
    kernel.wait_for_print(running)
    message = kernel.client.session.msg("execute_request", {"code": f"print(6 * 7); open({str(gate)!r}, 'w').close()", "silent": False})
    message["header"]["subshell_id"] = subshell
    kernel.client.shell_channel.send(message)

    # Only the cell in the subshell opens the gate for the one in the main shell.
    beside = kernel.outcome(message["header"]["msg_id"])
    assert (beside.status, beside.text) == ("ok", "42\n")
    assert kernel.reply(running)["content"]["status"] == "ok"
    assert control(kernel, "delete_subshell_request", {"subshell_id": subshell})["status"] == "ok"
    assert control(kernel, "list_subshell_request", {})["subshell_id"] == []
    assert kernel.run("x").text == "42"
