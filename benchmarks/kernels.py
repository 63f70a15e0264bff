"""Kernels under measurement."""

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil
import zmq
from jupyter_client.connect import write_connection_file
from jupyter_client.kernelspec import KernelSpecManager

from beaker import places
from benchmarks.client import LIMIT_S, Client, LostError


class Kernel:
    """A kernel of a kernelspec, started by its own argv, without jupyter_client's manager.

    Args:
        arguments: more for its command line.
    """

    def __init__(self, name: str, *, env: Mapping[str, str] | None = None, arguments: Sequence[str] = ()) -> None:
        self.name = name
        self._folder = Path(tempfile.mkdtemp(prefix="bench", dir="/tmp"))
        self.file = self._folder / "kernel.json"
        write_connection_file(str(self.file), key=secrets.token_hex(16).encode(), kernel_name=name)
        spec = KernelSpecManager().get_kernel_spec(name)
        self._words = [word.format(connection_file=self.file, resource_dir=spec.resource_dir) for word in spec.argv] + list(arguments)
        if self._words[0] in {"python", "python3"}:
            self._words[0] = sys.executable  # as jupyter_client does
        self._env = os.environ | spec.env | dict(env or {})
        self._former: list[psutil.Process] = []
        """What a kernel process that was replaced had started; it may live on."""
        self._start()
        self.client = Client(self.file)

    def _start(self) -> None:
        self.started_at = time.perf_counter()
        self.process = subprocess.Popen(
            self._words,
            cwd=self._folder,
            env=self._env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def replace(self) -> None:
        """Kills the kernel process, and starts another on the same connection file, as a frontend's restarter does.

        Our client has noticed by then: what it sends before goes to where nobody is, and is lost.
        """
        self._former += self.processes()[1:]
        monitor = self.client.shell.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        try:
            self.process.kill()
            self.process.wait()
            if not monitor.poll(LIMIT_S * 1000):
                raise LostError("the client did not notice that the kernel process was killed")
        finally:
            self.client.shell.disable_monitor()
        self._start()

    @property
    def runtime_folder(self) -> Path:
        """Of beaker, for this kernel."""
        key = json.loads(self.file.read_text())["key"].encode()
        return places.runtime_root(self._env, uid=os.getuid()) / places.kernel_id(str(self.file), key)

    def processes(self) -> list[psutil.Process]:
        """Every process of this kernel, its own first."""
        own = psutil.Process(self.process.pid)
        return [own, *own.children(recursive=True)]

    def subkernel(self) -> psutil.Process:
        """The process that runs the cells."""
        return next(process for process in self.processes() if any("ipykernel_launcher" in word for word in process.cmdline()))

    def cpu_s(self) -> float:
        """Processor time of all its processes until now, seconds."""
        used: list[float] = [times.user + times.system for times in (process.cpu_times() for process in self.processes())]
        return sum(used)

    def stop(self) -> None:
        """Shuts the kernel down, and makes sure of it."""
        left = self._former + (self.processes() if self.process.poll() is None else [])
        self.client.send("shutdown_request", {"restart": False}, on=self.client.control)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        _, alive = psutil.wait_procs(left, timeout=10)
        for process in alive:
            process.send_signal(signal.SIGKILL)
        self.client.close()
        shutil.rmtree(self._folder, ignore_errors=True)


class Pair:
    """The two sides of a measurement, both running: `with Pair() as (ours, reference)`."""

    def __enter__(self) -> tuple[Kernel, Kernel]:
        self._both = (Kernel("beaker"), Kernel("python3"))
        try:
            for kernel in self._both:
                kernel.client.wait_until_usable()
                kernel.client.execute("1")
        except LostError as error:
            ended = [f"{kernel.name} ended with {kernel.process.poll()}" for kernel in self._both if kernel.process.poll() is not None]
            self.__exit__()
            raise LostError(f"{error}; {', '.join(ended) or 'both run'}") from None
        return self._both

    def __exit__(self, *_: object) -> None:
        for kernel in self._both:
            kernel.stop()
