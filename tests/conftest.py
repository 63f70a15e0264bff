"""What holds for every test: it sees nothing of the machine's user, and leaves no process behind.

Before anything is collected, home, XDG and Jupyter folders move into one short-named temporary folder (socket paths are
limited to about 100 bytes), and every variable that configures beaker is taken away. Each test then gets a home of its own.
Processes are recognised by a resource limit that they inherit: roles of beaker detach, overwrite their environment and are
undumpable, so neither parents nor /proc/PID/environ would tell which of them the tests have started. Where tests run side by
side, each worker has a folder and a mark of its own.
"""

import gc
import importlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# First of all: our names are ours from here on, in this process too.
import beaker_kernel  # noqa: F401
from actors.runtime.trace import current_trace
from tests.kit import side_by_side

# Where JupyterLab is installed, jsonschema would build grammars for seconds as it is imported, by nbformat, for a kind of text
# that no notebook has. It does without where there is no such module.
sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]  # the mark of what cannot be imported

UNDER_CI = os.environ.get("BEAKER_CI") == "1"
"""Set by `.ci/run`: there a test that lacks a tool fails."""

LEAVING_TIME_S = 60.0
"""How long processes may take to end after the last test: the lease of a subkernel without an owner is 10 s by default, and on a busy
machine those who end it take their time."""

# Tests run side by side, on machines that others use too: how long an example takes says nothing of it.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

LONGEST_ID = 100
"""How much of a parameter, in characters, the name of a test shows: about a line."""

_MARK = os.getpid() % 800_000
"""Our soft RLIMIT_MSGQUEUE. Nothing here uses POSIX message queues, and every descendant inherits it, visible to all."""

_session_folder = Path("/nowhere")
_born: list[tuple[float, str]] = []
"""When each test began, in seconds since the machine did, as the system counts for processes."""
_leaks: list[str] = []
"""What outlived the tests: of this process, and where tests run side by side of each worker."""


def pytest_configure(config: pytest.Config) -> None:
    """Moves the session into a folder of its own, and marks its processes."""
    global _session_folder
    config.pluginmanager.register(side_by_side)
    home = Path.home()
    _session_folder = Path(tempfile.mkdtemp(prefix="bk", dir="/tmp"))  # not $TMPDIR, which may be long
    os.environ.setdefault("PIP_CACHE_DIR", str(Path(os.environ.get("XDG_CACHE_HOME", home / ".cache")) / "pip"))
    for file in (home / ".config/pip/pip.conf", home / ".pip/pip.conf"):
        if file.exists():
            os.environ.setdefault("PIP_CONFIG_FILE", str(file))
    os.environ.setdefault("npm_config_cache", str(home / ".npm"))
    os.environ.setdefault("npm_config_userconfig", str(home / ".npmrc"))
    for name in list(os.environ):
        if name.startswith(("BEAKER_", "OPENAI_", "JUPYTER_", "JPY_", "XDG_")) and not name.startswith("BEAKER_SOAK_"):
            del os.environ[name]
    folders = {"HOME": "home", "XDG_RUNTIME_DIR": "run", "IPYTHONDIR": "ipython", "MPLCONFIGDIR": "mpl"}
    folders |= {"XDG_CONFIG_HOME": "home/.config", "XDG_STATE_HOME": "home/.state", "XDG_DATA_HOME": "home/.share"}
    folders |= {"XDG_CACHE_HOME": "home/.cache", "JUPYTER_RUNTIME_DIR": "jr"}
    folders |= {"JUPYTER_DATA_DIR": "jupyter/data", "JUPYTER_CONFIG_DIR": "jupyter/config"}
    for name, place in folders.items():
        (_session_folder / place).mkdir(mode=0o700, parents=True, exist_ok=True)
        os.environ[name] = str(_session_folder / place)
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_MSGQUEUE, (_MARK, resource.getrlimit(resource.RLIMIT_MSGQUEUE)[1]))


def pytest_collection(session: pytest.Session) -> None:
    """Collects no garbage while thousands of tests and all that they import are made: nothing of that goes away."""
    gc.disable()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Leaves it out of every later search for garbage too."""
    gc.freeze()
    gc.enable()


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """Names a test by the beginning of a long text: each id goes from process to process several times, and some texts have megabytes."""
    if not isinstance(val, str | bytes) or len(val) <= LONGEST_ID:
        return None
    beginning = ascii(val[:LONGEST_ID])
    return f"{beginning}...{len(val)}"


def pytest_runtest_logstart(nodeid: str) -> None:
    """Remembers when each test began, to name the one that a leaked process comes from."""
    if sys.platform == "linux":
        _born.append((time.clock_gettime(time.CLOCK_BOOTTIME), nodeid))


def _processes_of_the_session() -> dict[int, str]:
    """The living processes that carry our mark, with what they are and the test during which they were started."""
    found: dict[int, str] = {}
    if sys.platform != "linux":
        return found
    ticks = os.sysconf("SC_CLK_TCK")
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            limits = (folder / "limits").read_text()
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
            words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            continue  # it ended meanwhile
        marked = any(line.split()[3] == str(_MARK) for line in limits.splitlines() if line.startswith("Max msgqueue size"))
        if marked and fields[0] not in "ZX":
            started = int(fields[19]) / ticks
            test = next((nodeid for at, nodeid in reversed(_born) if at <= started + 0.05), "before the first test")
            found[int(folder.name)] = f"{words[:160] or '(no command line)'}  [started in {test}]"
    return found


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:  # Any: a worker of pytest-xdist, which has no types
    """Hears from a worker, as it ends, which processes outlived its tests: the exit status of a worker counts for nothing."""
    _leaks.extend(getattr(node, "workeroutput", {}).get("leaks", []))


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fails the session if a process outlives it, says which, and ends it; removes the session's folder."""
    deadline = time.monotonic() + LEAVING_TIME_S
    while (left := _processes_of_the_session()) and time.monotonic() < deadline:
        time.sleep(0.05)
    _leaks.extend(f"  pid {pid}: {words}" for pid, words in left.items())
    for pid in left:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue  # it ended by itself after all
    shutil.rmtree(_session_folder, ignore_errors=True)
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["leaks"] = _leaks
    elif _leaks:
        sys.stderr.write("\n".join(["", f"{len(_leaks)} process(es) outlived the tests that started them:", *_leaks, ""]))
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(autouse=True)
def own_home(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of the test's own: no settings, state or trust of another test. The runtime folder is the session's."""
    home = Path(tempfile.mkdtemp(prefix="h", dir=_session_folder))
    for name, place in {"HOME": "", "XDG_CONFIG_HOME": ".config", "XDG_STATE_HOME": ".state", "XDG_CACHE_HOME": ".cache"}.items():
        (home / place).mkdir(exist_ok=True)
        monkeypatch.setenv(name, str(home / place))
    return home


@pytest.fixture(autouse=True)
def no_trace() -> None:
    """No test goes on with the trace of another: outside of a task it stays where it was set."""
    current_trace.set("")


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A fresh folder whose name is short enough for a socket's path."""
    folder = Path(tempfile.mkdtemp(prefix="s", dir=_session_folder))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def _lacking(reason: str) -> None:
    if UNDER_CI:
        pytest.fail(f"{reason}; here it has to be there")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def need() -> Callable[..., None]:
    """Takes the words for what is needed, and whether it is `there`; without it the test skips, and fails in CI."""

    def check(what: str, *, there: bool) -> None:
        if not there:
            _lacking(f"needs {what}")

    return check


@pytest.fixture(scope="session")
def need_tool() -> Callable[..., str]:
    """Gives the path of the first of these programs that is installed; without any the test skips, and fails in CI."""

    def find(*names: str) -> str:
        for name in names:
            if path := shutil.which(name):
                return path
        _lacking(f"needs {' or '.join(names)}, which is not installed")
        raise AssertionError

    return find


@pytest.fixture(scope="session")
def need_module() -> Callable[[str], ModuleType]:
    """Imports a module that only tests need; where it is not installed the test skips, and fails in CI."""

    def load(name: str) -> ModuleType:
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError:
            _lacking(f"needs the module {name}, which is not installed")
        raise AssertionError

    return load


@pytest.fixture(scope="session")
def need_kernelspec() -> Callable[[str], None]:
    """Checks that a Jupyter kernel of this name is installed; without it the test skips, and fails in CI."""

    def check(name: str) -> None:
        from jupyter_client.kernelspec import KernelSpecManager

        if name not in KernelSpecManager().find_kernel_specs():
            _lacking(f"needs the Jupyter kernel {name!r}, which is not installed")

    return check


@pytest.fixture(scope="session")
def need_wheel(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Downloads the wheel of a distribution, once; without a package index the test skips, and fails in CI."""
    folder = tmp_path_factory.mktemp("wheels")
    fetched: dict[str, Path] = {}

    def fetch(name: str) -> Path:
        if name not in fetched:
            command = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder / name), name]
            if subprocess.run(command, capture_output=True, timeout=100).returncode != 0:
                _lacking(f"needs the wheel of {name}, and no package index gives it")
            (fetched[name],) = (folder / name).iterdir()
        return fetched[name]

    return fetch
