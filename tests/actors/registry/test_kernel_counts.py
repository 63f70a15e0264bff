"""What the Registry counts of kernels."""

from actors.registry.kernel_counts import KernelCounts
from beaker.gateway.register import Register


def restarts(counts: KernelCounts) -> float:
    """How many it has counted."""
    samples = counts.samples(Register(max_kernels=1, max_sessions=1, host_count=1), not_saving="")
    return next(sample.value for sample in samples if sample.name == "beaker_kernel_restarts_total")


def test_the_first_life_of_a_kernel_is_no_restart_and_each_further_one_is() -> None:
    counts = KernelCounts()
    counts.begins("a", generation=0)
    for generation in (1, 1, 2, 4):
        counts.lives("a", generation)
    assert restarts(counts) == 3


def test_lives_of_a_kernel_before_this_process_are_not_counted_again() -> None:
    counts = KernelCounts()
    counts.begins("a", generation=7)
    counts.lives("a", 7)
    counts.lives("a", 8)
    assert restarts(counts) == 1
