"""JupyterLab in a page, which takes four seconds of a processor to load, and a notebook for each kernel, which takes two or three.

One page and, for each kernel, one notebook serve all tests that leave them usable: the next test finds in the notebook its own
cells, and in the kernel no variables, no question that goes on and no conversation. What stays is what belongs to the kernel's
process, the numbers of cells and approvals. Behind a test that failed everything is given up: nobody knows what it has left.
"""

from collections.abc import Sequence

from playwright.sync_api import Browser, Page

from actors.kernel.questions.composing import SEEN_CELLS
from tests.system.browser.lab import LIMIT_S, Lab, Notebook
from tests.system.clients.notebooks import notebook, write

FORGETTING = ["%beaker stop", "%reset -f", *["pass"] * SEEN_CELLS, "%beaker reset"]
"""As for kernels that other tests share: outputs that the model is shown with a question make it an untrusted one."""

OPEN = """async (path) => {
    const app = window.jupyterapp;
    await app.serviceManager.kernelspecs.refreshSpecs();  // tests install kernels
    const panel = await app.commands.execute("docmanager:open", { path });
    await panel.context.ready;
    await panel.sessionContext.ready;
    // Before it has answered, a cell that is run asks for a kernel. It is asked again, as JupyterLab's server can lose a gateway's first
    // answer: the page opens two websockets in turn, and the server's for the first may come last, and take the place of the second.
    for (let times = 0; times < 6; times++) {
        const kernel = panel.sessionContext.session.kernel;
        const answer = kernel.info.then(() => true);
        if (await Promise.race([answer, new Promise((resolve) => setTimeout(resolve, 5000, false))])) return true;
        kernel.requestKernelInfo().catch(() => null);
    }
    return false;
}"""

OPEN_AGAIN = """async ({ path, cells, forgetting }) => {
    const panel = await window.jupyterapp.commands.execute("docmanager:open", { path });
    const kernel = panel.sessionContext.session.kernel;
    const forgotten = Promise.all(forgetting.map((code) => kernel.requestExecute({ code }).done)).then(() => true);
    if (!(await Promise.race([forgotten, new Promise((resolve) => setTimeout(resolve, 30000, false))]))) return false;
    const notebook = panel.content.model.sharedModel;
    const made = cells.map((source) => ({ cell_type: "code", source, metadata: {}, outputs: [], execution_count: null }));
    notebook.transact(() => {
        notebook.deleteCellRange(0, notebook.cells.length);
        notebook.insertCells(0, made);
    });
    await panel.context.save();
    return true;
}"""

STILL = """document.addEventListener("DOMContentLoaded", () => {
    const style = document.createElement("style");
    style.textContent = "*, *::before, *::after { animation: none !important; transition: none !important }";
    document.head.append(style);
})"""
"""Each frame of an animation is drawn by the processor, in three processes."""

CLEAR = """() => {
    window.jupyterapp.shell.collapseRight();
    return document.querySelector(".jp-Dialog") === null;
}"""


class Tab:
    """The page, and what is open in it."""

    def __init__(self, browser: Browser, lab: Lab) -> None:
        self._browser = browser
        self._lab = lab
        self._page: Page | None = None
        self._kernels: set[str] = set()
        """Whose notebooks are open."""

    def page(self) -> Page:
        """The page."""
        if self._page is None:
            # A profile of its own: cookies know no ports, and there may be another JupyterLab.
            context = self._browser.new_context(viewport={"width": 1200, "height": 800}, reduced_motion="reduce")
            context.set_default_timeout(LIMIT_S * 1000)
            context.add_init_script(STILL)
            self._page = context.new_page()
            self._page.goto(f"{self._lab.url}/lab/workspaces/shared?reset&token={self._lab.token}")
            self._page.wait_for_function("window.jupyterapp")
            # Without the list of files, which would be drawn anew with each that is written.
            self._page.evaluate("window.jupyterapp.restored.then(() => window.jupyterapp.shell.collapseLeft())")
        return self._page

    def open(self, kernel: str, cells: Sequence[str]) -> Notebook:
        """Opens the notebook of this kernel with these cells, and waits until the kernel is idle."""
        page, file = self.page(), self._lab.root / f"{kernel}.ipynb"
        if kernel in self._kernels:
            arguments = {"path": file.name, "cells": list(cells), "forgetting": FORGETTING}
            assert page.evaluate(OPEN_AGAIN, arguments), f"the kernel {kernel} did not answer"
        else:
            made = notebook(list(cells))
            made.metadata["kernelspec"] = {"name": kernel, "display_name": kernel, "language": "python"}
            write(made, file)
            assert page.evaluate(OPEN, file.name), f"the kernel {kernel} did not answer"
            self._kernels.add(kernel)
        opened = Notebook(page, file)
        opened.wait_until("idle")
        return opened

    def end_kernels(self) -> None:
        """Closes all notebooks, with their kernels; the page stays."""
        self.page().evaluate("[...window.jupyterapp.shell.widgets('main')].forEach((widget) => widget.dispose())")
        self._lab.end_kernels()
        self._kernels.clear()

    def clear(self) -> None:
        """Closes what a test has opened beside its notebook. A page that then still shows a dialog is given up."""
        if self._page is not None and not self._page.evaluate(CLEAR):
            self.close()

    def close(self) -> None:
        """Gives all of it up: the next page is a fresh one, with fresh kernels."""
        if self._page is not None:
            self._page.context.close()
            self._lab.end_kernels()
        self._page = None
        self._kernels.clear()
