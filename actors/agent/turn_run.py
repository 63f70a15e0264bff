"""Performs one turn: does what the turn machine wants and tells it what came of it.

The only state of its own is the machine's; the one thing under way is awaited in `run`, which belongs to a task of the
AgentActor. `stop` and the time limit end the turn at once and from outside: the end is told before the task that they
leave behind is cancelled, so that a stop is as quick as a message.
"""

import asyncio
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Literal

import msgspec

from actors.agent.call_log import CallLog
from actors.agent.contexts import Contexts
from actors.agent.function_call import call_function
from actors.agent.kernel_session import KernelSession
from actors.agent.known_quirks import KnownQuirks
from actors.agent.model import Failed, Model
from actors.agent.outbox import Outbox
from actors.agent.turn_clock import TurnClock
from actors.agent.whole_answer import keep_result
from actors.runtime.clock import Clock
from actors.runtime.failures import AskError, AskFailed
from actors.runtime.log import Log
from actors.runtime.ref import Ref
from beaker.agent.model_failure import ModelFailure
from beaker.agent.pace import Pace
from beaker.agent.tools.deed import refused_line
from beaker.agent.tools.function import FunctionTool, Performed
from beaker.agent.tools.tool import Asking
from beaker.agent.turn import begin, step
from beaker.agent.turn_state import (
    PLAIN,
    Action,
    CallEnded,
    CallFailed,
    CallModel,
    Finish,
    Input,
    Pause,
    PauseOver,
    Refuse,
    Say,
    StopWanted,
    TimeUp,
    ToolsAnswered,
    ToolUse,
    TurnLimits,
    TurnState,
    UseTools,
)
from beaker.contexts.shelf import Missing
from beaker.messages.kernel import KernelMessage
from beaker.messages.turn import Question, TurnFailure, TurnReply

WORDS_FROM_S = 1.0
"""A shorter wait for the pace is over before its words are read."""


class RunLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What one turn may take."""

    turn: TurnLimits = TurnLimits()
    time_s: float = 600.0
    calls_per_s: float = 5.0
    """To the model, by all turns of one agent."""
    delta_interval_s: float = 0.03
    """Between two messages with text: a third of what a display is redrawn at."""
    answers: str = ""
    """The folder for answers that are too long to be shown; empty: what is too long is not kept."""


class TurnRun:
    """One turn.

    Args:
        question: what was asked.
        kernel: who asked; hears the events and answers the tools.
        is_gone: says whether that cannot be reached any more.
        limits: what the turn may take.
        quirks: what is known of the models; what this turn finds is added.
        contexts: where the question's own is found.
        pace: how often the model may be called, by this turn and all others.
        clock, log: the actor's.
        on_time_up: called when the turn took too long and has been ended; cancels the task of `run`.
    """

    def __init__(
        self,
        question: Question,
        *,
        kernel: Ref[KernelMessage],
        is_gone: Callable[[], bool],
        limits: RunLimits,
        quirks: KnownQuirks,
        contexts: Contexts,
        pace: Pace,
        clock: Clock,
        log: Log,
        on_time_up: Callable[[], None],
    ) -> None:
        self.question = question
        self.outbox = Outbox(kernel, question.turn, clock=clock, interval_s=limits.delta_interval_s, answers=limits.answers)
        self._kernel = kernel
        self._is_gone = is_gone
        self._limits = limits
        self._clock = clock
        self._log = log.bind(turn=question.turn)
        self._state: TurnState | None = None
        self._quirks = quirks
        self._contexts = contexts
        self._pace = pace
        self._surroundings = PLAIN
        self._model_name = ""
        self._results = 0
        """How many of its tools' results stand in files."""
        self._on_time_up = on_time_up
        self._time = TurnClock(clock, limits.time_s, self._time_up)

    def stop(self) -> None:
        """End the turn now, by the user's will. Whoever holds the task of `run` cancels it."""
        self._end_from_outside(StopWanted())

    async def run(self, model: Model | ModelFailure) -> None:
        """Perform the turn until its end.

        Args:
            model: who answers, or why nobody can.
        """
        self._time.start()
        started = self._clock.monotonic()
        try:
            await self._run(model)
        finally:
            self._time.stop()
            steps = 0 if self._state is None else self._state.step
            status = self.outbox.status or "cut"
            self._log.info("turn.over", status=status, steps=steps, duration_s=round(self._clock.monotonic() - started, 3))

    async def _run(self, model: Model | ModelFailure) -> None:
        if isinstance(model, ModelFailure):
            self._no_model(model)
            return
        opened = await model.open(self.question.model)
        if isinstance(opened, ModelFailure):
            self._no_model(opened)
            return
        surroundings = await self._contexts.surroundings(self.question.context, self.question.language)
        if isinstance(surroundings, Missing):
            self.outbox.end("error", reason=surroundings.reason)
            return
        self._surroundings = surroundings
        self._model_name = opened.name
        self._log.info("turn.began", model=opened.name)
        self.outbox.began(opened.name)
        quirks = self._quirks.of(opened, self.question.quirks)
        self._state, actions = begin(self.question, limits=self._limits.turn, quirks=quirks, surroundings=self._surroundings)
        while not self.outbox.over:
            happened = None
            for action in actions:
                happened = await self._perform(action, model)
            if happened is None:
                return
            self._state, actions = step(self._state, happened)
            if (learned := self._quirks.learn(opened, self._state.quirks)) is not None:
                self.outbox.learned(learned)

    def _no_model(self, failure: ModelFailure) -> None:
        self._log.warning("turn.no_model", kind=failure.kind)
        self.outbox.end("error", reason=failure.reason)

    async def _perform(self, action: Action, model: Model) -> Input | None:
        match action:
            case Say(text=text):
                self.outbox.new_part()
                self.outbox.say(text)
                return None
            case CallModel():
                return await self._call(action, model)
            case UseTools(uses=uses):
                self.outbox.flush()
                return ToolsAnswered(replies=tuple([(use.call_id, await self._use_aloud(use)) for use in uses]))
            case Refuse(call_id=call_id, text=text, name=name):
                self.outbox.tool_answered(call_id, "error", text, line=refused_line(name, text))
                return None
            case Pause(seconds=seconds, words=words):
                self._log.info("turn.waits", seconds=seconds)
                self.outbox.words(words)
                await self._clock.sleep(seconds)
                self.outbox.words("")
                return PauseOver()
            case Finish():
                self._finish(action)
                return None

    async def _call(self, call: CallModel, model: Model) -> Input:
        self.outbox.new_part()
        if (wait_s := self._pace.book(self._clock.monotonic())) > 0:
            await self._wait_for_pace(wait_s)
        if self._is_gone():
            return StopWanted()  # nobody would read what the model says
        number, attempt = (1, 1) if self._state is None else (self._state.step, self._state.attempt)
        logged = CallLog(self.outbox, step=number, log=self._log, clock=self._clock)
        logged.began(call, attempt)
        heard = await model.hear(call, logged, model=self._model_name, step=number)
        logged.ended(heard)
        self.outbox.flush()
        if isinstance(heard, Failed):
            return CallFailed(failure=heard.failure, text=heard.text, at=self._clock.wall())
        self.outbox.thought(heard.thought)
        if heard.usage is not None:
            self.outbox.used(self._model_name, heard.usage)
        for asked in heard.calls:
            self.outbox.tool_called(asked.id, asked.function.name, asked.function.arguments)
        return CallEnded(text=heard.text, calls=heard.calls, finish_reason=heard.finish_reason, usage=heard.usage)

    async def _wait_for_pace(self, wait_s: float) -> None:
        self._log.info("turn.waits", seconds=round(wait_s, 3))
        if wait_s >= WORDS_FROM_S:
            self.outbox.words(f"waiting {wait_s:.3g} s: the model may be called {self._pace.per_s:g} times a second (agent.requests_per_s)")
        with self._time.halted():
            await self._clock.sleep(wait_s)
        if wait_s >= WORDS_FROM_S:
            self.outbox.words("")

    async def _use_aloud(self, use: ToolUse) -> TurnReply | Performed:
        toolbox = self._surroundings.toolbox
        self.outbox.words(toolbox.deed(use.name, use.arguments).doing)
        reply = await self._use(use)
        status: Literal["ok", "error"] = "error" if isinstance(reply, TurnFailure) else "ok"
        foreign = isinstance(toolbox.tool(use.name), FunctionTool)
        text, handle = toolbox.describe(use.name, reply), toolbox.handle(use.name, reply)
        line = toolbox.line(use.name, use.arguments, reply)
        self.outbox.tool_answered(use.call_id, status, text, line=line, handle=handle, untrusted=foreign)
        return reply

    async def _use(self, use: ToolUse) -> TurnReply | Performed:
        name, tool = use.name, self._surroundings.toolbox.tool(use.name)
        asking = Asking(turn=self.question.turn, language=self.question.language)
        self._log.info("tool.called", tool=name)
        if isinstance(tool, FunctionTool):
            session = KernelSession(self._kernel, asking, self._time.halted)
            return await self._kept(await call_function(tool, use.arguments, session, self._contexts.loop))
        request = tool.request(use.arguments, asking)
        began = self._clock.monotonic()
        try:
            with self._time.halted() if tool.waits_for_user else nullcontext():
                reply = await self._kernel.ask(request, timeout_s=tool.timeout_s)
        except AskFailed as refused:
            failure = refused.failure
            self._log.info("tool.refused", tool=name, duration_s=round(self._clock.monotonic() - began, 3))
            return failure if isinstance(failure, TurnFailure) else TurnFailure(reason="the session refused it")
        except AskError as error:
            self._log.warning("tool.failed", tool=name, kind=type(error).__name__, duration_s=round(self._clock.monotonic() - began, 3))
            return TurnFailure(reason="the session did not answer; it may be busy or restarting")
        self._log.info("tool.answered", tool=name, duration_s=round(self._clock.monotonic() - began, 3))
        return reply if isinstance(reply, (tool.reply, TurnFailure)) else TurnFailure(reason="the session gave no proper answer")

    async def _kept(self, reply: Performed | TurnFailure) -> Performed | TurnFailure:
        """A result that was cut for the model stands whole in a file, which it is told of."""
        if isinstance(reply, TurnFailure) or not reply.whole or not self._limits.answers:
            return reply
        self._results += 1
        folder, number, turn = Path(self._limits.answers), self._results, self.question.turn
        try:
            path = await asyncio.to_thread(keep_result, folder, reply.whole, turn=turn, at=self._clock.wall(), number=number)
        except OSError as error:
            self._log.warning("result.unkept", reason=error.strerror)
            return Performed(text=reply.text)
        return reply.standing_in(str(path))

    def _time_up(self) -> None:
        self._log.warning("turn.time_up", limit_s=self._limits.time_s)
        self._end_from_outside(TimeUp(limit_s=self._limits.time_s))
        self._on_time_up()

    def _end_from_outside(self, why: StopWanted | TimeUp) -> None:
        if self._state is None:  # not begun: there is nothing that the machine would know
            reason = f"The turn took longer than {why.limit_s:g} s (agent.turn_time_limit_s)." if isinstance(why, TimeUp) else ""
            self.outbox.end("error" if reason else "stopped", reason=reason)
            return
        self._state, actions = step(self._state, why)
        for action in actions:
            if isinstance(action, Finish):
                self._finish(action)

    def _finish(self, finish: Finish) -> None:
        self.outbox.end(finish.status, reason=finish.reason, mark=finish.mark)
