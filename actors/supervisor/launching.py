"""Launching one life of a subkernel on this machine: connection file, command line, environment, process.

All of it is plain blocking code of a few milliseconds, without asyncio and without jupyter_client, because it is the
first thing that a Supervisor does: whatever is imported before stands between the user and her first cell. What the
process sees is what jupyter_client's own launcher would have given it; tests compare the two.
"""

import contextlib
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from actors.supervisor.limits import Limits, lower_open_files, setter
from actors.supervisor.local_process import LocalProcess
from actors.supervisor.start_time import start_time
from actors.supervisor.stderr_pipe import StderrPipe
from beaker.errors import BeakerError
from beaker.messages.subkernel import Connection, Subkernel
from beaker.places import FULL
from beaker.subkernels.exit_words import of_launch_error
from beaker.subkernels.kernelspecs import Kernelspec

PARENT_PID = "JPY_PARENT_PID"
"""The variable by which a kernel finds the parent that it must not outlive. ipykernel takes 1 for a parent that never ends; 0
or none would have it print how to connect to it, which it does not under jupyter_client."""

_CHANNELS = ("shell_port", "iopub_port", "stdin_port", "control_port", "hb_port")
_TEMPLATE = re.compile(r"\{([A-Za-z0-9_]+)\}")


class LaunchError(BeakerError):
    """No process could be made; the sentence says what could not be run and why.

    Args:
        remedy: what to do; empty: what helps with most kernelspecs.
    """

    def __init__(self, words: str, *, remedy: str = "") -> None:
        super().__init__(words)
        self.remedy = remedy


class Launch(msgspec.Struct, frozen=True):
    """A process that was just started."""

    subkernel: Subkernel
    process: LocalProcess
    stderr: StderrPipe


def launch(
    spec: Kernelspec,
    life: Path,
    generation: int,
    *,
    environment: Mapping[str, str],
    file_name: str,
    limits: Limits,
    working_folder: str = "",
    gathers_stdout: bool = False,
) -> Launch:
    """Start a subkernel.

    Args:
        spec: what to start.
        life: the folder of this life; made here, private.
        generation: which life it is.
        environment: the user's own; the subkernel gets it as jupyter_client would give it.
        file_name: what its connection file is called: like the kernel's own, because users' code finds its notebook by it.
        limits: what it may take of the machine.
        working_folder: where it begins; empty: where this process is.
        gathers_stdout: what it writes to stdout goes where its stderr does, and not to our own, which it would keep open.

    Raises:
        LaunchError: the program cannot be run, or not there; or the disk is full.
    """
    file = life / file_name
    try:
        life.mkdir(mode=0o700)
        connection = choose_connection(spec, life)
        _write_connection(file, connection, spec.name)
        stderr = StderrPipe(life / "stderr")
    except OSError as error:
        if error.errno in FULL:  # anything else is a folder that was cleaned away, or a mistake of ours
            raise LaunchError(f"its connection file cannot be written to {life}: {error.strerror}") from None
        raise
    command = compose_command(spec, str(file))
    writing_end = stderr.writing_end()
    try:
        child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=writing_end if gathers_stdout else None,
            stderr=writing_end,
            env=compose_environment(spec, environment),
            cwd=working_folder or None,
            start_new_session=True,
            preexec_fn=setter(limits),
        )
    except (OSError, ValueError) as error:
        stderr.close()
        if isinstance(error, OSError) and working_folder and error.filename == working_folder:
            words = f"it cannot begin in the folder {working_folder}: {error.strerror}"
            raise LaunchError(words, remedy="See that the folder is there and may be entered, then start the kernel anew.") from None
        words = of_launch_error(command[0], error) if isinstance(error, OSError) else f"{command[0]} cannot be run: {error}"
        raise LaunchError(words) from None
    finally:
        os.close(writing_end)
    assert child.stdin is not None
    child.stdin.close()
    with contextlib.suppress(OSError):  # it has ended already, which is seen soon
        lower_open_files(child.pid, limits)
    subkernel = Subkernel(
        generation=generation,
        spec_name=spec.name,
        display_name=spec.display_name,
        language=spec.language,
        pid=child.pid,
        interrupt_mode=spec.interrupt_mode,
        connection=connection,
        started_at=time.time(),
        adopted=False,
    )
    return Launch(subkernel, LocalProcess(child.pid, start_time(child.pid), child), stderr)


def choose_connection(spec: Kernelspec, life: Path) -> Connection:
    """Choose where the subkernel will listen: sockets in its folder where it can, else free ports of the loopback."""
    key = os.urandom(32).hex()
    transport: Literal["ipc", "tcp"] = "ipc" if speaks_ipc(spec) else "tcp"
    address, ports = (str(life / "s"), [1, 2, 3, 4, 5]) if transport == "ipc" else ("127.0.0.1", _free_ports())
    named = dict(zip(_CHANNELS, ports, strict=True))
    return msgspec.convert({"transport": transport, "ip": address, "key": key} | named, Connection)


def speaks_ipc(spec: Kernelspec) -> bool:
    """Whether the kernel is known to bind unix sockets: ipykernel does; others would have to be tried."""
    return any("ipykernel" in argument for argument in spec.argv)


def compose_command(spec: Kernelspec, connection_file: str) -> list[str]:
    """The command line, as `jupyter_client.KernelManager.format_kernel_cmd` and its launcher make it."""
    command = list(spec.argv)
    version = sys.version_info
    if command[0] in {"python", f"python{version[0]}", f"python{version[0]}.{version[1]}"}:
        command[0] = sys.executable
    values = {"connection_file": os.path.realpath(connection_file), "prefix": sys.prefix, "resource_dir": spec.folder}
    return [os.path.expanduser(_TEMPLATE.sub(lambda found: values.get(found[1], found[0]), argument)) for argument in command]


def compose_environment(spec: Kernelspec, environment: Mapping[str, str]) -> dict[str, str]:
    """The environment, as jupyter_client makes it, except that the subkernel may outlive its parent."""
    composed = dict(environment)
    if spec.env:
        from string import Template  # few specs have an env

        composed |= {name: Template(value).safe_substitute(environment) for name, value in spec.env.items()}
    if spec.language.lower().startswith("python"):
        composed.pop("PYTHONEXECUTABLE", None)
    composed[PARENT_PID] = "1"
    return composed


FIRST_PORT, PORTS = 10_000, 22_000
"""Below 32768, from where on Linux gives ports to connections: one of those may be another's before the kernel has bound it."""
PORT_ATTEMPTS = 100
"""One in use is met now and then; a hundred in a row mean that most are, and then the system chooses."""


def _free_ports() -> list[int]:
    """Five ports of the loopback that are free now; a kernel that finds one taken later is started again."""
    taken = [socket.socket() for _ in _CHANNELS]
    try:
        for each in taken:
            _bind_anywhere(each)
        return [each.getsockname()[1] for each in taken]
    finally:
        for each in taken:
            each.close()


def _bind_anywhere(each: socket.socket) -> None:
    for _ in range(PORT_ATTEMPTS):
        try:
            each.bind(("127.0.0.1", FIRST_PORT + int.from_bytes(os.urandom(4), "big") % PORTS))
        except OSError:
            continue
        return
    each.bind(("127.0.0.1", 0))


def _write_connection(file: Path, connection: Connection, spec_name: str) -> None:
    """Write the connection file, 0600 from its first moment."""
    content = msgspec.to_builtins(connection) | {"kernel_name": spec_name}
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as written:
        written.write(msgspec.json.format(msgspec.json.encode(content), indent=2))
