"""Figures: what was measured, how it is boiled down, and how a row is printed."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` (0 to 1) of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@dataclass(frozen=True)
class Series:
    """What one side did, in one unit: its samples, and the median of each round."""

    rounds: list[list[float]]

    @property
    def median(self) -> float:
        """Over all rounds."""
        return statistics.median(value for one in self.rounds for value in one)

    @property
    def p99(self) -> float:
        """Over all rounds."""
        return percentile([value for one in self.rounds for value in one], 0.99)

    @property
    def spread(self) -> float:
        """How far the rounds' medians lie apart, as a share of the median."""
        medians = [statistics.median(one) for one in self.rounds]
        return (max(medians) - min(medians)) / self.median if self.median else 0.0


@dataclass(frozen=True)
class Row:
    """One line of the table: a figure of ours beside the reference of the same run, and the budget."""

    name: str
    ours: float
    reference: float | None
    unit: str
    value: float
    """What the budget is about: the ratio to the reference where there is one, else the figure itself."""
    budget: float
    better: Literal["lower", "higher"] = "lower"
    notes: list[str] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """Whether the budget is held."""
        held = self.value <= self.budget if self.better == "lower" else self.value >= self.budget
        return "ok" if held else "OVER"


def compared(name: str, ours: Series, reference: Series, *, unit: str, scale: float, budget: float, higher: bool = False) -> Row:
    """A row of two series: their medians times `scale`, and the ratio of ours to the reference (of speeds, where higher is better)."""
    ratio = reference.median / ours.median if higher else ours.median / reference.median
    notes = [f"p99 {ours.p99 * scale:.3g} / {reference.p99 * scale:.3g} {unit}", f"spread {ours.spread:.0%} / {reference.spread:.0%}"]
    return Row(name, ours.median * scale, reference.median * scale, unit, ratio, budget, "higher" if higher else "lower", notes)


def death_row(name: str, ours: list[float], budget: float, reference: list[float] | None = None) -> Row:
    """A row of seconds that a death took, the median and the worst."""
    median = Series([[value] for value in ours]).median
    bare = Series([[value] for value in reference]).median if reference else None
    return Row(name, median, bare, "s", median, budget, notes=[f"worst {max(ours):.3g} s of {len(ours)}"])


def print_rows(rows: Sequence[Row]) -> None:
    """Prints the rows of one family as lines of the table."""
    for row in rows:
        reference = "-" if row.reference is None else f"{row.reference:.4g}"
        limit = f"{'<=' if row.better == 'lower' else '>='} {row.budget:g}"
        figures = f"{row.ours:>9.4g} {reference:>9} {row.unit:<6}{row.value:>8.3g} {limit:>8}  {row.verdict:<5}"
        print(f"{row.name:<44}{figures} {'; '.join(row.notes)}", flush=True)


def print_head() -> None:
    """Prints the head of the table."""
    print(f"{'':<44}{'beaker':>9} {'reference':>9} {'':<6}{'value':>8} {'budget':>8}", flush=True)
