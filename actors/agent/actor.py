"""The AgentActor: one conversation. It takes questions, runs one turn at a time, and tells the KernelActor what comes of it.

It owns the way to the model and all tasks of a turn. It holds no socket to the subkernel and runs no code: it asks the
KernelActor. What it knows of the conversation comes with each question, so that a restarted agent goes on where the last
one was. Why turns queue: two answers of one conversation at once would each not know of the other. Only a turn that waits for
the user to come back to it is put aside, so that she can ask something else first.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import ClassVar

from actors.agent.contexts import Contexts
from actors.agent.known_quirks import KnownQuirks
from actors.agent.model import Model
from actors.agent.outbox import Outbox
from actors.agent.turn_run import RunLimits, TurnRun
from actors.runtime.actor import Actor, Asked
from actors.runtime.ref import Ref
from actors.runtime.trace import current_trace
from beaker.agent.model_failure import ModelFailure
from beaker.agent.pace import Pace
from beaker.agent.prompts import refusal
from beaker.contexts.import_marks import ImportMarks
from beaker.contexts.shelf import Shelf
from beaker.messages.base import Event, Lane, TurnId
from beaker.messages.context import AgentFailure, ListContexts, ListModels, ModelsListed
from beaker.messages.kernel import KernelMessage
from beaker.messages.running import Parked
from beaker.messages.turn import AgentMessage, Ping, Pong, Question, Stop, Taken
from beaker.waiting_limit import TOO_MANY, WAITING_LIMIT

WAKING = "waking the agent"
LEFT = "The agent was stopped before the answer was whole. Ask again."

Load = Callable[[], Awaitable[Model | ModelFailure]]
"""Makes the way to the model, which may take a second; or says why there is none."""


class TurnOver(Event, frozen=True, kw_only=True, tag="agent.turn_over"):
    """The actor's task tells the actor that it is done; this never leaves the process."""

    lane: ClassVar[Lane] = "control"
    turn: TurnId


class AgentActor(Actor[AgentMessage | TurnOver]):
    """One conversation.

    Args:
        kernel: who asks; hears `Began`, `Delta`, `Waiting`, `Ended` and answers looks and proposals.
        load: makes the way to the model; begun at once, so that it is there when the first question comes.
        is_gone: says whether the kernel cannot be reached any more, so that no model is asked for it; the end of this actor comes later.
        limits: what one turn may take.
        shelf: the contexts; those that are installed, if none is given.
        marks: what says which context is being imported.
        shared: other conversations are held by this process.
    """

    def __init__(
        self,
        kernel: Ref[KernelMessage],
        load: Load,
        *,
        is_gone: Callable[[], bool] = lambda: False,
        limits: RunLimits | None = None,
        shelf: Shelf | None = None,
        marks: ImportMarks | None = None,
        shared: bool = False,
    ) -> None:
        self._kernel = kernel
        self._load = load
        self._is_gone = is_gone
        self._limits = limits or RunLimits()
        self._quirks = KnownQuirks()
        self._pace = Pace(self._limits.calls_per_s)
        self._contexts = Contexts(kernel, shelf, marks=marks, shared=shared)
        self._loading: asyncio.Task[Model | ModelFailure] | None = None
        self._running: TurnRun | None = None
        self._task: asyncio.Task[object] | None = None
        self._aside: dict[TurnId, tuple[TurnRun, asyncio.Task[object]]] = {}
        """Turns that wait for the user, or go on after that."""
        self._waiting: deque[tuple[Question, str]] = deque()
        """With the trace id of each: a turn begins when another ends, and must not run under that one's."""
        self._stopped: deque[TurnId] = deque(maxlen=WAITING_LIMIT)
        """Turns that were stopped when they were not there: a Stop overtakes the Question that it is about."""

    async def on_start(self) -> None:
        """Begin to load, without waiting for it."""
        self._loading = asyncio.create_task(self._loaded(), name="agent.load")

    def receive(self, message: AgentMessage | TurnOver, asked: Asked | None) -> None:
        """Handle one message."""
        match message:
            case Question():
                self._take(message)
                if asked is not None:
                    asked.answer(Taken())
            case Stop(turn=turn):
                self._stop(turn)
            case Parked(turn=turn):
                self._put_aside(turn)
            case Ping():
                if asked is not None:
                    asked.answer(Pong())
            case ListContexts():
                if asked is not None:
                    self.context.spawn(self._list_contexts(message, asked), name="contexts")
            case ListModels():
                if asked is not None:
                    self.context.spawn(self._list_models(asked), name="models")
            case TurnOver(turn=turn):
                if self._aside.pop(turn, None) is None:
                    self._next()

    async def on_stop(self) -> None:
        """Tell every turn's end, then let go of the model."""
        for run, task in [*self._aside.values()]:
            run.outbox.end("error", reason=LEFT)
            task.cancel()
        if self._running is not None:
            self._running.outbox.end("error", reason=LEFT)
        for question, trace in self._waiting:
            current_trace.set(trace)
            self._outbox(question).end("error", reason=LEFT)
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()
        self._contexts.close()
        await self._close_model()

    def _take(self, question: Question) -> None:
        waits_behind = len(self._waiting) + (self._running is not None)
        self.context.log.info("question.taken", turn=question.turn, cells=len(question.cells), waits_behind=waits_behind)
        if question.turn in self._stopped:
            self._outbox(question).end("stopped")
            return
        reason = refusal(question)
        if reason is None and len(self._waiting) >= WAITING_LIMIT:
            reason = TOO_MANY
        if reason is not None:
            self._outbox(question).end("error", reason=reason)
            return
        self._waiting.append((question, current_trace.get()))
        if self._running is None:
            self._next()
        else:
            before = self._waiting[-2][0].turn if len(self._waiting) > 1 else self._running.question.turn
            self._outbox(question).words(f"after question {before}")

    def _next(self) -> None:
        """The turn before is over, or there was none: begin the next."""
        self._running = self._task = None
        if not self._waiting:
            return
        question, trace = self._waiting.popleft()
        current_trace.set(trace)
        self._running = TurnRun(
            question,
            kernel=self._kernel,
            is_gone=self._is_gone,
            limits=self._limits,
            quirks=self._quirks,
            contexts=self._contexts,
            pace=self._pace,
            clock=self.context.clock,
            log=self.context.log,
            on_time_up=lambda: self._cancel(question.turn),
        )
        self._task = self.context.spawn(self._run(self._running), name=f"turn-{question.turn}")
        # Not at the end of `_run`: a task that is cancelled before its first step never comes there.
        self._task.add_done_callback(lambda _: self.context.ref.tell(TurnOver(turn=question.turn)))

    async def _run(self, run: TurnRun) -> None:
        loading = self._loading
        assert loading is not None, "on_start comes before any message"
        if loading.done():
            model = loading.result()
        else:
            run.outbox.words(WAKING)
            began = self.context.clock.monotonic()
            model = await asyncio.shield(loading)
            waited_s = self.context.clock.monotonic() - began
            self.context.log.info("model.awaited", turn=run.question.turn, duration_s=round(waited_s, 3))
            run.outbox.words("")
        await run.run(model)

    def _put_aside(self, turn: TurnId) -> None:
        """This turn waits for the user: begin the next."""
        if self._running is not None and self._running.question.turn == turn and self._task is not None:
            self._aside[turn] = (self._running, self._task)
            self._next()

    def _stop(self, turn: TurnId) -> None:
        if self._running is not None and self._running.question.turn == turn:
            self._running.stop()
            self._cancel(turn)
            return
        if (held := self._aside.get(turn)) is not None:
            held[0].stop()
            held[1].cancel()
            return
        for waiting in self._waiting:
            if waiting[0].turn == turn:
                self._waiting.remove(waiting)
                self._outbox(waiting[0]).end("stopped")
                return
        self._stopped.append(turn)
        self.context.log.info("turn.not_there_to_stop", turn=turn)

    def _cancel(self, turn: TurnId) -> None:
        held = self._aside.get(turn)
        task = self._task if held is None else held[1]
        if task is not None:
            task.cancel()

    def _outbox(self, question: Question) -> Outbox:
        return Outbox(self._kernel, question.turn, clock=self.context.clock, interval_s=self._limits.delta_interval_s)

    async def _list_contexts(self, wanted: ListContexts, asked: Asked) -> None:
        asked.answer(await self._contexts.list(wanted))

    async def _list_models(self, asked: Asked) -> None:
        loading = self._loading
        assert loading is not None, "on_start comes before any message"
        model = await asyncio.shield(loading)
        if isinstance(model, ModelFailure):
            asked.fail(AgentFailure(reason=model.reason))
            return
        offers = await model.offers()
        asked.answer(ModelsListed(endpoint=offers.endpoint, model=offers.model, offered=offers.names, problem=offers.problem))

    async def _loaded(self) -> Model | ModelFailure:
        began = self.context.clock.monotonic()
        model = await self._load()
        self.context.log.info(
            "model.loaded", usable=not isinstance(model, ModelFailure), duration_s=round(self.context.clock.monotonic() - began, 3)
        )
        return model

    async def _close_model(self) -> None:
        if self._loading is None:
            return
        self._loading.cancel()
        [loaded] = await asyncio.gather(self._loading, return_exceptions=True)
        if not isinstance(loaded, (ModelFailure, BaseException)):
            await loaded.close()
