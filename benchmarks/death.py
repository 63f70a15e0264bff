"""A process is killed, or cannot start: how soon the client is told, and how soon a cell runs again.

The reference for an idle subkernel is a bare ipykernel under jupyter_client's own restarter, which looks every three seconds. The other
deaths have none: with bare ipykernel a cell that ran gets no reply at all, and what dies with the kernel process is the session.
"""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from jupyter_client.ioloop.manager import AsyncIOLoopKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from benchmarks.client import DELIMITER, LIMIT_S, LostError
from benchmarks.figures import Row, death_row
from benchmarks.gateway_death import of_gateway
from benchmarks.kernels import Kernel


def _until_restarting(kernel: Kernel) -> None:
    """Reads iopub until a status says restarting."""
    while True:
        if not kernel.client.iopub.poll(LIMIT_S * 1000):
            raise LostError("nobody said that the subkernel died")
        frames = kernel.client.iopub.recv_multipart()
        if b'"restarting"' in frames[frames.index(DELIMITER) + 5]:
            return


def _beaker(rounds: int) -> tuple[list[float], list[float]]:
    told: list[float] = []
    usable: list[float] = []
    kernel = Kernel("beaker")
    try:
        kernel.client.wait_until_usable()
        for _ in range(rounds):
            kernel.client.execute("1")
            pid = kernel.subkernel().pid
            killed = time.perf_counter()
            os.kill(pid, signal.SIGKILL)
            _until_restarting(kernel)
            told.append(time.perf_counter() - killed)
            kernel.client.execute("1")
            usable.append(time.perf_counter() - killed)
    finally:
        kernel.stop()
    return told, usable


def _bare(rounds: int) -> tuple[list[float], list[float]]:
    async def run() -> tuple[list[float], list[float]]:
        told: list[float] = []
        usable: list[float] = []
        manager = AsyncIOLoopKernelManager(kernel_name="python3")
        await manager.start_kernel(stderr=subprocess.DEVNULL)
        heard = asyncio.Event()
        manager.add_restart_callback(heard.set, "restart")
        client = manager.client()
        client.start_channels()
        await client.wait_for_ready(timeout=LIMIT_S)
        try:
            for turn in range(rounds):
                await asyncio.sleep(0.37 * turn)  # another moment of the restarter's three seconds each time
                heard.clear()
                killed = time.perf_counter()
                assert isinstance(manager.provisioner, LocalProvisioner)
                assert manager.provisioner.pid is not None
                os.kill(manager.provisioner.pid, signal.SIGKILL)
                await asyncio.wait_for(heard.wait(), LIMIT_S)
                told.append(time.perf_counter() - killed)
                await client.wait_for_ready(timeout=LIMIT_S)
                await client.execute("1", reply=True, timeout=LIMIT_S)
                usable.append(time.perf_counter() - killed)
        finally:
            client.stop_channels()
            await manager.shutdown_kernel(now=True)
        return told, usable

    return asyncio.run(run())


def _in_a_cell(rounds: int) -> tuple[list[float], list[float]]:
    """The subkernel is killed while a cell runs: seconds until that was told, and until the cell had its error."""
    told: list[float] = []
    replied: list[float] = []
    kernel = Kernel("beaker")
    try:
        kernel.client.wait_until_usable()
        for _ in range(rounds):
            kernel.client.execute("1")
            pid = kernel.subkernel().pid
            running = _send(kernel, "import time; print('on', flush=True); time.sleep(600)")
            kernel.client.wait_for_text(running, "on")
            killed = time.perf_counter()
            os.kill(pid, signal.SIGKILL)
            # One after the other: what was there before it was looked for counts as a little later than it was.
            _until_restarting(kernel)
            told.append(time.perf_counter() - killed)
            content = kernel.client.reply(running)
            replied.append(time.perf_counter() - killed)
            assert b"KernelDied" in content, content
    finally:
        kernel.stop()
    return told, replied


def _supervisor(rounds: int) -> list[float]:
    """The Supervisor is killed while a cell runs: seconds until another one has adopted the subkernel and knows its owner."""
    attached: list[float] = []
    kernel = Kernel("beaker")
    try:
        kernel.client.wait_until_usable()
        kernel.client.execute("1")
        running = _send(kernel, "import time; print('on', flush=True); time.sleep(600)")
        kernel.client.wait_for_text(running, "on")
        for _ in range(rounds):
            pid = int((kernel.runtime_folder / "supervisor.lock").read_text())
            killed = time.perf_counter()
            os.kill(pid, signal.SIGKILL)
            while not _adopted(kernel, other_than=pid):
                if time.perf_counter() - killed > LIMIT_S:
                    raise LostError("no other Supervisor has adopted the subkernel")
                time.sleep(0.001)
            attached.append(time.perf_counter() - killed)
    finally:
        kernel.stop()
    return attached


def _adopted(kernel: Kernel, *, other_than: int) -> bool:
    """Whether a Supervisor has written down that it holds the subkernel of this kernel process."""
    try:
        lock, record = ((kernel.runtime_folder / name).read_text() for name in ("supervisor.lock", "subkernel.json"))
        known = json.loads(record)
    except (OSError, ValueError):
        return False  # being written
    return bool(lock and int(lock) != other_than and known["owner"] == kernel.process.pid and known["subkernel"]["adopted"])


def _kernel_process(rounds: int) -> list[float]:
    """The kernel process is killed: seconds from the start of the next one until a cell has its reply, with its variables."""
    usable: list[float] = []
    kernel = Kernel("beaker")
    try:
        kernel.client.wait_until_usable()
        kernel.client.execute("kept = 42")
        for _ in range(rounds):
            kernel.replace()
            content = kernel.client.reply(_send(kernel, "assert kept == 42"))
            usable.append(time.perf_counter() - kernel.started_at)
            assert b'"ok"' in content, content
            kernel.client.wait_until_usable()
    finally:
        kernel.stop()
    return usable


LEASE_S = 1.0
"""Shorter than a user has it: what comes behind it is measured."""


def _all_gone(rounds: int) -> list[float]:
    """Kernel process and Supervisor are killed together: seconds from the end of the lease until nothing is left, cells' children too."""
    gone: list[float] = []
    for _ in range(rounds):
        everybody: list[psutil.Process] = []
        kernel = Kernel("beaker", env={"BEAKER_KERNEL_LEASE_S": f"{LEASE_S}"})
        try:
            kernel.client.wait_until_usable()
            kernel.client.execute("import subprocess; child = subprocess.Popen(['sleep', '600'])")
            everybody = kernel.processes()[1:]
            killed = time.perf_counter()
            os.kill(int((kernel.runtime_folder / "supervisor.lock").read_text()), signal.SIGKILL)
            kernel.process.kill()
            kernel.process.wait()
            while any(_lives(process) for process in everybody):
                if time.perf_counter() - killed > LIMIT_S:
                    raise LostError("something outlives the lease")
                time.sleep(0.01)
            gone.append(time.perf_counter() - killed - LEASE_S)
        finally:
            for process in everybody:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()
            kernel.stop()
    return gone


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


BAD_SPECS: dict[str, dict[str, object]] = {
    "no-argv": {},
    "no-program": {"argv": ["/no/such/program", "{connection_file}"]},
    "exits": {"argv": [sys.executable, "-c", "import sys; sys.exit('out of ink')", "{connection_file}"]},
}
"""Kernelspecs that cannot start. One that hangs is given up after `subkernel.start_timeout_s`, which is no figure."""


def _bad_kernelspecs(rounds: int) -> list[float]:
    """A subkernel cannot start: seconds from the start of the kernel process until a cell has the reason for its reply."""
    told: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, spec in BAD_SPECS.items():
            place = Path(folder, "kernels", name)
            place.mkdir(parents=True)
            (place / "kernel.json").write_text(json.dumps({"display_name": name, "language": "python", **spec}))
        for _ in range(rounds):
            for name in BAD_SPECS:
                kernel = Kernel("beaker", env={"JUPYTER_PATH": folder}, arguments=["--subkernel", name])
                try:
                    content = kernel.client.reply(_send(kernel, "1"))
                    told.append(time.perf_counter() - kernel.started_at)
                    assert f"kernels/{name}".encode() in content, content
                finally:
                    kernel.stop()
    return told


def _send(kernel: Kernel, code: str) -> bytes:
    return kernel.client.send("execute_request", {"code": code, "silent": False, "allow_stdin": False})


def measure(*, quick: bool) -> list[Row]:
    """Kills and waits. Fewer rounds than the five in thirty seconds at which a kernel gives up."""
    rounds = 2 if quick else 4
    (told, usable), (bare_told, bare_usable) = _beaker(rounds), _bare(rounds)
    told_in_a_cell, replied = _in_a_cell(rounds)
    return [
        death_row("subkernel killed: told", told, 0.1, bare_told),
        death_row("subkernel killed: usable again", usable, 1.5, bare_usable),
        death_row("subkernel killed in a cell: told", told_in_a_cell, 0.1),
        death_row("subkernel killed in a cell: its error reply", replied, 1.0),
        death_row("Supervisor killed in a cell: reattached", _supervisor(rounds), 1.0),
        death_row("kernel process killed: usable again", _kernel_process(rounds), 2.0),
        death_row("bad kernelspec: the reason", _bad_kernelspecs(1 if quick else 3), 2.0),
        death_row("all owners killed: all gone after the lease", _all_gone(rounds), 3.0),
        *of_gateway(rounds),
    ]
