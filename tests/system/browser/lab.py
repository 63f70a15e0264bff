"""The two things that the browser tests handle: the server, and the notebook as it stands in the page."""

import json
import re
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect

LIMIT_S = 30.0
"""How long anything in the page may take; everything returns as soon as it is there."""

RAN = re.compile(r"^\[\d+\]:$")
"""Beside a cell that has run to its end; which number it has depends on what the session has run before."""


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
        with urllib.request.urlopen(request, timeout=LIMIT_S) as response:
            body = response.read()
        return json.loads(body) if body else None

    def wait_until_it_serves(self, limit_s: float) -> None:
        """Returns once it answers; a server that ended is an error with its log."""
        deadline = time.monotonic() + limit_s
        while True:
            try:
                self.call("GET", "/api/status")
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                assert self.process.poll() is None, self.log.read_text()
                assert time.monotonic() < deadline, self.log.read_text()
                time.sleep(0.05)
            else:
                return

    def end_kernels(self) -> None:
        """Shuts down all that run."""
        for kernel in self.call("GET", "/api/kernels"):
            self.call("DELETE", f"/api/kernels/{kernel['id']}")


def said(place: Locator, pattern: str) -> str:
    """What the group of a pattern finds in a place of the page, once it stands there."""
    expect(place).to_contain_text(re.compile(pattern))
    found = re.search(pattern, place.inner_text())
    assert found, place.inner_text()
    return found[1]


class Notebook:
    """The one notebook of a page, handled as a user does: by its cells, its toolbar and the keyboard."""

    def __init__(self, page: Page, file: Path) -> None:
        self.page = page
        self.file = file
        """Where it is saved."""
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

    def run(self, index: int, code: str | None = None) -> Locator:
        """Runs one cell in place, or other code in it than it has, and gives its outputs; does not wait for anything."""
        if code is not None:
            self.cell(index).locator(".cm-content").fill(code)
        self.cell(index).locator(".cm-content").click()
        self.page.keyboard.press("Control+Enter")
        return self.outputs(index)

    def outputs(self, index: int) -> Locator:
        """What stands below a cell, one by one; an output may hold others (widgets do), which are not counted."""
        return self.cell(index).locator(".jp-Cell-outputArea > .jp-OutputArea-child > .jp-OutputArea-output")

    def prompt(self, index: int) -> Locator:
        """`[1]:` beside a cell; `[*]:` while it runs, see RAN."""
        return self.cell(index).locator(".jp-InputPrompt")

    def command(self, name: str) -> None:
        """Presses the button of a command, in the notebook's toolbar or a sidebar."""
        self.page.locator(f'[data-command="{name}"]:visible').first.click()
