"""Watches whether the subkernel answers, and finds words for it; it never acts.

A heartbeat ping goes out every half second. Control is asked only while something is awaited (a cell, or the
heartbeat), so that an idle kernel does nothing at all. Nor is it while outputs come: a Python thread of the subkernel sends those
too, so nobody holds the interpreter, and to ask would cost. Behind each control request ipykernel flushes what is printed, beside its
timer of 0.2 s, and each such flush leaves one more timer behind as long as there is more to flush: after ten seconds of printing it sent
70 outputs a second, and JupyterLab draws the whole text anew for each. The words stand in `%beaker status`, which another frontend on the
same kernel is answered too, and in the log. They never become an output of the cell: that would change what the notebook
shows, and what nbclient and papermill save.

When this process itself has stood still, or the machine was suspended, nothing of what came meanwhile has been read: the silence counts
from the look that notices it, by how late it comes.
"""

import asyncio
from collections.abc import Callable

from actors.kernel.sockets.subkernel_link import SubkernelGone, SubkernelLink
from actors.kernel.state.state import KernelState
from actors.runtime.clock import Clock
from actors.runtime.standstill import LATE_S
from beaker.subkernels.hang_words import hang_words

PERIOD_S = 0.5
"""Between two looks: a silence of 2 s is told within 2.5 s."""
QUICK_S = 1.0
"""A cell that has not run for longer is no reason to ask control."""


class HangWatch:
    """Looks at the link of the day, twice a second.

    Args:
        clock: what time it is, as the link tells it too.
        on_silent: called when there are words that there were not before.
    """

    def __init__(self, state: KernelState, clock: Clock, *, on_silent: Callable[[], None]) -> None:
        self._state = state
        self._clock = clock
        self._on_silent = on_silent
        self._watched: SubkernelLink | None = None
        self._since = 0.0
        """When that was looked at first, or first after a standstill of ours; monotonic."""
        self._looked_at = clock.monotonic()
        self._outputs = 0
        """How many had come at the last look."""
        self._control_asked: float | None = None
        self._asking: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Watch until cancelled."""
        try:
            while True:
                await self._clock.sleep(PERIOD_S)
                self._look()
        finally:
            if self._asking is not None:
                self._asking.cancel()

    def _look(self) -> None:
        now = self._clock.monotonic()
        stood_still = now - self._looked_at >= PERIOD_S + LATE_S
        self._looked_at = now
        link = self._state.lived_before()
        if link is None:
            self._watched = None
            self._say(None)
            return
        settings = self._state.settings.kernel
        link.ping()
        # One that waits, too: a cell that takes hold of the interpreter at once may have had no chance to say that it runs.
        cell_runs = self._state.requests.running() is not None or self._state.requests.waiting() > 0
        if link is not self._watched or stood_still:
            # It is pinged from now on; before that it may have started for longer than a silence lasts.
            self._watched, self._since, self._outputs = link, now, 0
            if self._control_asked is not None:
                self._control_asked = now
        speaks, self._outputs = link.outputs != self._outputs, link.outputs
        echo = max(link.heartbeat_at, self._since)
        late = now - echo > settings.heartbeat_silence_s
        if ((cell_runs and not speaks) or late) and self._control_asked is None:
            self._control_asked = now
            self._asking = asyncio.create_task(self._ask_control(link))
        self._say(
            hang_words(
                now=now,
                heartbeat_echo=echo,
                control_asked=self._control_asked,
                cell_runs=cell_runs,
                heartbeat_silence_s=settings.heartbeat_silence_s,
                control_silence_s=settings.control_silence_s,
            )
        )

    async def _ask_control(self, link: SubkernelLink) -> None:
        try:
            await link.ask("control", "kernel_info_request", {})
        except SubkernelGone:
            pass  # the next life is watched afresh
        finally:
            self._control_asked = None

    def _say(self, words: str | None) -> None:
        if words != self._state.hang_words:
            if words is None:
                self._state.log.info("subkernel.answers_again")
            else:
                self._state.log.warning("subkernel.silent", words=words)
            self._state.hang_words = words
            if words is not None:
                self._on_silent()
