"""What the tests of this folder share, started by the first that wants it: a browser, a JupyterLab, the page of it, a model.

Not fixtures of the session: while Playwright lives its loop counts as running, and no other test of the process could run one. Not
fixtures of a module either: a browser with JupyterLab's page takes six seconds of a processor to start.
"""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright

from tests.scripted.replies import Speak
from tests.scripted.threaded import ThreadedEndpoint, serving
from tests.system.browser.lab import LIMIT_S, Lab
from tests.system.browser.lab_server import install_kernel, serving_lab
from tests.system.browser.tab import Tab

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"]


class Desk:
    """Those things.

    Args:
        chromium: gives the browser's path, or skips the test.
        make_folder: gives an empty one.
        environment: of what is started, not that of a single test.
    """

    def __init__(self, chromium: Callable[[], str], make_folder: Callable[[str], Path], environment: Mapping[str, str]) -> None:
        self._chromium = chromium
        self._make_folder = make_folder
        self._environment = dict(environment)
        self._held = ExitStack()
        self._browser: Browser | None = None
        self._lab: Lab | None = None
        self._tab: Tab | None = None
        self._model: ThreadedEndpoint | None = None

    @property
    def browser(self) -> Browser:
        """The system's Chromium."""
        if self._browser is None:
            expect.set_options(timeout=LIMIT_S * 1000)
            path = self._chromium()
            playwright = self._held.enter_context(sync_playwright())
            self._browser = playwright.chromium.launch(executable_path=path, args=FLAGS, env={**self._environment})
            self._held.callback(self._browser.close)
        return self._browser

    @property
    def lab(self) -> Lab:
        """JupyterLab, served on a port and from folders of its own, with the example data beside the notebooks."""
        if self._lab is None:
            folder = self._make_folder("lab")
            (folder / "root").mkdir()
            self._lab = self._held.enter_context(serving_lab(folder, folder / "root", environment=self._environment))
        return self._lab

    @property
    def tab(self) -> Tab:
        """The page of that JupyterLab."""
        if self._tab is None:
            self._tab = Tab(self.browser, self.lab)
        return self._tab

    @property
    def model(self) -> ThreadedEndpoint:
        """The endpoint of the kernel `beaker-scripted`."""
        if self._model is None:
            self._model = self._held.enter_context(serving([Speak(text="nobody asked")]))
            install_kernel("beaker-scripted", self._model.endpoint.base_url)
        return self._model

    def clear(self) -> None:
        """Ends all of it."""
        self._browser = self._lab = self._tab = self._model = None
        self._held.close()
