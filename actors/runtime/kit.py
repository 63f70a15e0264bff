"""What tests of actors need, shipped with the runtime: a clock turned by hand, a probe, a way to wait for quiet.

It lives beside the runtime rather than under `tests/` because whoever writes actors on it needs the same tools.
"""

import asyncio
import heapq
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from actors.runtime.actor import Actor, Asked
from actors.runtime.asks import Obligation, Question
from actors.runtime.clock import SystemClock, Timer
from actors.runtime.down import Down
from actors.runtime.envelope import ANY_LIFE, ASK, Envelope
from actors.runtime.fake_transport import FakeTransport, link_nodes
from actors.runtime.node import Node
from actors.runtime.trace import current_trace

__all__ = ["FakeTransport", "ManualClock", "Probe", "ProbeRef", "link_nodes", "run_to_idle", "turn_loop"]

M = TypeVar("M")
Wanted = TypeVar("Wanted")

PATIENCE_S = 60.0
"""How long a probe waits before it calls a test failed; it returns as soon as the message is there, and on a machine that is overrun
whoever sends it may have to import for tens of seconds first."""

QUIET_TURNS = 10
"""Turns of the loop without work that count as quiet: the longest chain of callbacks in the runtime is six."""


async def turn_loop(turns: int = QUIET_TURNS) -> None:
    """Let the event loop turn a few times."""
    for _ in range(turns):
        await asyncio.sleep(0)


async def run_to_idle(*nodes: Node) -> None:
    """Return once no actor of these nodes has had anything to do for some turns of the loop."""
    quiet = 0
    while quiet < QUIET_TURNS:
        await asyncio.sleep(0)
        quiet = quiet + 1 if all(node.idle for node in nodes) else 0


class ManualClock:
    """A clock that stands still until a test turns it; see `Clock`.

    Args:
        start_s: what `monotonic` says at first.
    """

    def __init__(self, start_s: float = 1000.0) -> None:
        self._now = start_s
        self._wall_offset = 1_700_000_000.0
        self._timers: list[_ManualTimer] = []
        self._count = 0

    def monotonic(self) -> float:
        return self._now

    def wall(self) -> float:
        return self._now + self._wall_offset

    def call_later(self, delay_s: float, callback: Callable[[], object]) -> Timer:
        self._count += 1
        timer = _ManualTimer(self._now + max(delay_s, 0.0), self._count, callback)
        heapq.heappush(self._timers, timer)
        return timer

    async def sleep(self, delay_s: float) -> None:
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        timer = self.call_later(delay_s, lambda: None if woken.done() else woken.set_result(None))
        try:
            await woken
        finally:
            timer.cancel()

    async def advance(self, seconds: float) -> None:
        """Turn the clock; timers fire in order, each at its time, and what they cause happens before the next."""
        end = self._now + seconds
        await turn_loop()
        while self._timers and self._timers[0].due <= end:
            timer = heapq.heappop(self._timers)
            self._now = max(self._now, timer.due)
            if timer.callback is not None:
                timer.callback()
                await turn_loop()
        self._now = end
        await turn_loop()

    def block(self, seconds: float) -> None:
        """Let time pass as when something blocks the loop: timers that fall due fire at the next `advance`."""
        self._now += seconds

    def jump_wall(self, seconds: float) -> None:
        """Set the wall clock forward or back, as an administrator does; nothing monotonic notices."""
        self._wall_offset += seconds

    @property
    def pending(self) -> int:
        """How many timers have neither fired nor been cancelled."""
        return sum(timer.callback is not None for timer in self._timers)


class _ManualTimer:
    __slots__ = ("callback", "due", "number")

    def __init__(self, due: float, number: int, callback: Callable[[], object]) -> None:
        self.due = due
        self.number = number
        self.callback: Callable[[], object] | None = callback

    def __lt__(self, other: "_ManualTimer") -> bool:
        return (self.due, self.number) < (other.due, other.number)

    def cancel(self) -> None:
        self.callback = None


class Probe(Actor[M], Generic[M]):
    """An actor that keeps what it is told, for a test to look at.

    Give it to a node (`await node.spawn("kernel", lambda: probe)`) or use it without one: `probe.ref("kernel")`.

    Args:
        reply: answers every ask at once, if given; otherwise the test takes asks by `expect_ask`.
    """

    def __init__(self, reply: Callable[[M], object] | None = None) -> None:
        self.seen: list[M] = []
        """All messages so far, tells and asks."""
        self.downs: list[Down] = []
        self.traces: list[str] = []
        """The trace id that each message of `seen` came with."""
        self._reply = reply
        self._unread: list[tuple[M, Asked | None]] = []
        self._arrived = asyncio.Event()

    def receive(self, message: M, asked: Asked | None) -> None:
        self.seen.append(message)
        self.traces.append(current_trace.get())
        if asked is not None and self._reply is not None:
            asked.answer(self._reply(message))
            asked = None
        self._unread.append((message, asked))
        self._arrived.set()

    def on_down(self, down: Down) -> None:
        self.downs.append(down)
        self._arrived.set()

    def ref(self, name: str = "probe") -> "ProbeRef[M]":
        """Make a ref to this probe that needs no node; messages arrive before `tell` returns."""
        return ProbeRef(name, self)

    async def expect(self, kind: type[Wanted]) -> Wanted:
        """Take the oldest unread message of this class, waiting for it; earlier ones of other classes stay unread."""
        message, _ = await self._take(kind)
        return message

    async def expect_ask(self, kind: type[Wanted]) -> tuple[Wanted, Asked]:
        """Take the oldest unread message of this class, which must be an ask, with the duty to answer it."""
        message, asked = await self._take(kind)
        if asked is None:
            raise AssertionError(f"{message!r} was told, not asked (or was answered by the probe's own reply)")
        return message, asked

    async def expect_down(self) -> Down:
        """Take the oldest unread `Down`, waiting for it."""
        await self._until(lambda: bool(self.downs), "a Down")
        return self.downs.pop(0)

    def unread(self) -> list[M]:
        """What has arrived and was not taken by `expect`."""
        return [message for message, _ in self._unread]

    async def _take(self, kind: type[Wanted]) -> tuple[Wanted, Asked | None]:
        found: list[int] = []

        def look() -> bool:
            found[:] = [index for index, (message, _) in enumerate(self._unread) if isinstance(message, kind)][:1]
            return bool(found)

        await self._until(look, kind.__name__)
        message, asked = self._unread.pop(found[0])
        assert isinstance(message, kind)
        return message, asked

    async def _until(self, condition: Callable[[], bool], wanted: str) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not condition():
                    self._arrived.clear()
                    await self._arrived.wait()
        except TimeoutError:
            raise AssertionError(f"no {wanted} within {PATIENCE_S:g} s; unread: {self.unread()!r}, downs: {self.downs!r}") from None


class ProbeRef(Generic[M]):
    """A ref straight to a probe, without a node between; see `Ref`."""

    def __init__(self, name: str, probe: Probe[M]) -> None:
        self.name = name
        self._probe = probe
        self._watchers: list[Callable[[Down], None]] = []

    def tell(self, message: M) -> None:
        self._probe.receive(message, None)

    async def ask(self, message: Any, *, timeout_s: float) -> Any:  # Any: typed by the overloads of Ref
        loop = asyncio.get_running_loop()
        question = Question(self.name)
        envelope = Envelope(self.name, ASK, 0, current_trace.get(), 0.0, ANY_LIFE, message)
        self._probe.receive(message, Asked(Obligation(envelope, question.settle), loop))
        return await question.answer(SystemClock(), timeout_s)

    def watch(self, notify: Callable[[Down], None]) -> Callable[[], None]:
        self._watchers.append(notify)
        return lambda: self._watchers.remove(notify) if notify in self._watchers else None

    def die(self, reason: str = "crashed", *, restarting: bool = False) -> None:
        """Tell all who monitor this ref that the actor is gone."""
        for notify in list(self._watchers):
            notify(Down(kind="actor", name=self.name, generation=1, reason=reason, restarting=restarting))
