"""Consent in JupyterLab: the prompt at the cell, and what becomes of it when all cells are run at once."""

import re
from collections.abc import Callable

import pytest
from nbformat import NotebookNode
from playwright.sync_api import Page, expect

from tests.scripted.replies import ByRole, Speak, run
from tests.scripted.threaded import ThreadedEndpoint
from tests.system.browser.lab import RAN, Notebook, said
from tests.system.clients.notebooks import read

pytestmark = pytest.mark.slow

Open = Callable[..., Notebook]


@pytest.fixture(autouse=True)
def wants_to_run_code(model: ThreadedEndpoint) -> None:
    """The model computes before it answers."""
    model.follow([ByRole(user=run("40 + 2", text="Let me compute."), tool=Speak(text="It is what I thought."))])


def saved(notebook: Notebook) -> list[NotebookNode]:
    """The cells of the file, once the user has saved it."""
    notebook.cell(0).locator(".cm-content").click()
    notebook.page.keyboard.press("Control+s")
    notebook.page.wait_for_function("!window.jupyterapp.shell.currentWidget.context.model.dirty")
    return list(read(notebook.file).cells)


def test_the_code_is_shown_and_runs_below_the_answer_once_it_is_allowed(open_notebook: Open, page: Page) -> None:
    notebook = open_notebook("%%ai how much is it?", "", kernel="beaker-scripted")
    outputs = notebook.run(0)
    prompt = notebook.cell(0).locator(".jp-Stdin-prompt")
    expect(prompt).to_contain_text("40 + 2")
    expect(prompt).to_contain_text("[y]es / [n]o / [a]lways / [e]dit / [l]ater")
    answer = notebook.cell(0).locator(".jp-Stdin-input")
    answer.fill("y")
    answer.press("Enter")
    expect(outputs.last).to_contain_text("It is what I thought.")
    number = said(notebook.cell(0), r"runs as \[(\d+)\]")
    expect(outputs.filter(has_text="42").first).to_be_visible()
    expect(notebook.prompt(0)).to_have_text(RAN)
    expect(notebook.run(1, f"Out[{number}]")).to_have_text("42")


def test_no_runs_nothing_edit_runs_what_was_written_and_the_saved_notebook_holds_it(open_notebook: Open) -> None:
    notebook = open_notebook("%%ai how much is it?", kernel="beaker-scripted")
    prompt, line = notebook.cell(0).locator(".jp-Stdin-prompt"), notebook.cell(0).locator(".jp-Stdin-input")

    def say(text: str, *, asked: str) -> None:
        expect(prompt.last).to_contain_text(asked)
        line.last.fill(text)
        line.last.press("Enter")

    outputs = notebook.run(0)
    say("n", asked="[e]dit")
    expect(notebook.cell(0)).to_contain_text("It is what I thought.")
    expect(notebook.prompt(0)).to_have_text(RAN)
    expect(outputs.filter(has_text="42")).to_have_count(0)
    notebook.run(0)
    say("e", asked="[e]dit")
    say("40 + 3", asked="a line with only")
    expect(prompt.last).not_to_contain_text("a line with only")
    line.last.fill(".")
    line.last.press("Enter")
    say("y", asked="would run your code:")
    expect(notebook.cell(0)).to_contain_text("It is what I thought.")
    expect(outputs.filter(has_text="43").first).to_be_visible()
    expect(notebook.prompt(0)).to_have_text(RAN)
    (cell,) = saved(notebook)
    assert "43" in [output.data["text/plain"] for output in cell.outputs if output.output_type == "execute_result"]
    answers = [output.data["text/markdown"] for output in cell.outputs if output.output_type == "display_data"]
    assert "It is what I thought." in answers[-1]
    assert any("40 + 3" in answer for answer in answers)


def test_outputs_of_code_that_runs_in_the_background_stand_below_the_cell_that_is_over(open_notebook: Open) -> None:
    notebook = open_notebook("%%ai --background --mode auto how much is it?", "", kernel="beaker-scripted")
    outputs = notebook.run(0)
    expect(outputs.last).to_contain_text("It is what I thought.")
    expect(outputs).to_have_count(4)
    number = said(notebook.cell(0), r"runs as \[(\d+)\]")
    expect(outputs.nth(1)).to_contain_text("runs as")
    expect(outputs.nth(2)).to_have_text("42")
    expect(notebook.prompt(0)).to_have_text(RAN)
    expect(notebook.run(1, f"Out[{number}]")).to_have_text("42")
    expect(notebook.prompt(1)).to_have_text(RAN)
    asking, _ = saved(notebook)
    assert [output.output_type for output in asking.outputs] == ["display_data", "display_data", "execute_result", "display_data"]


WAITS = "import pathlib, time\nwhile not pathlib.Path('asked').exists():\n    time.sleep(0.05)"


def test_run_all_opens_no_dialog_the_cells_behind_run_and_the_consent_is_allowed_later(open_notebook: Open, page: Page) -> None:
    notebook = open_notebook("%%ai how much is it?", WAITS, "'behind'", kernel="beaker-scripted")
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    waiting = said(notebook.cell(0), r"waiting: %beaker allow (A\d+) / %beaker reject \1")
    expect(notebook.prompt(0)).to_have_text(RAN)
    expect(notebook.cell(0).locator(".jp-Stdin-input")).to_have_count(0)
    (notebook.file.parent / "asked").touch()
    expect(notebook.outputs(2)).to_have_text("'behind'")
    expect(page.locator(".jp-Dialog")).to_have_count(0)
    outputs = notebook.run(2, f"%beaker allow {waiting}")
    expect(outputs.last).to_contain_text("It is what I thought.")
    expect(outputs.filter(has_text="42").first).to_be_visible()
    expect(page.locator(".jp-Dialog")).to_have_count(0)


def test_after_a_reload_of_the_page_what_was_asked_is_named_and_allowed_in_another_cell(open_notebook: Open) -> None:
    notebook = open_notebook("%%ai how much is it?", "", "%beaker status", kernel="beaker-scripted")
    notebook.run(0)
    expect(notebook.cell(0).locator(".jp-Stdin-prompt")).to_contain_text("40 + 2")
    notebook.reload()
    expect(notebook.cell(0).locator(".jp-Stdin-prompt")).to_have_count(0)
    waiting = said(notebook.run(2), r"(A\d+) \(asked at the prompt of question \d+\)")
    outputs = notebook.run(1, f"%beaker allow {waiting}")
    expect(outputs.last).to_contain_text("It is what I thought.")
    expect(outputs.filter(has_text="42").first).to_be_visible()


def test_lines_that_the_field_joins_are_called_so_and_the_code_comes_as_a_cell(open_notebook: Open, page: Page) -> None:
    notebook = open_notebook("%%ai how much is it?", "", kernel="beaker-scripted")
    prompt, line = notebook.cell(0).locator(".jp-Stdin-prompt"), notebook.cell(0).locator(".jp-Stdin-input")
    notebook.run(0)
    expect(prompt.last).to_contain_text("[e]dit")
    line.last.fill("e")
    line.last.press("Enter")
    expect(prompt.last).to_contain_text("Your code, line 1")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate("navigator.clipboard.writeText('a = 1\\nb = 2\\nprint(a + b)')")
    line.last.click()
    page.keyboard.press("Control+v")
    line.last.press("Enter")
    expect(prompt.last).to_contain_text("line 2:")
    line.last.fill(".")
    line.last.press("Enter")
    expect(prompt.last).to_contain_text("a = 1 b = 2 print(a + b)")
    expect(prompt.last).to_contain_text("Python cannot read this: invalid syntax (line 1)")
    line.last.fill("l")
    line.last.press("Enter")
    expect(notebook.prompt(0)).to_have_text(RAN)
    waiting = said(notebook.cell(0), r"waiting: %beaker allow (A\d+)")
    notebook.run(1, f"%beaker edit {waiting}")
    expect(notebook.cell(2).locator(".cm-content")).to_have_text("40 + 2")
    expect(notebook.cell(1)).to_contain_text(f"The code of {waiting} is the next cell")


def test_code_that_is_interrupted_is_called_so_with_its_error_below(open_notebook: Open, page: Page) -> None:
    notebook = open_notebook("%%ai how much is it?", kernel="beaker-scripted")
    prompt, line = notebook.cell(0).locator(".jp-Stdin-prompt"), notebook.cell(0).locator(".jp-Stdin-input")
    outputs = notebook.run(0)
    answers = (
        ("[a]lways", "e"),
        ("Your code, line 1", "print('begun', flush=True); import time; time.sleep(600)"),
        ("line 2:", "."),
        ("would run your code:", "y"),
    )
    for asked, answer in answers:
        expect(prompt.last).to_contain_text(asked)
        line.last.fill(answer)
        line.last.press("Enter")
    expect(outputs.filter(has_text=re.compile(r"^\s*begun\s*$")).last).to_be_visible()  # what it prints, and not the code that is shown
    notebook.command("notebook:interrupt-kernel")
    expect(outputs.filter(has_text="KeyboardInterrupt").last).to_be_visible()
    expect(notebook.cell(0)).to_contain_text(re.compile(r"A\d+ was interrupted"))
    expect(notebook.cell(0)).not_to_contain_text("runs as")
    expect(notebook.prompt(0)).to_have_text(RAN)
