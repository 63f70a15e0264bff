"""Many small outputs and few large ones: how fast they come through, and whether all do."""

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
    rounds, share = (2, 10) if quick else (3, 1)
    rows: list[Row] = []
    with Pair() as kernels:
        for name, (cell, wanted, kind, budget) in FLOODS.items():
            times: list[list[list[float]]] = [[], []]
            lost = [0, 0]
            number = wanted // share
            for turn in range(rounds + 1):
                for side, kernel in enumerate(kernels):
                    asked = number if turn else number // 10  # the first, a short one, warms up
                    taken, came = kernel.client.execute(cell.format(n=asked), count=kind)
                    lost[side] += asked - came
                    if turn:
                        times[side].append([taken / asked])
            ours, reference = (Series(side) for side in times)
            row = compared(f"{name}, speed", ours, reference, unit="us", scale=1e6, budget=budget, higher=True)
            rows.append(row)
            rows.append(Row(f"{name}, losses", lost[0], lost[1], "", lost[0], 0))
    return rows
