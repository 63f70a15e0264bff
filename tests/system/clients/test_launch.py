"""How VS Code launches a kernel, played: its argument forms, its connection file, and the files that are refused.

VS Code cuts `-f FILE` out of the kernelspec's argv, appends `--f=FILE` (with quotes in the word if the path has a space), may add
`--debug`, and writes the connection file with mode 0644. All forms that are read stand in a table: `tests/beaker/kernel/test_arguments.py`.
"""

import contextlib
import os
import queue
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.connect import write_connection_file

from tests.kit.ports import free_ports

pytestmark = pytest.mark.slow

LIMIT_S = 60
"""Ends a hang."""

ENTRY = [sys.executable, "-P", "-m", "beaker_kernel"]


@pytest.fixture
def connection_file(tmp_path: Path) -> Path:
    """A connection file as VS Code leaves it, in a folder with a space in its name."""
    folder = tmp_path / "with space"
    folder.mkdir()
    path = folder / "kernel-v3a.json"
    write_connection_file(str(path), kernel_name="beaker", **free_ports())
    path.chmod(0o644)
    return path


def _wait_until_it_answers(client: BlockingKernelClient, process: subprocess.Popen[bytes]) -> None:
    """Asks for kernel_info until it comes, and iopub is heard too, which a client joins later than it asks.

    (The client's own `wait_for_ready` takes a kernel of a second's start for dead.)
    """
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        client.kernel_info()
        with contextlib.suppress(queue.Empty):
            if client.get_shell_msg(timeout=0.5)["msg_type"] == "kernel_info_reply":
                client.get_iopub_msg(timeout=0.5)
                return
        assert process.poll() is None, "the kernel ended"
    pytest.fail(f"no answer in {LIMIT_S} s")


@pytest.mark.parametrize(
    ("words", "closed"),
    [
        ('--f="{file}"', ()),
        ("--HistoryManager.hist_file=:memory: --debug --f={file}", (0,)),
        ("--connection-file={file} --debug", (1,)),
        ("-f {file}", (2,)),
        ("-f={file}", (0, 1, 2)),
    ],
)
def test_a_launch_in_this_form_with_standard_streams_open_or_closed_gives_a_kernel(
    words: str,
    closed: tuple[int, ...],
    connection_file: Path,
    work_folder: Path,
    environment: dict[str, str],
    processes: list[subprocess.Popen[bytes]],
) -> None:
    closing = " ".join(f"{number}>&-" for number in closed)
    launch = [*ENTRY, *(word.format(file=connection_file) for word in words.split())]
    process = subprocess.Popen(["/bin/sh", "-c", f'exec "$@" {closing}', "sh", *launch], cwd=work_folder, env=environment)
    processes.append(process)
    client = BlockingKernelClient(connection_file=str(connection_file))
    client.load_connection_file()
    client.start_channels(hb=False)
    try:
        _wait_until_it_answers(client, process)
        assert connection_file.stat().st_mode & 0o777 == 0o600
        texts: list[str] = []
        code = "import os, sys\nprint(6 * 7, file=sys.stderr)\nfor n in (1, 2): os.write(n, b'raw\\n')"
        reply = client.execute_interactive(
            code, timeout=LIMIT_S, output_hook=lambda message: texts.append(message["content"].get("text", ""))
        )
        assert reply["content"]["status"] == "ok"
        assert "42" in "".join(texts)
        if os.getuid() == 0:  # the process lets nobody else look
            assert {os.readlink(f"/proc/{process.pid}/fd/{number}") for number in closed} <= {os.devnull}
        client.shutdown()
        assert process.wait(LIMIT_S) == 0
    finally:
        client.stop_channels()


def _refused(connection_file: Path, folder: Path, environment: dict[str, str]) -> str:
    """Starts the kernel, which has to give up at once, and gives what it said."""
    started = time.monotonic()
    words = [*ENTRY, "-f", str(connection_file)]
    ran = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert ran.returncode not in (0, None)
    assert time.monotonic() - started < 20
    assert "Traceback" not in ran.stderr
    return ran.stderr


@pytest.mark.parametrize("mode", [0o666, 0o620, 0o602])
def test_a_connection_file_that_others_can_write_is_refused(
    mode: int, connection_file: Path, work_folder: Path, environment: dict[str, str]
) -> None:
    connection_file.chmod(mode)
    said = _refused(connection_file, work_folder, environment)
    assert str(connection_file) in said
    assert connection_file.stat().st_mode & 0o777 == mode  # left for its owner to look at


def test_a_connection_file_of_another_user_is_refused(
    connection_file: Path, work_folder: Path, environment: dict[str, str], need: Callable[..., None]
) -> None:
    need("root, who alone can give a file to another user", there=os.geteuid() == 0)
    os.chown(connection_file, 65534, 65534)
    assert str(connection_file) in _refused(connection_file, work_folder, environment)


@pytest.mark.parametrize("content", ["", "not json", "{}", '{"shell_port": "many"}', "[1]"])
def test_a_connection_file_that_is_none_is_refused(
    content: str, connection_file: Path, work_folder: Path, environment: dict[str, str]
) -> None:
    connection_file.write_text(content)
    assert str(connection_file) in _refused(connection_file, work_folder, environment)


def test_a_connection_file_that_is_not_there_is_refused(connection_file: Path, work_folder: Path, environment: dict[str, str]) -> None:
    missing = connection_file.with_name("missing.json")
    assert str(missing) in _refused(missing, work_folder, environment)


def test_a_launch_without_a_connection_file_says_what_is_missing(work_folder: Path, environment: dict[str, str]) -> None:
    ran = subprocess.run(ENTRY, cwd=work_folder, env=environment, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert ran.returncode != 0
    assert "-f" in ran.stderr
    assert "Traceback" not in ran.stderr
