"""What a cell finds around it: the environment that python3 would have, and its own folder's modules, which are nobody else's."""

import contextlib
import json
import os
import queue
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.connect import write_connection_file
from jupyter_client.manager import KernelManager

from tests.kit.ports import free_ports

pytestmark = pytest.mark.slow

LIMIT_S = 60
"""Ends a hang."""

HOSTILE = ["actors", "aiohttp", "asyncio", "beaker", "beaker_kernel", "dotenv", "gateway", "httpx2", "ipykernel", "json", "jupyter_client"]
HOSTILE += ["keyring", "logging", "msgspec", "openai", "psutil", "setproctitle", "signal", "sitecustomize", "socket", "sqlite3", "ssl"]
HOSTILE += ["struct", "structlog", "tomllib", "traitlets", "typing", "usercustomize", "uuid", "uvloop", "zmq"]
"""Names that we or what we use import, and that may lie in a user's folder."""

TRAP = """\
import os
with open(os.path.join({folder!r}, "imported"), "a") as file:
    file.write(f"{{__name__}} {{os.getpid()}}\\n")
OWNER = "the user"
"""
"""A module that writes down who imported it. It lies where the user may keep a module of this name by chance."""


@contextmanager
def _kernel(name: str, folder: Path, environment: dict[str, str]) -> Iterator[BlockingKernelClient]:
    manager = KernelManager(kernel_name=name)
    manager.start_kernel(cwd=str(folder), env=environment)
    client = manager.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=LIMIT_S)
        yield client
    finally:
        client.stop_channels()
        manager.shutdown_kernel()


def _value(client: BlockingKernelClient, expression: str) -> Any:  # Any: whatever the expression gives, by way of JSON
    """Evaluates an expression in the kernel; the traps may shadow `json` there, so the value travels as a repr'd string."""
    content = client.execute(
        "", silent=True, user_expressions={"value": f"__import__('sys').modules['json'].dumps({expression})"}, reply=True, timeout=LIMIT_S
    )["content"]["user_expressions"]["value"]
    assert content["status"] == "ok", content
    return json.loads(eval(content["data"]["text/plain"]))


def _assert_same_but_for_the_starter(ours: dict[str, str], theirs: dict[str, str]) -> None:
    assert ours["OWN_VARIABLE"] == "own"
    assert sorted(ours) == sorted(theirs)
    # The pid of the process that started the kernel: on beaker that is another process by necessity.
    ours.pop("JPY_PARENT_PID"), theirs.pop("JPY_PARENT_PID")
    assert ours == theirs


PLACE = ["__import__('os').getcwd()", "__import__('sys').path", "__import__('sys').executable", "__import__('sys').argv[0]"]
PLACE += ["__import__('os').umask(0o022)", "__import__('sys').flags.safe_path", "__name__"]
PROCESS = {
    "signals": "[[int(s), str(__import__('signal').getsignal(s)).split(' at 0x')[0]] for s in (2, 13, 15, 17)]",
    "masked": "sorted(int(s) for s in __import__('signal').pthread_sigmask(0, []))",
    "limits": "[__import__('resource').getrlimit(n) for n in range(10)]",
}


@dataclass
class Found:
    """What a cell finds around it."""

    modules: set[str]
    environment: dict[str, str]
    place: list[Any]
    process: dict[str, Any]


def _found(kernel_name: str, folder: Path, environment: dict[str, str]) -> Found:
    """Looks in a kernel of its own; for modules behind the first cell, and ahead of what the looks import."""
    with _kernel(kernel_name, folder, environment | {"OWN_VARIABLE": "own"}) as client:
        client.execute("1 + 1", reply=True, timeout=LIMIT_S)
        return Found(
            modules=set(_value(client, "sorted(__import__('sys').modules)")),
            environment=_value(client, "dict(__import__('os').environ)"),
            place=[_value(client, look) for look in PLACE],
            process={what: _value(client, look) for what, look in PROCESS.items()},
        )


def test_environment_place_process_and_modules_of_a_cell_are_those_of_python3(
    kernel_name: str, work_folder: Path, environment: dict[str, str]
) -> None:
    ours, theirs = [_found(name, work_folder, environment) for name in (kernel_name, "python3")]
    _assert_same_but_for_the_starter(ours.environment, theirs.environment)
    assert ours.place == theirs.place
    assert ours.process == theirs.process
    assert ours.modules - theirs.modules == set()


def test_with_a_key_they_are_those_of_python3_without_the_variable_of_the_key(work_folder: Path, environment: dict[str, str]) -> None:
    """A key that beaker did not take is the user's like any other variable."""
    keys = {"OPENAI_API_KEY": "sk-canary-0123456789", "GROQ_API_KEY": "gsk-0123456789", "OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}
    ours, theirs = [_found(name, work_folder, environment | keys) for name in ("beaker", "python3")]
    assert theirs.environment.pop("OPENAI_API_KEY") == keys["OPENAI_API_KEY"]
    _assert_same_but_for_the_starter(ours.environment, theirs.environment)
    assert ours.place == theirs.place
    assert ours.process == theirs.process


def test_a_variable_that_the_user_gives_back_is_there(work_folder: Path, environment: dict[str, str], own_home: Path) -> None:
    (own_home / ".config/beaker").mkdir()
    (own_home / ".config/beaker/beaker.toml").write_text('[subkernel]\nkeep_env = ["OPENAI_API_KEY"]\n')
    with _kernel("beaker", work_folder, environment | {"OPENAI_API_KEY": "sk-canary-0123456789"}) as client:
        assert _value(client, "__import__('os').environ['OPENAI_API_KEY']") == "sk-canary-0123456789"


@contextmanager
def _as_vscode_does(module: list[str], folder: Path, environment: dict[str, str], connection_file: Path) -> Iterator[BlockingKernelClient]:
    """A kernel that VS Code starts by itself: no manager, a file that all may read, `--f=` behind the arguments of the spec."""
    write_connection_file(str(connection_file), **free_ports())
    connection_file.chmod(0o644)
    process = subprocess.Popen([sys.executable, *module, f"--f={connection_file}"], cwd=folder, env=environment, stdin=subprocess.DEVNULL)
    client = BlockingKernelClient(connection_file=str(connection_file))
    client.load_connection_file()
    client.start_channels()
    try:
        deadline = time.monotonic() + LIMIT_S
        while True:
            client.kernel_info()
            with contextlib.suppress(queue.Empty):
                client.get_shell_msg(timeout=1)
                break
            assert time.monotonic() < deadline, "no answer"
        yield client
        client.shutdown()
        process.wait(LIMIT_S)
    finally:
        client.stop_channels()
        process.kill()
        process.wait()


def test_the_environment_of_a_cell_is_that_of_python3_under_vs_code(tmp_path: Path, work_folder: Path, environment: dict[str, str]) -> None:
    seen: list[dict[str, str]] = []
    for number, module in enumerate((["-P", "-m", "beaker_kernel", "--debug"], ["-m", "ipykernel_launcher"])):
        given = environment | {"OWN_VARIABLE": "own", "VSCODE_PID": "1", "PYTHONUNBUFFERED": "1", "JPY_PARENT_PID": str(os.getpid())}
        with _as_vscode_does(module, work_folder, given, tmp_path / f"kernel-v3-{number}.json") as client:
            seen.append(_value(client, "dict(__import__('os').environ)"))
    _assert_same_but_for_the_starter(*seen)


def _lay_traps(folder: Path) -> None:
    folder.mkdir()
    for name in HOSTILE:
        (folder / f"{name}.py").write_text(TRAP.format(folder=str(folder)))


def _imported(folder: Path) -> set[tuple[str, int]]:
    """Who imported what: names with process ids."""
    file = folder / "imported"
    return {(line.split()[0], int(line.split()[1])) for line in file.read_text().splitlines()} if file.exists() else set()


def test_modules_in_the_users_folder_are_imported_by_nobody_but_the_user(tmp_path: Path, environment: dict[str, str]) -> None:
    """Also where a kernel process settles a key first, and where a question starts an agent."""
    key = {"OPENAI_API_KEY": "sk-canary-0123456789"}
    imports: dict[str, set[str]] = {}
    for case, (name, more) in {"beaker": ("beaker", {}), "with a key": ("beaker", key), "python3": ("python3", {})}.items():
        folder = tmp_path / case
        _lay_traps(folder)
        with _kernel(name, folder, environment | more) as client:
            assert client.execute("x = 1 + 1", reply=True, timeout=LIMIT_S)["content"]["status"] == "ok"
            pid = _value(client, "__import__('os').getpid()")
            imported = _imported(folder)
            assert {number for _, number in imported} <= {pid}, f"a process that is not the subkernel ({pid}) imported from {folder}"
            imports[case] = {module for module, _ in imported}
            # The user's own module is hers to import.
            assert _value(client, "__import__('gateway').OWNER") == "the user"
            assert ("gateway", pid) in _imported(folder)
            if case == "beaker":
                reply = client.execute("%%ai\nwhich variables are there?", reply=True, timeout=LIMIT_S)
                assert reply["content"]["status"] == "ok", reply["content"]
                assert {number for _, number in _imported(folder)} <= {pid}, "the agent imported it"
    assert imports["beaker"] == imports["python3"]
    assert imports["with a key"] == imports["python3"]


@pytest.mark.parametrize("value", [".", os.pathsep])
def test_a_relative_python_path_does_not_lead_us_astray(value: str, tmp_path: Path, environment: dict[str, str]) -> None:
    """With `PYTHONPATH=.` the folder is on everybody's path; modules that python3 itself does not use must still not be ours."""
    folder = tmp_path / "hostile"
    folder.mkdir()
    for name in ("openai", "gateway", "beaker", "actors", "msgspec", "structlog", "setproctitle", "uvloop", "httpx2"):
        (folder / f"{name}.py").write_text(TRAP.format(folder=str(folder)))
    with _kernel("beaker", folder, environment | {"PYTHONPATH": value}) as client:
        assert client.execute("x = 1 + 1", reply=True, timeout=LIMIT_S)["content"]["status"] == "ok"
        assert _imported(folder) == set()
