"""What one life of an actor holds of the runtime, and what ends with that life: tasks, timers, monitors."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, Protocol, TypeVar

from actors.runtime.actor import Watchable
from actors.runtime.asks import Obligation
from actors.runtime.clock import Clock, Timer
from actors.runtime.down import Down
from actors.runtime.envelope import TELL, Envelope
from actors.runtime.lanes import is_control
from actors.runtime.local_ref import LocalRef, Receiver
from actors.runtime.log import Log
from actors.runtime.mailbox import Mailbox
from actors.runtime.ref import Ref
from actors.runtime.trace import current_trace

M = TypeVar("M")


class StopNotice:
    """Lies in a mailbox: end this life for good."""

    __slots__ = ()


class CrashNotice:
    """Lies in a mailbox: a task of this life failed, so the life does."""

    __slots__ = ("error",)

    def __init__(self, error: Exception) -> None:
        self.error = error


Letter = Envelope[Any] | Obligation | Down | StopNotice | CrashNotice  # Any: the actor's union, known to the actor
"""What lies in an actor's mailbox."""


class Holder(Receiver, Protocol):
    """What holds an actor over all its lives: its cell."""

    @property
    def generation(self) -> int:
        """Which life runs."""
        ...

    @property
    def mailbox(self) -> Mailbox[Letter]:
        """The same for all lives."""
        ...

    def request_stop(self) -> None:
        """Let the actor stop as soon as the message at hand is done."""
        ...


class Context(Generic[M]):
    """The context of one life; see `ActorContext` for what its actor does with it.

    Args:
        holder: the cell of the actor.
        log: bound to the actor.
    """

    def __init__(self, holder: Holder, log: Log) -> None:
        self.name = holder.name
        self.generation = holder.generation
        self.log = log
        self.clock: Clock = holder.clock
        self.ref: Ref[M] = LocalRef(holder, holder.generation)
        self._holder = holder
        self._tasks: set[asyncio.Task[object]] = set()
        self._timers: set[Timer] = set()
        self._unwatch: list[Callable[[], None]] = []
        self._over = False

    def spawn(self, coroutine: Coroutine[Any, Any, object], *, name: str) -> asyncio.Task[object]:  # Any: what it yields is asyncio's
        task = asyncio.get_running_loop().create_task(coroutine, name=f"{self.name}.{name}")
        self._tasks.add(task)
        task.add_done_callback(self._task_done)
        return task

    def monitor(self, target: Watchable) -> None:
        self._unwatch.append(target.watch(self._hear_down))

    def call_later(self, delay_s: float, message: M) -> Timer:
        trace_id = current_trace.get()
        timers = self._timers

        def tell_itself() -> None:
            timers.discard(timer)
            envelope = Envelope(self.name, TELL, 0, trace_id, 0.0, self.generation, message)
            mailbox = self._holder.mailbox
            (mailbox.notice if is_control(message) else mailbox.own)(envelope)

        timer = _HeldTimer(self.clock.call_later(delay_s, tell_itself), timers)
        timers.add(timer)
        return timer

    def stop(self) -> None:
        self._holder.request_stop()

    async def close(self, limit_s: float) -> None:
        """End what belongs to this life; tasks get `limit_s` seconds to be cancelled."""
        self._over = True
        for unwatch in self._unwatch:
            unwatch()
        for timer in list(self._timers):
            timer.cancel()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            _, left = await asyncio.wait(tasks, timeout=limit_s)
            for task in left:
                self.log.error("actor.task_left_behind", task=task.get_name(), limit_s=limit_s)

    def _hear_down(self, down: Down) -> None:
        if not self._over:
            self._holder.mailbox.notice(down)

    def _task_done(self, task: "asyncio.Task[object]") -> None:
        self._tasks.discard(task)
        if task.cancelled() or (error := task.exception()) is None:
            return
        if self._over or not isinstance(error, Exception):
            self.log.error("actor.task_failed", task=task.get_name(), exc_info=error)
        else:
            self._holder.mailbox.notice(CrashNotice(error))


class _HeldTimer:
    """A timer that is forgotten by its holder when it is cancelled."""

    __slots__ = ("_held_in", "_timer")

    def __init__(self, timer: Timer, held_in: set[Timer]) -> None:
        self._timer = timer
        self._held_in = held_in

    def cancel(self) -> None:
        self._held_in.discard(self)
        self._timer.cancel()
