"""The public name of the distribution, and the kernel's entry: `python -P -m beaker_kernel -f {connection_file}`.

It owns two things. For people it re-exports, lazily, what they may import (`from beaker_kernel import ...`); the classes
live in `beaker/` and `actors/`, so that this module's second copy, `__main__`, hands out the same objects. For processes it
settles where our code is found before anything else of ours is imported, and that is why it imports only `os` and `sys`.

Why the modules `beaker` and `actors` are made by hand: other distributions install a package `beaker` too. Ours has no
`__init__.py`, so that neither overwrites the other, but a regular package anywhere on `sys.path` beats one without. With
our own modules in `sys.modules`, ours are found in a wheel, an editable install and a checkout alike.
"""

import os
import sys

__version__ = "0.1.0"

_PUBLIC = {
    "Context": "beaker.contexts.context",
    "LocalProvisioner": "actors.supervisor.provisioner",
    "Name": "beaker.contexts.procedure",
    "Procedure": "beaker.contexts.procedure",
    "Session": "beaker.agent.tools.session",
    "ToolFailed": "beaker.agent.tools.session",
    "tool": "beaker.contexts.context",
}
"""Each public name, with the module that defines it."""

_NEEDED = (
    "aiohttp", "httpx2", "ipykernel", "jupyter_client", "jupyter_core", "msgspec", "nbformat", "openai", "zmq", "setproctitle", "structlog"
)  # fmt: skip
"""The modules of our dependencies, as `pyproject.toml` has them: who lacks one has not installed us."""

TYPE_CHECKING = False  # as `typing` has it, which is not imported here
if TYPE_CHECKING:
    from collections.abc import Callable

    from actors.supervisor.provisioner import LocalProvisioner as LocalProvisioner
    from beaker.agent.tools.session import Session as Session
    from beaker.agent.tools.session import ToolFailed as ToolFailed
    from beaker.contexts.context import Context as Context
    from beaker.contexts.context import tool as tool
    from beaker.contexts.procedure import Name as Name
    from beaker.contexts.procedure import Procedure as Procedure

_HOME = os.path.dirname(os.path.abspath(__file__))


def _settle_names() -> None:
    """Puts `beaker` and `actors` with our own path into `sys.modules`; one that is imported already gets our path added."""
    for name in ("beaker", "actors"):
        ours, module = os.path.join(_HOME, name), sys.modules.get(name)
        if module is None:
            module = sys.modules[name] = type(sys)(name)
            module.__spec__ = type(sys.__spec__)(name, None, is_package=True)
            module.__path__ = module.__spec__.submodule_search_locations = []
        paths = list(getattr(module, "__path__", ()))
        if ours not in paths:
            module.__path__ = [*paths, ours]


def _ignore_interrupts() -> None:
    """An interrupt that arrives before there is anything to interrupt is for nobody.

    By the module that `signal` is made of: it is built in, while `signal` imports for some milliseconds. By a handler, because
    a subkernel would inherit an ignored signal.
    """
    import _signal  # type: ignore[import-not-found]  # typeshed does not list it

    _signal.signal(_signal.SIGINT, lambda *_: None)


def _open_standard_streams() -> None:
    """Gives /dev/null to those of the descriptors 0, 1 and 2 that are closed, as a launch by a daemon may leave them.

    Else the next socket or log would become somebody's stdout: what the subkernel writes would go into it, and ipykernel, which needs
    a `sys.stdout`, would not start.
    """
    while (lowest := os.open(os.devnull, os.O_RDWR)) <= 2:  # the lowest number that is free
        os.set_inheritable(lowest, True)
    os.close(lowest)
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, "w" if number else "r", closefd=False))  # noqa: SIM115 -- it lives as long as the process


def _drop_current_folder() -> None:
    """Takes the folder we were started in out of the import path, where it would come before the standard library.

    That is `sys.path[0]` without `-P`, and whatever an empty or relative item of PYTHONPATH became. The user's own `json.py`
    or `openai.py` must not become part of a process of ours. Where the folder stands after the standard library (it is
    `site-packages`, or an editable install) it shadows nothing and stays.
    """
    try:
        here = os.path.realpath(os.getcwd())
    except OSError:
        return  # the folder is gone: nothing can be imported from it
    library = os.path.dirname(os.__file__)
    end = sys.path.index(library) if library in sys.path else len(sys.path)
    sys.path[:end] = [place for place in sys.path[:end] if os.path.realpath(place) != here]


def __getattr__(name: str) -> object:
    """Imports a public name when it is first asked for."""
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return ["__version__", *_PUBLIC]


def _run(begin: "Callable[[], int]") -> int:
    """Runs a process of ours; where what we need is not installed, a sentence says so and no traceback."""
    try:
        return begin()
    except ModuleNotFoundError as missing:
        name = (missing.name or "").partition(".")[0]
        if name not in _NEEDED:
            raise
        sys.stderr.write(
            f"beaker is not installed for {sys.executable}, which has no module {name}: run `{sys.executable} -m pip install .` "
            "in its checkout, or start it with the Python of the environment where it is installed.\n"
        )
        return 1


def main() -> int:
    """Runs one process of beaker and returns its exit status."""
    if os.name == "nt":
        sys.stderr.write("The beaker kernel does not run on Windows itself: install and start it inside WSL 2.\n")
        return 1
    return _run(_begin)


def _begin() -> int:
    if sys.argv[1:2] == ["install"]:
        from actors.roles.install import main as install

        return install(sys.argv[2:])
    from actors.roles.entry import main as enter

    return enter(sys.argv[1:])


def gateway() -> int:
    """Serves kernels to many clients: the console script `beaker-gateway`, and `python gateway.py`."""
    if os.name == "nt":
        sys.stderr.write("The beaker gateway does not run on Windows itself: install and start it inside WSL 2.\n")
        return 1
    _open_standard_streams()
    _drop_current_folder()
    return _run(_begin_gateway)


def _begin_gateway() -> int:
    from actors.roles.entry import serve

    return serve(sys.argv[1:])


def logs() -> int:
    """Reads the logs: the console script `beaker-logs`."""
    return _run(_begin_logs)


def _begin_logs() -> int:
    from actors.logs.command import main as read

    return read(sys.argv[1:])


if __name__ == "__main__":
    if sys.argv[1:2] != ["install"]:
        _ignore_interrupts()
    _open_standard_streams()
    _drop_current_folder()
_settle_names()

if __name__ == "__main__":
    sys.exit(main())
