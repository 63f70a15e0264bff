"""The debugger as a frontend plays it over stock jupyter_client: a breakpoint is hit, told, looked at and left."""

import queue
from collections.abc import Iterator
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import start_new_kernel

pytestmark = pytest.mark.slow

LIMIT_S = 60
"""Ends a hang."""

CELL = "import time\ntime.sleep(1.2)\n\ndef double(number):\n    result = number * 2\n    return result\n\nprint('doubled', double(21))"
"""It runs for a while before line 6, so that whatever watches a running cell has looked at it by then."""


class _Debugging:
    """Sends debug requests on control and waits for their replies."""

    def __init__(self, client: BlockingKernelClient) -> None:
        self._client = client
        self._sequence = 0

    def __call__(self, command: str, **arguments: Any) -> dict[str, Any]:
        self._sequence += 1
        content = {"type": "request", "seq": self._sequence, "command": command, "arguments": arguments}
        message = self._client.session.msg("debug_request", content)
        self._client.control_channel.send(message)
        while True:
            reply = self._client.get_control_msg(timeout=LIMIT_S)
            if reply["parent_header"].get("msg_id") == message["header"]["msg_id"]:
                assert reply["content"].get("success"), reply["content"]
                body: dict[str, Any] = reply["content"].get("body") or {}
                return body


def _stopped(client: BlockingKernelClient) -> dict[str, Any]:
    """Waits for the event that a frontend shows the stop by."""
    try:
        while True:
            message = client.get_iopub_msg(timeout=LIMIT_S)
            if message["msg_type"] == "debug_event" and message["content"]["event"] == "stopped":
                body: dict[str, Any] = message["content"]["body"]
                return body
    except queue.Empty:
        pytest.fail("the cell stopped at its breakpoint and nobody was told")


@pytest.fixture
def client(kernel_name: str, environment: dict[str, str]) -> Iterator[BlockingKernelClient]:
    """Of a kernel that is started for it."""
    manager, client = start_new_kernel(kernel_name=kernel_name, env=environment)
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def test_a_breakpoint_is_told_and_left(client: BlockingKernelClient) -> None:
    debug = _Debugging(client)
    debug("initialize", clientID="test", adapterID="", pathFormat="path", linesStartAt1=True, columnsStartAt1=True, locale="en")
    debug("attach")
    path = debug("dumpCell", code=CELL)["sourcePath"]
    assert debug("setBreakpoints", breakpoints=[{"line": 6}], source={"path": path}, sourceModified=False)["breakpoints"][0]["verified"]
    debug("configurationDone")
    msg_id = client.execute(CELL)
    stop = _stopped(client)
    assert stop["reason"] == "breakpoint"
    frame = debug("stackTrace", threadId=stop["threadId"])["stackFrames"][0]
    assert (frame["name"], frame["line"]) == ("double", 6)
    scope = debug("scopes", frameId=frame["id"])["scopes"][0]
    shown = {
        variable["name"]: variable["value"] for variable in debug("variables", variablesReference=scope["variablesReference"])["variables"]
    }
    assert (shown["number"], shown["result"]) == ("21", "42")
    debug("continue", threadId=stop["threadId"])
    while (reply := client.get_shell_msg(timeout=LIMIT_S))["parent_header"].get("msg_id") != msg_id:
        pass
    assert reply["content"]["status"] == "ok"
