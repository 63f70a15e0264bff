"""The cell: what holds one actor, runs it, and starts it again when it crashes.

A cell has one task, one mailbox and a name that stay the same over all lives of the actor. Only this file catches
`Exception`: a crash of an actor's code ends that life, answers its open asks with `Crashed`, is logged, told to those
who monitor it, and followed by a new life unless the restart policy forbids it. What lay in the mailbox died with the
life it was sent to, as in OTP: a message that crashed the actor must not crash the next one too.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

from actors.runtime.actor import Actor
from actors.runtime.asks import Asked, Obligation
from actors.runtime.clock import Clock
from actors.runtime.context import Context, CrashNotice, Letter, StopNotice
from actors.runtime.dead_letters import DeadLetters
from actors.runtime.down import Down, Watchers
from actors.runtime.envelope import BUSY, CRASHED, EXPIRED, STOPPED, UNREACHABLE, Envelope
from actors.runtime.failures import ControlOverflow, Stopped
from actors.runtime.lanes import is_control
from actors.runtime.log import Log
from actors.runtime.mailbox import Mailbox
from actors.runtime.supervision import RestartCounter, RestartPolicy
from actors.runtime.trace import current_trace

M = TypeVar("M")

BATCH: Final = 256
"""Messages handled before the loop gets a turn: at 1-2 us each, others wait well under a millisecond."""

STOP_LIMIT_S: Final = 5.0
"""How long `on_stop`, and then the tasks of a life, may take to end before they are left behind."""


class Cell(Generic[M]):
    """Holds one actor.

    Args:
        name: unique on the node.
        factory: makes the actor anew for each life.
        mailbox_size: how many ordinary messages may wait.
        policy: how often it may be restarted.
        clock: for timers, deadlines and the restart window.
        dead_letters: where dropped messages are counted.
        log: bound to the node.
    """

    def __init__(
        self,
        name: str,
        factory: Callable[[], Actor[M]],
        *,
        mailbox_size: int,
        policy: RestartPolicy,
        clock: Clock,
        dead_letters: DeadLetters,
        log: Log,
    ) -> None:
        self.name = name
        self.clock = clock
        self.generation = 0
        """Which life runs; 0 before the first."""
        self.closed = False
        """True once no further life will come."""
        self.gave_up = ""
        """Why the restart policy ended it, in words; empty otherwise."""
        self.mailbox: Mailbox[Letter] = Mailbox(mailbox_size)
        self.dead_letters = dead_letters
        self._factory = factory
        self._counter = RestartCounter(policy)
        self._log = log.bind(actor=name)
        self._open_asks: set[Obligation] = set()
        self._watchers = Watchers()
        self._serving = False
        self._idle = True
        self._overflown = False
        self._full = False
        """Said to be full, and not since found to have room."""
        self._starting: asyncio.Task[None] | None = None

    @property
    def idle(self) -> bool:
        """True when it has nothing to do until a message arrives."""
        return self.closed or (self._idle and self.mailbox.empty())

    def take(self, envelope: Envelope[Any]) -> bool:  # Any: whatever the actor understands
        """Take a tell, or count it as a dead letter; False when its mailbox is full and soon will not be.

        An edge that gets False waits for `mailbox.when_room`. Who cannot wait counts a dead letter: see `accept`.
        """
        message = envelope.message
        if envelope.generation and envelope.generation != self.generation:
            self.dead_letters.record(self.name, "former life", message)
        elif self.closed:
            self.dead_letters.record(self.name, "stopped", message)
        elif is_control(message):
            if not self.mailbox.offer_control(envelope):
                self._overflow(message)
        elif not self.mailbox.offer(envelope):
            self._say_full()
            if self._serving:
                return False
            self.dead_letters.record(self.name, "mailbox full", message)
        return True

    def take_ask(self, obligation: Obligation) -> bool:
        """Take an ask, or settle it at once; False as for `take`."""
        envelope = obligation.envelope
        if envelope.generation and envelope.generation != self.generation:
            obligation.settle(UNREACHABLE, "that life of it is over")
        elif self.closed:
            obligation.settle(STOPPED, None)
        elif is_control(envelope.message):
            if self.mailbox.offer_control(obligation):
                obligation.enter(self._open_asks)
            else:
                obligation.settle(BUSY, None)
                self._overflow(envelope.message)
        elif self.mailbox.offer(obligation):
            obligation.enter(self._open_asks)
        else:
            self._say_full()
            if self._serving:
                return False
            obligation.settle(BUSY, None)
        return True

    def accept(self, envelope: Envelope[Any]) -> None:  # Any: whatever the actor understands
        """Take a tell, or count it as a dead letter."""
        if not self.take(envelope):
            self.dead_letters.record(self.name, "mailbox full", envelope.message)

    def accept_ask(self, obligation: Obligation) -> None:
        """Take an ask, or settle it at once."""
        if not self.take_ask(obligation):
            obligation.settle(BUSY, None)

    def watch(self, notify: Callable[[Down], None]) -> Callable[[], None]:
        """Hear of the end of every life; at once if no life will come."""
        if self.closed:
            notify(Down(kind="actor", name=self.name, reason="not there"))
            return lambda: None
        return self._watchers.add(notify)

    def request_stop(self) -> None:
        """Let the actor stop as soon as the message at hand is done; one that is starting stops at once."""
        if self._starting is not None:
            self._starting.cancel()
        elif not self.closed:
            self.mailbox.notice(StopNotice())

    async def run(self, started: "asyncio.Future[None]") -> None:
        """Live, and live again, until stopped or given up. The body of the cell's task.

        Args:
            started: told when the first life has started, or why it has not.
        """
        reason = ""
        try:
            while True:
                reason = "stopped"
                self.generation += 1
                crash = await self._life(started)
                if crash is None:
                    return
                reason = f"crashed: {type(crash).__name__}: {crash}"
                if not started.done():
                    started.set_exception(crash)
                    return
                restarting = self._counter.may_restart(self.clock.monotonic())
                self._log.exception("actor.crashed", exc_info=crash, generation=self.generation, restarting=restarting)
                if not restarting:
                    self.gave_up = reason
                    self._log.error("actor.gave_up", generation=self.generation, reason=reason)
                    return
                self._end_life(CRASHED, "crashed")
                self._tell_watchers(reason, restarting=True)
                # A crash loop must not starve the other actors of the loop.
                await asyncio.sleep(0)
        finally:
            self.closed = True
            if not started.done():
                started.set_exception(Stopped(f"{self.name!r} was stopped while it started"))
            self._end_life(CRASHED if reason.startswith("crashed") else STOPPED, "stopped")
            self._tell_watchers(reason, restarting=False)

    async def _life(self, started: "asyncio.Future[None]") -> Exception | None:
        """Run one life from its making to its end; returns what crashed it, or None when it was stopped."""
        current_trace.set("")
        context: Context[M] = Context(self, self._log)
        self._starting = asyncio.current_task()
        try:
            actor = self._factory()
            actor.context = context
            await actor.on_start()
        except asyncio.CancelledError:
            await context.close(STOP_LIMIT_S)
            raise
        except Exception as error:  # noqa: BLE001 - the one place, see the module
            await context.close(STOP_LIMIT_S)
            return error
        finally:
            self._starting = None
        if not started.done():
            started.set_result(None)
        crash: Exception | None = None
        self._serving = True
        try:
            await self._serve(actor)
        except Exception as error:  # noqa: BLE001 - the one place, see the module
            crash = error
        finally:
            self._serving = False
            self._idle = False
            await self._finish(actor, context)
        return crash

    async def _serve(self, actor: Actor[M]) -> None:
        mailbox, receive, set_trace = self.mailbox, actor.receive, current_trace.set
        control, ordinary = mailbox.control, mailbox.ordinary
        while True:
            self._idle = mailbox.empty()
            item = await mailbox.get()
            self._idle = False
            left = BATCH
            while True:
                if isinstance(item, Envelope):
                    set_trace(item.trace_id)
                    receive(item.message, None)
                elif isinstance(item, Obligation):
                    self._hand_over(actor, item)
                elif isinstance(item, Down):
                    set_trace("")
                    actor.on_down(item)
                elif isinstance(item, StopNotice):
                    return
                else:
                    raise item.error
                left -= 1
                if not left:
                    break
                if control:
                    item = control.popleft()
                elif ordinary:
                    item = ordinary.popleft()
                else:
                    break
            mailbox.tell_room()
            if not left:
                await asyncio.sleep(0)

    def _hand_over(self, actor: Actor[M], obligation: Obligation) -> None:
        """Give an ask to the actor, unless its asker has given up."""
        envelope = obligation.envelope
        if envelope.deadline and self.clock.monotonic() > envelope.deadline:
            obligation.settle(EXPIRED, None)
            return
        current_trace.set(envelope.trace_id)
        actor.receive(envelope.message, Asked(obligation, asyncio.get_running_loop()))

    async def _finish(self, actor: Actor[M], context: Context[M]) -> None:
        """End a life that had started: its own clean-up, then its tasks."""
        try:
            async with asyncio.timeout(STOP_LIMIT_S):
                await actor.on_stop()
        except Exception as error:  # noqa: BLE001 - the one place, see the module
            self._log.exception("actor.stop_failed", exc_info=error, generation=self.generation)
        await context.close(STOP_LIMIT_S)

    def _end_life(self, outcome: int, reason: str) -> None:
        """Answer all that is still open and count what nobody will read."""
        self._overflown = False
        for item in self.mailbox.take_all():
            if isinstance(item, Envelope):
                self.dead_letters.record(self.name, reason, item.message)
        for obligation in list(self._open_asks):
            obligation.settle(outcome, None)
        self.mailbox.tell_room()

    def _tell_watchers(self, reason: str, *, restarting: bool) -> None:
        self._watchers.tell(Down(kind="actor", name=self.name, generation=self.generation, reason=reason, restarting=restarting))

    def _say_full(self) -> None:
        """Log how much waits, once until there is room again: whoever is answered Busy knows no more than that."""
        if not self._full:
            self._full = True
            self.mailbox.when_room(self._has_room)
            self._log.warning("mailbox.full", ordinary=len(self.mailbox.ordinary), control=len(self.mailbox.control))

    def _has_room(self) -> None:
        self._full = False

    def _overflow(self, message: object) -> None:
        words = f"more control messages wait than a correct program sends; the last was {type(message).__name__}"
        if not self._overflown:
            self._overflown = True
            self.mailbox.first(CrashNotice(ControlOverflow(words)))
        self.dead_letters.record(self.name, "control lane full", message)
