"""What a client does that asks questions and answers prompts, and what it sees of them."""

import time
from typing import Any

from tests.kit.control_requests import control
from tests.kit.running_kernel import KernelInUse

CELL = {"cellId": "a-cell"}
"""Metadata of a client that names its cells."""

PATIENCE_S = 60.0
"""Until what a question leads to comes: before it, an agent may have to start and to answer."""

PATIENT_LOOKS = {"BEAKER_KERNEL_LOOK_TIME_LIMIT_S": "20"}
"""For a kernel whose variables the model looks at: a session that stands still for a second, as on a busy machine, is seen all the same."""


def ask(kernel: KernelInUse, code: str, **metadata: Any) -> str:  # Any: JSON
    """Send a cell with metadata, as notebooks do, of a client that answers no prompt."""
    return _execute(kernel, code, metadata, stdin=False)


def send(kernel: KernelInUse, code: str, *, stdin: bool = True) -> str:
    """Send a cell as a notebook does whose user answers prompts."""
    return _execute(kernel, code, CELL, stdin=stdin)


def _execute(kernel: KernelInUse, code: str, metadata: dict[str, Any], *, stdin: bool) -> str:
    content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": stdin, "stop_on_error": True}
    message = kernel.client.session.msg("execute_request", content, metadata=metadata)
    kernel.client.shell_channel.send(message)
    return str(message["header"]["msg_id"])


def prompt(kernel: KernelInUse) -> str:
    """The next prompt."""
    return str(kernel.client.get_stdin_msg(timeout=PATIENCE_S)["content"]["prompt"])


def interrupt(kernel: KernelInUse) -> None:
    """Interrupt it as a client does, and hear that this was heard."""
    control(kernel, "interrupt_request")


def displays(outputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The displays among the outputs of a cell, and what they became."""
    return [m for m in outputs if m["msg_type"] in {"display_data", "update_display_data"}]


def until_text(kernel: KernelInUse, msg_id: str, text: str) -> None:
    """Wait until a display of that cell holds the text.

    Raises:
        AssertionError: it did not while one has patience.
    """
    for message in kernel.iopub(time.monotonic() + PATIENCE_S):
        if message["parent_header"].get("msg_id") == msg_id and text in message["content"].get("data", {}).get("text/markdown", ""):
            return
    raise AssertionError(f"{text!r} was not shown")
