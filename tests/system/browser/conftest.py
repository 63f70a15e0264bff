"""A real JupyterLab in a headless Chromium: one server for all, a browser and a page for the module, a notebook for each test."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.kit.without_grammar import without_grammar
from tests.system.browser.lab import Lab, Notebook, Tab
from tests.system.clients.notebooks import notebook, write

LIMIT_S = 30.0
"""How long anything in the page may take; everything returns as soon as it is there."""

CHECKOUT = Path(__file__).parents[3]

SETTINGS = {
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},  # a cell that is scrolled away stays in the page
    "@jupyterlab/docmanager-extension/plugin": {"autosave": False},
}
"""What would go to the network, or get between a test and its cells."""


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


_failed = pytest.StashKey[bool]()


@contextmanager
def _endpoint(script: str) -> Iterator[str]:
    words = [sys.executable, str(CHECKOUT / "tests/scripted/serve.py"), script]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
        process.kill()


@pytest.fixture(scope="session")
def stalling_endpoint() -> Iterator[str]:
    """The base URL of an endpoint that begins an answer and then says nothing more."""
    with _endpoint("stall") as base_url:
        yield base_url


@pytest.fixture(scope="session")
def consent_endpoint() -> Iterator[str]:
    """The base URL of an endpoint whose model wants to run code."""
    with _endpoint("consent") as base_url:
        yield base_url


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory, stalling_endpoint: str, consent_endpoint: str) -> Iterator[Lab]:
    """JupyterLab, served on a port and from folders of its own, with the example data beside the notebooks."""
    folder = tmp_path_factory.mktemp("lab")
    root = folder / "root"
    root.mkdir()
    install_kernel("beaker-stalled", stalling_endpoint)
    install_kernel("beaker-consent", consent_endpoint)
    with serving_lab(folder, root) as served:
        yield served


@contextmanager
def serving_lab(folder: Path, root: Path, *more: str, **variables: str) -> Iterator[Lab]:
    """Starts JupyterLab, and ends it.

    Args:
        folder: for what it keeps.
        root: what it serves; the example data is put there.
        more: options.
        variables: of its environment.
    """
    shutil.copy(CHECKOUT / "examples/lake.csv", root)
    for name, values in SETTINGS.items():
        package, _, plugin = name.rpartition("/")
        file = folder / "settings" / package / f"{plugin}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    token = secrets.token_hex(16)
    options = [
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={token}",
        f"--ServerApp.root_dir={root}",
    ]
    options += ["--ServerApp.open_browser=False", "--ServerApp.log_level=WARN", "--ServerApp.ip=127.0.0.1"]
    options += [f"--LabApp.user_settings_dir={folder / 'settings'}", f"--LabApp.workspaces_dir={folder / 'workspaces'}"]
    options += ["--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    options += ["--LabApp.extension_manager=readonly", "--LabApp.expose_app_in_browser=True"] + ["--allow-root"] * (os.geteuid() == 0)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")} | variables
    with (folder / "lab.log").open("wb") as log:
        words = without_grammar("jupyterlab", *options, *more)
        process = subprocess.Popen(words, cwd=root, env=environment, stdout=log, stderr=log)
    served = Lab(url=f"http://127.0.0.1:{port}", token=token, root=root, log=folder / "lab.log", process=process)
    try:
        served.wait_until_it_serves(2 * LIMIT_S)  # of a busy machine this is most of a minute
        yield served
    finally:
        process.terminate()
        try:
            process.wait(LIMIT_S)
        except subprocess.TimeoutExpired:  # its kernels are gone already; on a busy machine it takes its time with the rest
            process.kill()
            process.wait()


def install_kernel(name: str, base_url: str) -> None:
    """Installs the kernel once more, with an endpoint in its environment."""
    from jupyter_client.kernelspec import KernelSpecManager

    spec = json.loads((Path(KernelSpecManager().get_kernel_spec("beaker").resource_dir) / "kernel.json").read_text())
    spec["env"] = {"OPENAI_BASE_URL": base_url, "BEAKER_MODEL": "scripted-1", "OPENAI_API_KEY": "sk-scripted"}
    spec["display_name"] = name
    folder = Path(os.environ["JUPYTER_DATA_DIR"]) / "kernels" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "kernel.json").write_text(json.dumps(spec))


@pytest.fixture(scope="module")
def browser(need_tool: Callable[..., str]) -> Iterator[Browser]:
    """The system's Chromium. Not for longer: while Playwright lives its loop counts as running, and no other test could run one."""
    path = need_tool("chromium", "chromium-browser", "google-chrome")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
    flags += ["--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"]
    expect.set_options(timeout=LIMIT_S * 1000)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=flags)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    """One profile for the module, so that JupyterLab's files are fetched once."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    context.set_default_timeout(LIMIT_S * 1000)
    yield context
    context.close()


@pytest.fixture(scope="module")
def tab(context: BrowserContext, lab: Lab) -> Iterator[Tab]:
    """The page of the tests that do not want one of their own."""
    tab = Tab(context, lab)
    yield tab
    tab.close()


@pytest.fixture
def own_page(context: BrowserContext) -> Iterator[Page]:
    """A page of the test's own, which it may reload: `page` is this one then."""
    page = context.new_page()
    yield page
    page.close()


@pytest.fixture
def page(tab: Tab, lab: Lab, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Page]:
    """A page; if the test fails, what it showed is kept as a picture."""
    page = request.getfixturevalue("own_page") if "own_page" in request.fixturenames else tab.page()
    yield page
    if request.node.stash.get(_failed, False):
        picture = tmp_path / "failed.png"
        page.screenshot(path=picture)
        print(f"what the page showed: {picture}\nJupyterLab's log:\n{lab.log.read_text()[-3000:]}")
        tab.close()
    else:
        tab.clear()
    for kernel in lab.call("GET", "/api/kernels"):
        lab.call("DELETE", f"/api/kernels/{kernel['id']}")


@pytest.fixture
def open_notebook(lab: Lab, tab: Tab, page: Page, request: pytest.FixtureRequest) -> Callable[..., Notebook]:
    """Opens a new notebook with these cells, on the kernel under test or a named one, and waits until that is idle.

    KERNEL_UNDER_TEST=python3 shows what bare ipykernel does with the same cells.
    """

    def make(*cells: str, kernel: str = os.environ.get("KERNEL_UNDER_TEST", "beaker")) -> Notebook:
        made = notebook(list(cells))
        made.metadata["kernelspec"] = {"name": kernel, "display_name": kernel, "language": "python"}
        name = request.node.name
        write(made, lab.root / f"{name}.ipynb")
        if "own_page" in request.fixturenames:
            page.goto(f"{lab.url}/lab/workspaces/{name}/tree/{name}.ipynb?token={lab.token}")
        else:
            tab.open(f"{name}.ipynb")
        lab.wait_until_connected(f"{name}.ipynb", page, LIMIT_S)
        opened = Notebook(page)
        opened.wait_until("idle")
        return opened

    return make
