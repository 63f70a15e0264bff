"""Many small outputs and few large ones: how fast they come through, and whether all do.

A sixth of each flood warms up, then it runs as a whole some times on both in turn. One round may differ from the next by half if it is
short, and most of that is the subkernel's own: the thread of the cell and the one that publishes want the same interpreter lock, and
a display takes 0.35 ms while the system keeps both on one core, 0.6 while it does not (16 changes of thread each, instead of 6).
A relay has its floor there: it takes a core from the two. One that only signs anew and keeps no account costs 55 us of processor time for
a display that it waits for alone and 32 for one of eight that lie there; ours costs 40 to 45 either way, since it lets floods gather (m).
"""

from benchmarks.figures import Row, Series, compared
from benchmarks.kernels import Pair

FLOODS = {
    "200k lines": ("for i in range({n}): print(i)", 200_000, "stream", 0.9),
    "20k displays": ("for i in range({n}): display(i)", 20_000, "display_data", 0.85),
    "200 x 1 MB outputs": ("for i in range({n}): display({{'text/plain': 'x' * 1_000_000}}, raw=True)", 200, "display_data", 0.3),
}
"""Name: the cell, how many, the type of message that is counted, and the budget as a share of the reference's speed."""


def measure(*, quick: bool) -> list[Row]:
    """Runs each flood on both in turn, and counts what came."""
    rounds, share = (2, 10) if quick else (5, 1)
    rows: list[Row] = []
    with Pair() as kernels:
        for name, (cell, wanted, kind, budget) in FLOODS.items():
            times: list[list[list[float]]] = [[], []]
            lost = [0, 0]
            whole = wanted // share
            for turn in range(rounds + 1):
                for side, kernel in enumerate(kernels):
                    asked = whole if turn else whole // 6
                    taken, came = kernel.client.execute(cell.format(n=asked), count=kind)
                    lost[side] += asked - came
                    if turn:
                        times[side].append([taken / asked])
            ours, reference = (Series(side) for side in times)
            row = compared(f"{name}, speed", ours, reference, unit="us", scale=1e6, budget=budget, higher=True)
            rows.append(row)
            rows.append(Row(f"{name}, losses", lost[0], lost[1], "", lost[0], 0))
    return rows
