"""The two things that the browser tests handle: the server, and the notebook as it stands in the page."""

import json
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Locator, Page, expect


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab."""

    url: str
    token: str
    root: Path
    """The folder it serves."""
    log: Path
    process: subprocess.Popen[bytes]

    def call(self, method: str, path: str) -> Any:  # Any: JSON
        """Calls its REST interface; an empty body is None."""
        request = urllib.request.Request(f"{self.url}{path}", method=method, headers={"Authorization": f"token {self.token}"})
        with urllib.request.urlopen(request, timeout=10) as response:
            body = response.read()
        return json.loads(body) if body else None

    def wait_until_it_serves(self, limit_s: float) -> None:
        """Returns once it answers; a server that ended is an error with its log."""
        deadline = time.monotonic() + limit_s
        while True:
            try:
                self.call("GET", "/api/status")
            except (urllib.error.URLError, ConnectionError):
                assert self.process.poll() is None, self.log.read_text()
                assert time.monotonic() < deadline, self.log.read_text()
                time.sleep(0.05)
            else:
                return

    def wait_until_connected(self, path: str, page: Page, limit_s: float) -> None:
        """Returns once the page's websocket to the kernel of this notebook is open and the kernel idle.

        The page alone does not tell: before it has a kernel its indicator says idle, and a cell that is run then asks for one.
        """
        deadline = time.monotonic() + limit_s
        while True:
            sessions = [session for session in self.call("GET", "/api/sessions") if session["path"] == path]
            if any(session["kernel"]["connections"] and session["kernel"]["execution_state"] == "idle" for session in sessions):
                return
            assert time.monotonic() < deadline, f"no kernel for {path}: {sessions}"
            page.wait_for_timeout(50)


class Tab:
    """JupyterLab in a page, which takes the browser five seconds of a processor to load: one for all tests that leave it as it was."""

    def __init__(self, context: BrowserContext, lab: Lab) -> None:
        self._context = context
        self._lab = lab
        self._page: Page | None = None

    def page(self) -> Page:
        """The page, in which no document is open."""
        if self._page is None:
            self._page = self._context.new_page()
            self._page.goto(f"{self._lab.url}/lab/workspaces/shared?reset&token={self._lab.token}")
            self._page.wait_for_function("window.jupyterapp")
            self._page.evaluate("window.jupyterapp.restored.then(() => null)")
        return self._page

    def open(self, path: str) -> None:
        """Opens a notebook in the page, as a double click on its file does."""
        self.page().evaluate(OPEN, path)

    def clear(self) -> None:
        """Closes what was opened, changes or not. A page that then still shows a dialog is given up."""
        if self._page is not None and not self._page.evaluate(CLEAR):
            self.close()

    def close(self) -> None:
        """Gives the page up: the next is a fresh one."""
        if self._page is not None:
            self._page.close()
        self._page = None


OPEN = """async (path) => {
    await window.jupyterapp.serviceManager.kernelspecs.refreshSpecs();  // tests install kernels
    await window.jupyterapp.commands.execute("docmanager:open", { path });
}"""

CLEAR = """() => {
    const shell = window.jupyterapp.shell;
    [...shell.widgets("main")].forEach((widget) => widget.dispose());
    shell.collapseRight();
    return document.querySelector(".jp-Dialog") === null;
}"""


class Notebook:
    """The one notebook of a page, handled as a user does: by its cells, its toolbar and the keyboard."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.panel = page.locator(".jp-NotebookPanel:visible")

    def wait_until(self, status: str) -> None:
        """Waits until the kernel's indicator in the toolbar shows this status."""
        expect(self.panel.locator(f'.jp-Notebook-ExecutionIndicator[data-status="{status}"]')).to_be_attached()

    def reload(self) -> None:
        """Reloads the page, changes or not, and returns once it has found its kernel again: before, a cell that is run starts another."""
        self.page.once("dialog", lambda dialog: dialog.accept())  # asked only if the notebook has changes
        with self.page.expect_websocket(lambda opened: opened.url.partition("?")[0].endswith("/channels")):
            self.page.reload()
        self.wait_until("idle")

    def wait_until_still(self) -> None:
        """Waits until the first cell has stood in the same place for a quarter of a second."""
        seen: list[object] = []
        for _ in range(200):
            seen.append(self.cell(0).locator(".cm-content").bounding_box())
            if len(seen) > 5 and all(place == seen[-1] for place in seen[-6:]):
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"the page moves on and on: {seen[-3:]}")

    def cell(self, index: int) -> Locator:
        """A code cell by its place, from 0."""
        return self.panel.locator(".jp-CodeCell").nth(index)

    def run(self, index: int) -> Locator:
        """Runs one cell in place and gives its outputs; does not wait for anything."""
        self.cell(index).locator(".cm-content").click()
        self.page.keyboard.press("Control+Enter")
        return self.outputs(index)

    def outputs(self, index: int) -> Locator:
        """What stands below a cell, one by one; an output may hold others (widgets do), which are not counted."""
        return self.cell(index).locator(".jp-Cell-outputArea > .jp-OutputArea-child > .jp-OutputArea-output")

    def prompt(self, index: int) -> Locator:
        """`[1]:` beside a cell; `[*]:` while it runs."""
        return self.cell(index).locator(".jp-InputPrompt")

    def command(self, name: str) -> None:
        """Presses the button of a command, in the notebook's toolbar or a sidebar."""
        self.page.locator(f'[data-command="{name}"]:visible').first.click()
