"""What a user does in JupyterLab, done there: run, interrupt, restart, debug, move a slider, lose the subkernel, ask."""

import contextlib
import os
import re
import signal
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from playwright.sync_api import TimeoutError as NotSeenError

from tests.scripted.replies import STALL
from tests.scripted.threaded import ThreadedEndpoint
from tests.system.browser.lab import RAN, Notebook, said

pytestmark = pytest.mark.slow

Open = Callable[..., Notebook]


def test_a_cell_runs_and_shows_its_outputs(open_notebook: Open) -> None:
    notebook = open_notebook("print('to stdout')\n6 * 7", "from IPython.display import HTML\nHTML('<b id=\"made\">bold</b>')", "1 / 0")
    expect(notebook.run(0)).to_have_text(["to stdout\n", "42"])
    expect(notebook.prompt(0)).to_have_text(RAN)
    expect(notebook.run(1).locator("b#made")).to_have_text("bold")
    expect(notebook.run(2)).to_contain_text("ZeroDivisionError")
    notebook.wait_until("idle")


def test_an_interrupt_ends_a_long_cell(open_notebook: Open) -> None:
    notebook = open_notebook("import time\nprint('begun')\nwhile True:\n    time.sleep(0.1)", "'usable'")
    outputs = notebook.run(0)
    expect(outputs.first).to_contain_text("begun")
    expect(notebook.prompt(0)).to_have_text("[*]:")
    notebook.command("notebook:interrupt-kernel")
    expect(outputs.last).to_contain_text("KeyboardInterrupt")
    expect(notebook.prompt(0)).to_have_text(RAN)
    expect(notebook.run(1)).to_have_text("'usable'")


def test_a_restart_gives_a_clean_session(open_notebook: Open, page: Page) -> None:
    notebook = open_notebook("x = 5", "'x' in globals()")
    notebook.run(0)
    expect(notebook.prompt(0)).to_have_text(RAN)
    expect(notebook.run(1)).to_have_text("True")
    notebook.command("notebook:restart-kernel")
    page.locator(".jp-Dialog .jp-mod-accept").click()
    expect(page.locator(".jp-Dialog")).to_have_count(0)
    notebook.wait_until("idle")
    expect(notebook.run(1)).to_have_text("False")
    expect(notebook.prompt(1)).to_have_text("[1]:")


def test_the_debugger_stops_at_a_breakpoint_and_shows_variables(open_notebook: Open, page: Page) -> None:
    notebook = open_notebook("def double(number):\n    result = number * 2\n    return result\n\nprint('doubled', double(21))")
    gutter = notebook.cell(0).locator(".cm-gutter.cm-breakpoint-gutter")
    for patience_ms in (10_000, 10_000, 30_000):
        # JupyterLab loses a click that comes before it has heard that this kernel can debug.
        page.locator(".jp-DebuggerBugButton:visible").click()
        with contextlib.suppress(NotSeenError):
            gutter.wait_for(state="visible", timeout=patience_ms)
            break
    expect(gutter).to_be_visible()
    icon = notebook.cell(0).locator(".cm-breakpoint-icon")
    for patience_ms in (10_000, 10_000, 30_000):
        notebook.wait_until_still()  # the debugger's own panel slides in, and moves what is to be clicked at: now and then later still
        # Beside the text of line 3, `return result`: the gutter's own elements are not one per line.
        line = notebook.cell(0).locator(".cm-line").nth(2).bounding_box()
        beside = gutter.bounding_box()
        assert line is not None
        assert beside is not None
        page.mouse.click(beside["x"] + beside["width"] / 2, line["y"] + line["height"] / 2)
        with contextlib.suppress(NotSeenError):
            icon.wait_for(state="attached", timeout=patience_ms)
            break
    expect(icon).to_have_count(1)
    expect(page.locator(".jp-DebuggerBreakpoint-line")).to_have_text("3")
    outputs = notebook.run(0)
    variables = page.locator(".jp-DebuggerVariables-body:visible")
    expect(variables).to_contain_text("result")
    expect(variables).to_contain_text("42")
    expect(page.locator(".jp-DebuggerCallstack-body")).to_contain_text("double")
    expect(notebook.prompt(0)).to_have_text("[*]:")
    notebook.command("debugger:continue")
    expect(outputs).to_have_text("doubled 42\n")
    expect(notebook.prompt(0)).to_have_text(RAN)
    page.locator(".jp-DebuggerBugButton:visible").click()
    expect(gutter).to_have_count(0)


def test_a_slider_stays_alive(open_notebook: Open, page: Page) -> None:
    notebook = open_notebook(
        "import ipywidgets as widgets\nslider = widgets.IntSlider(value=10, continuous_update=False)\n"
        "seen = widgets.Output()\n\n@seen.capture()\ndef moved(change):\n    print('python saw', change['new'])\n\n"
        "slider.observe(moved, 'value')\nwidgets.VBox([slider, seen])",
        "slider.value = 90",
    )
    outputs = notebook.run(0)
    handle = outputs.locator(".noUi-handle")
    expect(outputs.locator(".widget-readout")).to_have_text("10")
    notebook.wait_until("idle")
    handle.focus()
    handle.press("ArrowRight")
    expect(outputs).to_contain_text("python saw 11")
    box = handle.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + 60, box["y"] + box["height"] / 2, steps=5)
    page.mouse.up()
    expect(outputs).to_contain_text(re.compile(r"python saw 11\s+python saw [2-9]\d"))
    notebook.run(1)  # and the other way: Python moves what the page shows
    expect(outputs.locator(".widget-readout")).to_have_text("90")
    expect(outputs).to_contain_text("python saw 90")


def test_widgets_stay_in_the_notebook_when_their_session_dies(open_notebook: Open, page: Page) -> None:
    """As on python3. A `comm_close` before `restarting` would take them out of the page, so it comes behind: see `life.py`."""
    notebook = open_notebook("import ipywidgets as widgets\nwidgets.IntSlider(value=10)", "'usable again'", "import os\nos.getpid()")
    outputs = notebook.run(0)
    expect(outputs.locator(".widget-readout")).to_have_text("10")
    os.kill(int(said(notebook.run(2), r"^\s*(\d+)\s*$")), signal.SIGKILL)
    expect_the_widget_after_the_restart(notebook, page)


def test_widgets_stay_in_the_notebook_when_their_session_is_restarted(open_notebook: Open, page: Page) -> None:
    notebook = open_notebook("import ipywidgets as widgets\nwidgets.IntSlider(value=10)", "'usable again'", "%beaker restart")
    outputs = notebook.run(0)
    expect(outputs.locator(".widget-readout")).to_have_text("10")
    notebook.run(2)
    expect_the_widget_after_the_restart(notebook, page)


def expect_the_widget_after_the_restart(notebook: Notebook, page: Page) -> None:
    expect(page.locator(".jp-Dialog-header")).to_have_text("Kernel Restarting")
    page.locator(".jp-Dialog .jp-mod-accept").click()
    notebook.wait_until("idle")
    expect(notebook.run(1).last).to_have_text("'usable again'")
    expect(notebook.outputs(0).locator(".noUi-handle")).to_be_visible()
    expect(notebook.outputs(0).locator(".widget-readout")).to_have_text("10")


def test_a_killed_subkernel_is_told_and_replaced(open_notebook: Open, page: Page) -> None:
    notebook = open_notebook("import os\nos.getpid()", "'usable again'", "import time\nprint('begun')\ntime.sleep(100)")
    outputs = notebook.run(0)
    pid = int(said(outputs, r"^\s*(\d+)\s*$"))
    running = notebook.run(2)
    expect(running.first).to_contain_text("begun")
    os.kill(pid, signal.SIGKILL)
    expect(page.locator(".jp-Dialog-header")).to_have_text("Kernel Restarting")
    page.locator(".jp-Dialog .jp-mod-accept").click()
    expect(running.last).to_contain_text("signal 9")
    notebook.wait_until("idle")
    # The first line after the loss says what was lost; python3's frontends say nothing at all.
    expect(notebook.run(1).first).to_contain_text(re.compile("variables"))
    expect(notebook.outputs(1).last).to_have_text("'usable again'")


def test_a_question_on_the_example_data_streams_an_answer_and_leaves_a_cell_that_runs(open_notebook: Open, page: Page) -> None:
    notebook = open_notebook(
        "import matplotlib.pyplot as plt\nimport pandas as pd\nlake = pd.read_csv('lake.csv', parse_dates=['time'])\nlake.shape",
        "%%ai\nPlot the weekly mean of temperature_c and oxygen_mg_l in lake.",
    )
    expect(notebook.run(0)).to_contain_text("(")
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
    expect(notebook.cell(1)).to_contain_text("The session holds the data frame")
    assert len(page.evaluate("window.looking.disconnect() ?? [...window.lengths].filter((length) => length > 0)")) >= 2
    expect(notebook.panel.locator(".jp-CodeCell")).to_have_count(3)
    expect(notebook.cell(2).locator(".cm-content")).to_contain_text("lake")
    made = notebook.run(2)
    expect(made.locator("img")).to_be_visible()
    expect(notebook.prompt(2)).to_have_text(RAN)


def test_an_endpoint_that_stalls_holds_no_cell_back(open_notebook: Open, model: ThreadedEndpoint) -> None:
    model.follow([STALL])
    notebook = open_notebook("%%ai\nWhat is the mean?", "6 * 7", "'and another'", kernel="beaker-scripted")
    answer = notebook.run(0)
    expect(answer.first).to_contain_text("one")
    expect(notebook.run(1)).to_have_text("42")
    expect(notebook.run(2)).to_have_text("'and another'")
    expect(notebook.prompt(0)).to_have_text("[*]:")
    notebook.command("notebook:interrupt-kernel")  # no cell runs, so the turn stops
    expect(notebook.prompt(0)).to_have_text(RAN)
    expect(notebook.run(1)).to_have_text("42")
