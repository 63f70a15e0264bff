"""Watches a model call for silence: words from some seconds on, an end after many.

Not the HTTP client's read timeout: that cannot tell the wait for the first byte from a pause between two, and says
nothing before it fails. Any byte is a sign of life, also a server's keep-alive comments.
"""

import asyncio
from collections.abc import Callable
from types import TracebackType

import msgspec

from actors.runtime.clock import Clock, Timer
from actors.runtime.standstill import LATE_S
from beaker.errors import BeakerError

READING_S = 1.0
"""For what came meanwhile: it lies in the socket, a few turns of the loop away."""


class StreamTimeouts(msgspec.Struct, frozen=True, kw_only=True):
    """How long a model call may take to do what; seconds."""

    connect_s: float = 5.0
    first_byte_s: float = 300.0
    """Local and reasoning models think long before they begin."""
    silence_s: float = 120.0
    words_after_s: float = 15.0
    """From when on the user is told what the turn waits for, and how often the words are renewed."""


class FellSilent(BeakerError):
    """No byte came for too long."""

    def __init__(self, waited_s: float, *, began: bool) -> None:
        super().__init__(f"silent for {waited_s:g} s")
        self.waited_s = waited_s
        self.began = began


class SilenceWatch:
    """A context manager around a call that must not fall silent.

    Args:
        clock: what time it is.
        timeouts: the limits.
        on_words: is given the words to show, and the empty string when they no longer hold.
        on_first: called at the first sign.

    Raises:
        FellSilent: on leaving, when the limit was reached; the body is cancelled before.
    """

    def __init__(
        self, clock: Clock, timeouts: StreamTimeouts, on_words: Callable[[str], None], *, on_first: Callable[[], None] | None = None
    ) -> None:
        self._clock = clock
        self._timeouts = timeouts
        self._on_words = on_words
        self._on_first = on_first
        self._scope = asyncio.timeout(None)
        self._last = clock.monotonic()
        self._began = False
        self._shown = False
        self._timer: Timer | None = None
        self._due = 0.0
        """When the next look should come."""
        self._stood_still = False
        """Since the last byte, which was then waited for a moment longer."""

    async def __aenter__(self) -> "SilenceWatch":
        await self._scope.__aenter__()
        self._last = self._clock.monotonic()
        self._wait()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._hide()
        try:
            await self._scope.__aexit__(kind, error, trace)
        except TimeoutError:
            raise FellSilent(self._limit_s, began=self._began) from None

    def sign(self) -> None:
        """A byte has come."""
        self._last = self._clock.monotonic()
        self._stood_still = False
        if not self._began:
            self._began = True
            if self._on_first is not None:
                self._on_first()
            self._wait()  # another limit holds from here on, perhaps a shorter one
        self._hide()

    @property
    def _limit_s(self) -> float:
        return self._timeouts.silence_s if self._began else self._timeouts.first_byte_s

    def _look(self) -> None:
        now = self._clock.monotonic()
        idle_s = now - self._last
        if idle_s >= self._limit_s:
            if now - self._due >= LATE_S and not self._stood_still:
                self._stood_still = True
                self._look_after(READING_S)
                return
            self._scope.reschedule(asyncio.get_running_loop().time())
            return
        if idle_s >= self._timeouts.words_after_s:
            self._shown = True
            self._on_words(f"no data for {idle_s:.3g} s")
        self._wait()

    def _wait(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        every_s = self._timeouts.words_after_s
        idle_s = self._clock.monotonic() - self._last
        next_words_s = every_s * (idle_s // every_s + 1)
        self._look_after(max(min(next_words_s, self._limit_s) - idle_s, 0.001))

    def _look_after(self, seconds: float) -> None:
        self._due = self._clock.monotonic() + seconds
        self._timer = self._clock.call_later(seconds, self._look)

    def _hide(self) -> None:
        if self._shown:
            self._shown = False
            self._on_words("")
