"""Memory of all our processes above the subkernel, before the first question, as proportional set size."""

from pathlib import Path

from benchmarks.figures import Row, Series
from benchmarks.kernels import Kernel, Pair


def pss_mb(pid: int) -> float:
    """Proportional set size of a process.

    Raises:
        PermissionError: it is undumpable, as ours are, and we are not root.
    """
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise OSError(f"/proc/{pid}/smaps_rollup has no Pss line")


def above_the_subkernel(kernel: Kernel) -> dict[str, float]:
    """The size in MB of each of our processes, by role and pid; empty where only root could read it, as our roles are undumpable."""
    subkernel = kernel.subkernel()
    sizes: dict[str, float] = {}
    try:
        for process in kernel.processes():
            if process.pid != subkernel.pid:
                words = " ".join(process.cmdline()).split()  # our roles write theirs as one word
                role = words[words.index("--role") + 1] if "--role" in words else (" ".join(words)[:24] or process.name())
                sizes[f"{role} {process.pid}"] = pss_mb(process.pid)
    except PermissionError:
        print("memory: our processes are undumpable, so their sizes can be read by root only", flush=True)
        return {}
    return sizes


def measure(*, quick: bool) -> list[Row]:
    """Reads the sizes after some cells, of a new pair of kernels each time."""
    totals: list[list[float]] = []
    bare: list[list[float]] = []
    notes: list[str] = []
    for _ in range(1 if quick else 3):
        with Pair() as (ours, reference):
            for kernel in (ours, reference):
                for _ in range(20 if quick else 200):
                    kernel.client.execute("print('x' * 1000)")
            sizes = above_the_subkernel(ours)
            if not sizes:
                return []
            totals.append([sum(sizes.values())])
            bare.append([pss_mb(reference.process.pid)])
            notes = [f"{role.rpartition(' ')[0]} {size:.1f}" for role, size in sizes.items()]
            notes.append(f"subkernel {pss_mb(ours.subkernel().pid):.0f}")
    total = Series(totals)
    return [
        Row(
            "PSS above the subkernel",
            total.median,
            Series(bare).median,
            "MB",
            total.median,
            60,
            notes=[f"spread {total.spread:.0%}", *notes],
        )
    ]
