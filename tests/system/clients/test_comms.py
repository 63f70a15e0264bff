"""Widgets whose session ends: every client is told that nobody is at the other end, and nobody loses what is on the page.

What stock clients do with `comm_close` decides where it comes (read in jupyterlab 4.6, jupyterlab_widgets 3.0, nbclient 0.11):
JupyterLab and VS Code drop all comms at `status: restarting` and mark their widgets as disconnected, as they do on python3, which sends no
`comm_close`; one that comes before `restarting` removes the widgets, with the state that would have been saved. nbclient keeps states
whatever is closed. So it comes behind `restarting`, for those who go by comms alone; that JupyterLab keeps the widgets is seen
in `tests/system/browser/test_jupyterlab.py`.
"""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from nbclient import NotebookClient

from tests.kit.running_kernel import RunningKernel, running_kernel
from tests.system.clients.notebooks import notebook

pytestmark = pytest.mark.slow

SLIDER = "import ipywidgets as widgets\nslider = widgets.IntSlider(value=3)\nslider"


@pytest.fixture
def kernel() -> Iterator[RunningKernel]:
    with running_kernel() as kernel:
        yield kernel


def test_the_comms_of_a_widget_are_closed_behind_the_news_of_the_restart(kernel: RunningKernel) -> None:
    for how in ("restarted", "killed"):
        _end(kernel, how)


def _end(kernel: RunningKernel, how: str) -> None:
    """Show a widget in a session that then ends; another has begun afterwards."""
    shown = kernel.run(SLIDER)
    opened = [message["content"]["comm_id"] for message in shown.outputs if message["msg_type"] == "comm_open"]
    assert len(opened) == 3, "the slider, its layout and its style"
    pid = kernel.subkernel_pid()
    if how == "killed":
        os.kill(pid, signal.SIGKILL)
    else:
        kernel.send("%beaker restart")
    heard: list[str] = []
    for message in kernel.iopub(time.monotonic() + 30):
        content = message["content"]
        if message["msg_type"] == "comm_close":
            heard.append(content["comm_id"])
            assert (content["data"], message["parent_header"]) == ({}, {})
        elif message["msg_type"] == "status" and not message["parent_header"] and content["execution_state"] != "starting":
            heard.append(content["execution_state"])
        if heard[-1:] == ["idle"]:
            break
    assert heard == ["restarting", *opened, "idle"]
    assert kernel.run("6 * 7").text.endswith("42")


async def test_a_notebook_under_nbclient_keeps_the_state_of_the_widgets_it_shows(tmp_path: Path) -> None:
    killed = ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "raises-exception")
    client = NotebookClient(
        notebook([SLIDER, "%beaker restart", SLIDER, killed, "'fresh'"]),
        kernel_name="beaker",
        timeout=60,
        iopub_timeout=60,  # of 4 s by default, after which nbclient goes on without the outputs that are still to come
        resources={"metadata": {"path": str(tmp_path)}},
        store_widget_state=True,
    )
    done = await client.async_execute()
    states = done.metadata["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    shown = [done.cells[n].outputs[-1]["data"]["application/vnd.jupyter.widget-view+json"]["model_id"] for n in (0, 2)]
    assert len(states) == 6, "each slider, its layout and its style"
    assert [states[model]["state"]["value"] for model in shown] == [3, 3]
    assert done.cells[4].outputs[-1]["data"]["text/plain"] == "'fresh'"
