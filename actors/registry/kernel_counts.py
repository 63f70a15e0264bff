"""What the Registry counts of the lives of kernels, since its process began."""

from collections.abc import Iterator

from beaker.gateway.register import Kernel, Register
from beaker.messages.figures import Sample


class KernelCounts:
    """The numbers."""

    def __init__(self) -> None:
        self._started = 0
        self._culled = 0
        """Ended because nobody used them; among those that have ended."""
        self._ended = 0
        self._restarts = 0
        self._generations: dict[str, int] = {}
        """Of each kernel's subkernel, from 1."""

    def begins(self, kernel_id: str, *, generation: int) -> None:
        """A kernel is here.

        Args:
            generation: of the life that its subkernel was in before this process; 0: it is new.
        """
        self._started += generation == 0
        self._generations[kernel_id] = generation

    def lives(self, kernel_id: str, generation: int) -> None:
        """A subkernel of this life runs, or is about to."""
        former = self._generations.get(kernel_id, 0)
        self._restarts += max(generation - max(former, 1), 0)
        self._generations[kernel_id] = max(generation, former)

    def idle(self, kernel: Kernel | None) -> None:
        """A kernel is to be ended, as nobody uses it. One that ends already is counted, and so is one that has ended."""
        self._culled += kernel is not None and kernel.phase != "ending"

    def gone(self, kernel_id: str) -> None:
        """A kernel has ended."""
        self._ended += 1
        self._generations.pop(kernel_id, None)

    def samples(self, register: Register, *, not_saving: str) -> Iterator[Sample]:
        """All of them, with what is so now.

        Args:
            not_saving: why nothing is written down; empty: all is.
        """
        yield Sample(name="beaker_kernels", value=len(register.kernels))
        yield Sample(name="beaker_sessions", value=len(register.sessions))
        yield Sample(name="beaker_not_saving", value=float(bool(not_saving)))
        yield Sample(name="beaker_kernels_started_total", value=self._started)
        yield Sample(name="beaker_kernels_ended_total", value=self._ended)
        yield Sample(name="beaker_kernels_culled_total", value=self._culled)
        yield Sample(name="beaker_kernel_restarts_total", value=self._restarts)
