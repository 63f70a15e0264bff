"""JupyterLab on a gateway (`jupyter lab --gateway-url=...`) in a browser: of three workers, and of one, which is then killed."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.kit.ports import free_port
from tests.kit.running_gateway import RunningGateway
from tests.system.browser.desk import Desk
from tests.system.browser.lab import RAN, Lab, Notebook
from tests.system.browser.lab_server import serving_lab
from tests.system.browser.tab import Tab
from tests.system.browser.test_jupyterlab import test_a_restart_gives_a_clean_session

__all__ = ["test_a_restart_gives_a_clean_session"]  # is collected here too

pytestmark = pytest.mark.slow

Open = Callable[..., Notebook]

TOKEN = "right-token-0123456789-abcdefghij"
"""The same behind a restart, as the notebooks' server has only one."""


@pytest.fixture(scope="module")
def running() -> Iterator[RunningGateway]:
    """The gateway."""
    folder = Path(tempfile.mkdtemp(prefix="bg", dir="/tmp"))
    # On a port of the tests' own, as it is started there once more.
    running = RunningGateway(folder, "--port", str(free_port()), BEAKER_GATEWAY_TOKEN=TOKEN).start("--workers", "3")
    yield running
    running.close()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def lab(running: RunningGateway, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A JupyterLab that has no kernels of its own; both serve the same folder."""
    folder = tmp_path_factory.mktemp("lab")
    environment = {**os.environ, "JUPYTER_GATEWAY_AUTH_TOKEN": TOKEN, "JUPYTER_GATEWAY_ALLOWED_ENVS": "JPY_SESSION_NAME"}
    with serving_lab(folder, running.root, f"--gateway-url={running.url}", environment=environment) as served:
        yield served


@pytest.fixture(scope="module")
def tab(desk: Desk, lab: Lab) -> Iterator[Tab]:
    """Its page."""
    tab = Tab(desk.browser, lab)
    yield tab
    tab.close()


@pytest.fixture(scope="module", params=[3, 1], ids=["three workers", "one worker"], autouse=True)
def workers(request: pytest.FixtureRequest, running: RunningGateway, tab: Tab) -> int:
    """How many the gateway has: where it has others it is started again, below the same JupyterLab and the same page."""
    wanted: int = request.param
    if len(running.roles("worker")) != wanted:
        tab.end_kernels()
        running.end()
        running.start("--workers", str(wanted))
    return wanted


def test_a_cell_runs_and_an_interrupt_ends_a_long_one(open_notebook: Open, running: RunningGateway) -> None:
    notebook = open_notebook("print('to stdout')\n6 * 7", "import time\nprint('begun')\ntime.sleep(600)", "'usable'")
    expect(notebook.run(0)).to_have_text(["to stdout\n", "42"])
    expect(notebook.prompt(0)).to_have_text(RAN)
    outputs = notebook.run(1)
    expect(outputs.first).to_contain_text("begun")
    notebook.command("notebook:interrupt-kernel")
    expect(outputs.last).to_contain_text("KeyboardInterrupt")
    expect(notebook.prompt(1)).to_have_text(RAN)
    expect(notebook.run(2)).to_have_text("'usable'")
    assert f'/{notebook.file.name}"' in running.logs, "nobody finds its kernel by it"


def test_a_question_streams_an_answer_and_leaves_a_cell_that_runs(open_notebook: Open, page: Page) -> None:
    notebook = open_notebook("import pandas as pd\nlake = pd.read_csv('lake.csv')\nlake.shape", "%%ai --mode plan\ndescribe lake")
    expect(notebook.run(0)).to_contain_text("4392")
    # Every length that the answer had on its way, written down by the page itself.
    page.evaluate(
        """() => {
            window.lengths = new Set();
            const look = () => document.querySelectorAll('.jp-RenderedMarkdown').forEach((e) => window.lengths.add(e.textContent.length));
            window.looking = new MutationObserver(look);
            window.looking.observe(document.body, {childList: true, subtree: true, characterData: true});
        }"""
    )
    notebook.run(1)
    expect(notebook.prompt(1)).to_have_text(RAN)
    assert len(page.evaluate("window.looking.disconnect() ?? [...window.lengths].filter((length) => length > 0)")) >= 2
    expect(notebook.panel.locator(".jp-CodeCell")).to_have_count(3)
    expect(notebook.cell(2).locator(".cm-content")).to_contain_text("lake.describe")
    expect(notebook.run(2).last).to_contain_text("count")
    expect(notebook.prompt(2)).to_have_text(RAN)


WIDGET = "import ipywidgets as widgets\nslider = widgets.IntSlider(value=10, continuous_update=False)\nslider"
LONG = """\
import pathlib, time
print('begun')
while not pathlib.Path('go-on').exists():
    time.sleep(0.05)
print('ended')"""


@pytest.mark.parametrize("workers", [1], ids=["one worker"], indirect=True, scope="module")
def test_a_cell_goes_on_and_a_widget_answers_when_the_only_worker_is_killed(open_notebook: Open, running: RunningGateway) -> None:
    """The page hears nothing of it: JupyterLab's server opens its websocket anew after a second or two, and is told what it has missed."""
    notebook = open_notebook(WIDGET, LONG, "slider.value")
    widget = notebook.run(0)
    expect(widget.locator(".widget-readout")).to_have_text("10")
    outputs = notebook.run(1)
    expect(outputs.first).to_contain_text("begun")
    (worker,) = running.roles("worker")
    worker.kill()
    (running.root / "go-on").touch()
    expect(outputs).to_have_text("begun\nended\n")
    expect(notebook.prompt(1)).to_have_text(RAN)
    widget.locator(".noUi-handle").press("ArrowRight")
    expect(widget.locator(".widget-readout")).to_have_text("11")
    expect(notebook.run(2)).to_have_text("11")
