"""A real kernel of an installed kernelspec, as the Supervisor would announce it, for a KernelActor between doubles."""

import os
import secrets
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from jupyter_client.kernelspec import KernelSpecManager

from beaker.messages.subkernel import Connection, Subkernel


class RealSubkernel:
    """One process; it listens within a second or two, and the KernelActor waits for that.

    Args:
        folder: for its connection file and sockets; short.
        spec: name of the kernelspec.
    """

    def __init__(self, folder: Path, spec: str) -> None:
        self.spec = spec
        self.language = KernelSpecManager().get_kernel_spec(spec).language
        self.connection = Connection(
            transport="ipc",
            ip=str(folder / "r"),
            shell_port=1,
            iopub_port=2,
            stdin_port=3,
            control_port=4,
            hb_port=5,
            key=secrets.token_hex(8),
        )
        file = folder / "real.json"
        file.touch(mode=0o600)
        file.write_bytes(msgspec.json.encode(self.connection))
        command = [part.format(connection_file=file) for part in KernelSpecManager().get_kernel_spec(spec).argv]
        self.process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, env=dict(os.environ)
        )

    def as_announced(self) -> Subkernel:
        """What the Supervisor tells about it."""
        return Subkernel(
            generation=1,
            spec_name=self.spec,
            display_name=self.spec,
            language=self.language,
            pid=self.process.pid,
            interrupt_mode="signal",
            connection=self.connection,
            started_at=1_700_000_000.0,
            adopted=False,
        )

    def listens(self) -> bool:
        """Whether all its sockets are there."""
        return all(Path(f"{self.connection.ip}-{port}").exists() for port in range(1, 6))

    def end(self) -> None:
        """Kill it with all that it started."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@contextmanager
def real_subkernel(folder: Path, spec: str) -> Iterator[RealSubkernel]:
    """A real kernel, ended afterwards."""
    subkernel = RealSubkernel(folder, spec)
    try:
        yield subkernel
    finally:
        subkernel.end()
