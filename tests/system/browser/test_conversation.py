"""A stranger's first ten minutes in JupyterLab, with the demo model: look, compute with consent, mend, take another context."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.system.browser.lab import Notebook, said

pytestmark = pytest.mark.slow

Open = Callable[..., Notebook]

LOAD = "import pandas as pd\nlake = pd.read_csv('lake.csv')\nlake.shape"


def test_a_figure_is_computed_when_it_is_allowed_at_the_cell(open_notebook: Open) -> None:
    notebook = open_notebook(LOAD, "%%ai what is the highest ph in lake?")
    expect(notebook.run(0)).to_contain_text("4392")
    outputs = notebook.run(1)
    prompt = notebook.cell(1).locator(".jp-Stdin-input")
    expect(prompt).to_be_visible()
    expect(outputs.locator("div[style]")).to_contain_text('lake["ph"].max()')
    prompt.fill("y")
    prompt.press("Enter")
    expect(notebook.cell(1)).to_contain_text("8.99")
    expect(notebook.cell(1)).to_contain_text("a fixed set of rules")


def test_a_mistake_is_mended_in_a_cell_that_comes_by_itself(open_notebook: Open) -> None:
    notebook = open_notebook(LOAD, "lake['temprature_c'].mean()", "%%ai fix it")
    expect(notebook.run(0)).to_contain_text("4392")
    expect(notebook.run(1)).to_contain_text("KeyError")
    notebook.run(2)
    expect(notebook.cell(2)).to_contain_text(re.compile(r"in place of cell \[\d+\]"))
    expect(notebook.panel.locator(".jp-CodeCell")).to_have_count(4)
    expect(notebook.run(3)).to_contain_text("12.66")


def test_a_context_is_set_and_its_proposals_can_be_inserted(open_notebook: Open) -> None:
    notebook = open_notebook(LOAD, "%beaker context dataframes", "%%ai --mode plan describe lake", "", "%beaker history")
    expect(notebook.run(0)).to_contain_text("4392")
    expect(notebook.run(1).first).to_contain_text("compare_groups")
    notebook.run(2)
    expect(notebook.cell(2)).to_contain_text("lake.describe")
    expect(notebook.panel.locator(".jp-CodeCell")).to_have_count(6)
    number = said(notebook.run(5).first, r"Question (\d+) \(demo model\)")
    notebook.run(4, f"%beaker insert 1 {number}")
    expect(notebook.panel.locator(".jp-CodeCell")).to_have_count(7)
    expect(notebook.cell(5).locator(".cm-content")).to_contain_text("lake.describe")
