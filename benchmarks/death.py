"""The subkernel is killed: how soon the client is told, and how soon a cell runs again.

The reference is a bare ipykernel under jupyter_client's own restarter, which looks every three seconds.
"""

import asyncio
import os
import signal
import subprocess
import time

from jupyter_client.ioloop.manager import AsyncIOLoopKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from benchmarks.figures import Row, Series
from benchmarks.kernels import DELIMITER, LIMIT_S, Kernel, LostError


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


def measure(*, quick: bool) -> list[Row]:
    """Kills and waits. Fewer rounds than the five in thirty seconds at which a kernel gives up."""
    rounds = 2 if quick else 4
    (told, usable), (bare_told, bare_usable) = _beaker(rounds), _bare(rounds)
    rows: list[Row] = []
    for name, ours, bare, budget in (("told", told, bare_told, 0.1), ("usable again", usable, bare_usable, 1.5)):
        series, reference = Series([[value] for value in ours]), Series([[value] for value in bare])
        notes = [f"worst {max(ours):.3g} s"]
        rows.append(Row(f"subkernel killed: {name}", series.median, reference.median, "s", series.median, budget, notes=notes))
    return rows
