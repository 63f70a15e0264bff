"""Latency and processor time of one ordinary cell."""

from benchmarks.figures import Row, Series, compared
from benchmarks.kernels import Pair

CELLS = {"1": "1", "1 kB print": "print('x' * 1000)", "100 kB display": "display({'text/plain': 'x' * 100_000}, raw=True)"}


def measure(*, quick: bool) -> list[Row]:
    """Executes in interleaved rounds; the processor time is that of all processes of the kernel."""
    rounds, batch = (3, 60) if quick else (7, 300)
    rows: list[Row] = []
    with Pair() as kernels:
        for kernel in kernels:
            for code in CELLS.values():
                for _ in range(30):
                    kernel.client.execute(code)
        for name, code in CELLS.items():
            latency: list[list[list[float]]] = [[], []]
            used: list[list[list[float]]] = [[], []]
            for _ in range(rounds):
                for side, kernel in enumerate(kernels):
                    before = kernel.cpu_s()
                    latency[side].append([kernel.client.execute(code)[0] for _ in range(batch)])
                    used[side].append([(kernel.cpu_s() - before) / batch])
            ours, reference = (Series(side) for side in latency)
            rows.append(compared(f"execute p50, {name}", ours, reference, unit="ms", scale=1e3, budget=1.5))
            ours, reference = (Series(side) for side in used)
            rows.append(compared(f"CPU per execute, {name}", ours, reference, unit="ms", scale=1e3, budget=2.0))
    return rows
