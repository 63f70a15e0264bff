"""`make dev` as it is typed on a terminal: JupyterLab answers, the gateway's kernel runs a cell of the example, Ctrl-C ends it all."""

import asyncio
import json
import re
import sys
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pexpect  # type: ignore[import-untyped]  # it ships none
import psutil
import pytest

from tests.kit.ports import free_port
from tests.kit.processes import command_lines, lives
from tests.kit.running_kernel import wait_until

pytestmark = pytest.mark.slow

LIMIT_S = 90
"""Ends a hang; JupyterLab is there within some seconds."""

CHECKOUT = Path(__file__).parents[3]
NOTEBOOK = "first-steps.ipynb"


def _call(url: str, path: str, token: str, content: object = None) -> Any:  # Any: JSON
    """Calls the REST interface: with content a POST."""
    data = None if content is None else json.dumps(content).encode()
    request = urllib.request.Request(f"{url}{path}", data=data, headers={"Authorization": f"token {token}"})
    with urllib.request.urlopen(request, timeout=LIMIT_S) as response:
        return json.loads(response.read())


def _answers(url: str, token: str) -> bool:
    try:
        return "started" in _call(url, "/api/status", token)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


async def _run(url: str, kernel_id: str, token: str, code: str) -> str:
    """Runs a cell over the websocket that the page would open; gives what it printed."""
    from tornado.websocket import websocket_connect  # comes with JupyterLab

    session, msg_id = uuid.uuid4().hex, uuid.uuid4().hex
    header = {"msg_id": msg_id, "msg_type": "execute_request", "session": session, "username": "", "version": "5.4"}
    header["date"] = "2026-01-01T00:00:00.123456Z"
    content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False, "stop_on_error": True}
    message = {"channel": "shell", "header": header, "parent_header": {}, "metadata": {}, "content": content, "buffers": []}
    address = f"{url.replace('http', 'ws', 1)}/api/kernels/{kernel_id}/channels?session_id={session}&token={token}"
    connection = await websocket_connect(address)
    await connection.write_message(json.dumps(message))
    printed = ""
    waiting = {"execute_reply", "idle"}
    while waiting:
        came = await connection.read_message()
        assert came is not None, f"the server closed the websocket; printed so far: {printed!r}"
        heard = json.loads(came)
        if heard["parent_header"].get("msg_id") == msg_id:
            waiting -= {heard["header"]["msg_type"], heard["content"].get("execution_state")}
            printed += heard["content"].get("text", "")
    connection.close()
    return printed


def test_make_dev_serves_the_example_notebook_and_leaves_nothing_behind(
    need_tool: Callable[..., str], need_module: Callable[..., Any], environment: dict[str, str], short_folder: Path
) -> None:
    need_module("jupyterlab")
    environment = {name: value for name, value in environment.items() if name not in {"DISPLAY", "WAYLAND_DISPLAY", "BROWSER"}}
    environment = {name: value for name, value in environment.items() if name not in {"MAKEFLAGS", "MFLAGS", "MAKELEVEL"}}
    port = free_port()
    # The environment that runs the tests has what this one needs: `-o` keeps make from installing it again.
    words = ["-C", str(CHECKOUT), "-o", f"{sys.prefix}/.lab-ready", f"VENV={sys.prefix}", f"PORT={port}", "dev"]
    environment["XDG_RUNTIME_DIR"] = str(short_folder)
    process = pexpect.spawn(need_tool("make"), words, env=environment, encoding="utf-8", timeout=LIMIT_S, dimensions=(50, 300))
    try:
        process.expect("There is no display here, so no browser is opened")
        process.expect(rf"http://localhost:{port}/lab/tree/{re.escape(NOTEBOOK)}\?token=(\w+)")
        url, token, before = f"http://localhost:{port}", process.match[1], process.before
        wait_until(lambda: _answers(url, token), timeout_s=LIMIT_S, what="JupyterLab")

        name = _call(url, f"/api/contents/{NOTEBOOK}", token)["content"]["metadata"]["kernelspec"]["name"]
        wanted = {"path": NOTEBOOK, "name": NOTEBOOK, "type": "notebook", "kernel": {"name": name}}
        kernel_id = _call(url, "/api/sessions", token, wanted)["kernel"]["id"]
        code = "import os\nprint(os.getpid(), os.path.exists('lake.csv'), sum(range(10)))"
        subkernel, beside_the_data, total = asyncio.run(asyncio.wait_for(_run(url, kernel_id, token, code), LIMIT_S)).split()
        assert (name, beside_the_data, total) == ("beaker", "True", "45")

        # JupyterLab's page asks so for every file that an error names.
        asked = urllib.parse.urlencode({"path": str(CHECKOUT / "examples/lake.csv"), "kernel": kernel_id})
        assert _call(url, f"/api/resolvePath?{asked}", token) == {"resolved": [{"scope": "server", "path": "lake.csv"}]}

        started = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True), psutil.Process(int(subkernel))]
        lines = command_lines()  # some program that JupyterLab has called may have ended meanwhile
        roles = {word for each in started for word in re.findall(r"--role (\w+)", lines.get(each.pid, ""))}
        assert roles == {"guardian", "registry", "host", "worker", "watcher"}

        gateway = next(each for each in psutil.Process(process.pid).children(recursive=True) if "guardian" in " ".join(each.cmdline()))
        gateway.kill()
        process.expect("The gateway was killed")
        words = before + process.before
        process.expect("It serves, with the kernels that were there")
        again = asyncio.run(asyncio.wait_for(_run(url, kernel_id, token, "print(os.getpid())"), LIMIT_S))
        assert again.splitlines()[-1] == subkernel, again
        started += psutil.Process(process.pid).children(recursive=True)
        assert not re.search(r"\[[IW] \d", words), words  # JupyterLab has warnings for what is as it should be

        process.sendintr()
        process.expect(r"\(y/\[n\]\)\?")  # a second Ctrl-C is as good as y
        process.sendintr()
        process.expect(pexpect.EOF)
        wait_until(lambda: not any(map(lives, started)), what="the end of all that was started")
    finally:
        process.close(force=True)
