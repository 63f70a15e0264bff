"""From the start of the process to the end of the first cell, as stock jupyter_client sees it."""

import subprocess
import time

from jupyter_client.manager import start_new_kernel

from benchmarks.figures import Row, Series, compared


def measure(*, quick: bool) -> list[Row]:
    """Starts kernels in turn."""
    rounds = 3 if quick else 9
    times: list[list[list[float]]] = [[], []]
    for turn in range(rounds + 1):
        for side, name in enumerate(("beaker", "python3")):
            started = time.perf_counter()
            manager, client = start_new_kernel(kernel_name=name, stderr=subprocess.DEVNULL)
            client.execute("1", reply=True, timeout=60)
            taken = time.perf_counter() - started
            client.stop_channels()
            manager.shutdown_kernel()
            if turn:  # the first fills the caches of the file system
                times[side].append([taken])
    ours, reference = (Series(side) for side in times)
    return [compared("start to first execute", ours, reference, unit="s", scale=1, budget=1.6)]
