"""A real JupyterLab in a headless Chromium: see `desk` for what all tests here share, and `tab` for what each finds in the page."""

import os
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.scripted.threaded import ThreadedEndpoint
from tests.system.browser.desk import Desk
from tests.system.browser.lab import Lab, Notebook
from tests.system.browser.tab import Tab


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keeps these tests on one worker where tests run side by side: they share a server and a browser."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.xdist_group("browser"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Leaves the outcome of the test where the `page` fixture finds it."""
    report = yield
    if report.when == "call":
        item.stash[_failed] = report.failed
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None]:
    """Clears the desk behind the last test of this folder."""
    try:
        return (yield)
    finally:
        if (nextitem is None or nextitem.path.parent != Path(__file__).parent) and (desk := item.session.stash.get(_desk, None)):
            desk.clear()


_failed = pytest.StashKey[bool]()
_desk = pytest.StashKey[Desk]()


@pytest.fixture(scope="session")
def desk(request: pytest.FixtureRequest, need_tool: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """What all tests here share."""
    chromium = lambda: need_tool("chromium", "chromium-browser", "google-chrome")  # noqa: E731
    desk = request.session.stash[_desk] = Desk(chromium, tmp_path_factory.mktemp, os.environ)
    return desk


@pytest.fixture
def browser(desk: Desk) -> Browser:
    """The system's Chromium."""
    return desk.browser


@pytest.fixture
def model(desk: Desk) -> ThreadedEndpoint:
    """The model of the kernel `beaker-scripted`: a test says with `follow` what it answers."""
    return desk.model


@pytest.fixture
def lab(desk: Desk) -> Lab:
    """The server."""
    return desk.lab


@pytest.fixture
def tab(desk: Desk) -> Tab:
    """The page of the server."""
    return desk.tab


@pytest.fixture
def page(tab: Tab, lab: Lab, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Page]:
    """A page; if the test fails, what it showed is kept as a picture."""
    page = tab.page()
    yield page
    if request.node.stash.get(_failed, False):
        picture = tmp_path / "failed.png"
        page.screenshot(path=picture)
        print(f"what the page showed: {picture}\nJupyterLab's log:\n{lab.log.read_text()[-3000:]}")
        tab.close()
    else:
        tab.clear()


@pytest.fixture
def open_notebook(tab: Tab, page: Page) -> Callable[..., Notebook]:
    """Opens a notebook with these cells, on the kernel under test or a named one, and waits until that is idle.

    KERNEL_UNDER_TEST=python3 shows what bare ipykernel does with the same cells.
    """

    def make(*cells: str, kernel: str = os.environ.get("KERNEL_UNDER_TEST", "beaker")) -> Notebook:
        return tab.open(kernel, cells)

    return make
