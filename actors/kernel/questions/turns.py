"""The questions of one kernel: from whoever asks to the last word of the answer.

A turn is the same whether a `%%ai` cell asks or an interface by an `llm_request`: what its client sees of it is its *face*. The one
who asked is busy until the turn ends, while the cells behind it run in the subkernel.
"""

import asyncio
import time
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Literal

from actors.kernel.life.silence_watch import SilenceWatch
from actors.kernel.looks.looking import Looking
from actors.kernel.questions.agent_door import AgentDoor, AgentMissing
from actors.kernel.questions.closing import Closing
from actors.kernel.questions.composing import begin_reading, compose, finish_reading
from actors.kernel.questions.course import Course
from actors.kernel.questions.face import Face, Outcome
from actors.kernel.questions.one_by_one import OneByOne
from actors.kernel.questions.overdue import Overdue
from actors.kernel.questions.turn import Turn, Work
from actors.kernel.state.state import KernelState
from actors.runtime.actor import ActorContext, Asked
from actors.runtime.failures import RuntimeFault
from beaker.consent.policy import lower
from beaker.kernel.question import Ask
from beaker.kernel.run_words import AGENT_GONE, cut_words, nobody_words
from beaker.kernel.turn_display import Proposal, TurnDisplay
from beaker.messages.base import TurnId
from beaker.messages.kernel import KernelMessage
from beaker.messages.turn import AgentMessage, Began, Ended, Learned, Ping, ProposeCell, Stop, TurnEvent, TurnFailure, Used

if TYPE_CHECKING:
    from actors.kernel.looks.mentioning import MentionsRead


class Turns:
    """Holds all running turns and the conversation so far."""

    def __init__(self, state: KernelState, context: ActorContext[KernelMessage], agent: AgentDoor, looking: Looking) -> None:
        self._state = state
        self.work: Work | None = None
        self._context = context
        self._agent = agent
        self._looking = looking
        self._turns: dict[TurnId, Turn] = {}
        self.line = OneByOne(self._turns)
        self.course = Course(state)
        self._closing = Closing(state, self.course, self._give_up_code)
        self._overdue = Overdue(state)
        silence_s = state.settings.kernel.agent_silence_s
        self.agent_watch: SilenceWatch[AgentMessage] = SilenceWatch(
            context,
            "agent",
            Ping(),
            ref=agent.ref_now,
            wanted=lambda: bool(self.attended),
            silence_s=silence_s,
            pause_s=silence_s / 4,
            on_words=self._show_trouble,
        )

    @property
    def running(self) -> list[TurnId]:
        """Numbers of the turns that are not over, oldest first."""
        return list(self._turns)

    def all_running(self) -> list[Turn]:
        """The turns that are not over, oldest first."""
        return list(self._turns.values())

    def proposals(self) -> dict[int, Sequence[Proposal]]:
        """The proposed cells of each question that has any, by its number: those that are over, then those that run."""
        offers = self.course.conversation.proposals()
        offers.update((number, turn.display.proposals) for number, turn in self._turns.items() if turn.display.proposals)
        return offers

    @property
    def agent_state(self) -> Literal["not started", "starting", "running"]:
        """Of the agent's process."""
        if self._agent.ref_now() is not None:
            return "running"
        return "starting" if self._turns else "not started"

    @property
    def agent_pid(self) -> int | None:
        """Of the agent's process."""
        return self._agent.pid

    def ask(self, face: Face, wanted: Ask) -> TurnId:
        """Somebody asks; the face is closed when the turn ends."""
        number = self.course.number()
        now = time.monotonic()
        mode = wanted.mode or self._state.settings.agent.mode
        turn = Turn(number, face, wanted.prompt, TurnDisplay(number), now, now, generation=self._state.coming_generation)
        turn.mode = lower(mode, "plan") if face.consent == "never" else mode
        turn.model, turn.context = wanted.model or self.course.model, self.course.context
        self._turns[number] = turn
        face.open(turn.display)
        self._state.log.info("question.received", turn=number, prompt_chars=len(wanted.prompt), background=wanted.background)
        if refusal := self.line.refusal:
            self._end(number, "error", refusal)
            return number
        self._show_trouble()
        self._overdue.heard()
        # Now and not in the task: what the cell behind the question does must not change what the question says.
        mentions = begin_reading(wanted.prompt, self._state, self._looking)
        self._context.spawn(self._send(number, wanted, mentions), name=f"question-{number}")
        return number

    def find(self, number: TurnId) -> Turn | None:
        """The turn with this number, None when it is over."""
        return self._turns.get(number)

    def waits_behind(self, turn: Turn) -> bool:
        """Whether another question came later and waits for this one: the agent answers one after the other."""
        return any(other.since >= turn.face_since and not other.parked for other in self._turns.values() if other is not turn)

    @property
    def attended(self) -> list[TurnId]:
        """Numbers of the turns that do not wait, parked, for the user."""
        return [number for number, turn in self._turns.items() if not turn.parked]

    def stop(self, number: TurnId | None = None, *, attended_only: bool = False, at_once: bool = False) -> bool:
        """Stop one turn, or all; False when there is no such turn.

        Args:
            attended_only: leave those that are parked.
            at_once: do not wait for code to end that is interrupted with it.
        """
        wanted = [number] if number is not None else self.attended if attended_only else list(self._turns)
        found = [each for each in wanted if each in self._turns]
        agent = self._agent.ref_now()
        for each in found:
            # Ended here and now: a hung agent must not keep a cell busy that the user has stopped. But see `Closing.stop_soon`.
            runs = self.work is not None and self.work.runs_code_of(self._turns[each])
            if self.work is not None:
                self.work.stop(self._turns[each])
            asked = self._turns[each].asked
            self._end(each, "stopped", "", closes_later=runs and not at_once)
            if agent is not None and asked:
                agent.tell(Stop(turn=each))
        if at_once:
            self._closing.close_all()
        if found and self.agent_watch.words and not self.attended:
            self.end_agent()  # it would keep the next question waiting too
        return bool(found)

    def end_agent(self) -> bool:
        """End the agent, with every question that it has; False if none runs."""
        if self._agent.ref_now() is None:
            return False
        self._state.log.warning("agent.dismissed", words=self.agent_watch.words)
        self._agent.dismiss()
        self.agent_lost()
        return True

    def renew_agent(self) -> bool:
        """The user wants a fresh one, with all contexts; False if none runs."""
        self._agent.forgive_contexts()
        self.course.unlearn()
        return self.end_agent()

    def agent_lost(self) -> None:
        """The agent's process is gone: every turn ends with what it has, once the code is over that it started."""
        self._agent.lost()
        for turn in list(self._turns.values()):
            if turn.asked:
                self._orphan(turn, AGENT_GONE)

    def served(self, turn: Turn) -> None:
        """Something that a turn had asked for is done; without an agent nobody goes on from there."""
        self._overdue.heard()
        if self._closing.code_over(turn):
            return
        if not turn.orphaned:
            self._show_trouble()
            self.agent_watch.begin()
            return
        if turn.number in self._turns:
            self._end(turn.number, "error", turn.orphaned)
        elif not turn.closed:
            turn.display.add_text(f"*{nobody_words(turn.ran)}*")
            turn.closed = True
            turn.face.close("ok", "")

    def taint(self, number: TurnId) -> None:
        """The model is shown text of that turn that nobody vouches for."""
        if (turn := self._turns.get(number)) is not None:
            turn.tainted = True

    def _orphan(self, turn: Turn, reason: str) -> None:
        """No agent goes on with it: end it, but for what it has under way."""
        turn.orphaned = reason
        self.line.moved()
        if self.work is not None and self.work.runs_code_of(turn):
            return  # its cell keeps running, and its outputs arrive; see `served`
        waiting = "" if self.work is None else self.work.set_aside(turn)
        self._end(turn.number, "error", reason, waiting=waiting)

    def event(self, event: TurnEvent) -> None:
        """News of a turn; of one that is over it is dropped."""
        self._overdue.heard()
        if isinstance(event, Used):
            self.course.used(event)
        if isinstance(event, Learned):
            self.course.learn(event.quirks)
        turn = self._turns.get(event.turn)
        if turn is None:
            return
        if isinstance(event, Began):
            self.course.answered_by = event.model
        turn.hear(event, self._state.log)
        if not isinstance(event, Ended):
            return
        if event.status == "error" and turn.busy_with_user:
            self._orphan(turn, event.reason)
        else:
            self._end(event.turn, event.status, event.reason)

    def propose(self, message: ProposeCell, asked: Asked | None) -> None:
        """The agent proposes a cell."""
        if asked is None:
            return
        turn = self._turns.get(message.turn)
        answer = TurnFailure(reason="this turn is over") if turn is None else turn.propose(message, self._state)
        (asked.fail if isinstance(answer, TurnFailure) else asked.answer)(answer)

    async def _send(self, number: TurnId, wanted: Ask, mentions: "MentionsRead | None") -> None:
        try:
            reading, _ = await asyncio.gather(finish_reading(wanted.prompt, mentions), self._agent.wake(self.course.context))
            if (turn := await self.line.comes(number)) is None:
                return  # stopped meanwhile
            await self._closing.settled()  # what was stopped a moment ago belongs to the conversation
            agent = await self._agent.ref(turn.context)  # another one, if it died over a long reading
        except AgentMissing as error:
            self._end(number, "error", str(error))
            return
        if turn.over:
            return
        self._state.log.info("turn.asked", turn=number)
        turn.asked = True
        self.agent_watch.begin()
        self._show_trouble()
        question = compose(turn, wanted, reading, state=self._state, course=self.course, hiding=self._looking.hiding)
        try:
            await agent.ask(question, timeout_s=self._overdue.limit_s)
        except RuntimeFault as error:
            await self._agent.settled()  # the end of its link has words for every turn, this one too
            self._give_up(number, f"the question did not reach the agent: {error}; ask again")
            return
        if (turn := self._turns.get(number)) is not None:
            turn.watch = self._context.spawn(self._watch_silence(number), name=f"watch-{number}")

    async def _watch_silence(self, number: TurnId) -> None:
        """End a turn whose last word was lost: its cell must not stay busy for ever."""
        await self._overdue.over(partial(self.find, number))
        self._give_up(number, "the agent never ended its answer; ask again")

    def _show_trouble(self) -> None:
        """Say of each turn that waits for the agent how that is."""
        words = self.agent_watch.words
        for turn in self._turns.values():
            waits = words and not turn.parked and not turn.busy_with_user
            turn.trouble(f"the agent is {words}; Stop ends the answer, and a new agent takes the next question" if waits else "")

    def _give_up(self, number: TurnId, reason: str) -> None:
        """End a turn of which the agent may still hold the question: it must call no model for an answer that nobody sees."""
        if number not in self._turns:
            return
        if (agent := self._agent.ref_now()) is not None:
            agent.tell(Stop(turn=number))
        self._end(number, "error", reason)

    def _give_up_code(self, turn: Turn) -> None:
        if self.work is not None:
            self.work.give_up(turn)

    def _end(self, number: TurnId, status: Outcome, reason: str, *, waiting: str = "", closes_later: bool = False) -> None:
        """It is over.

        Args:
            reason: for an error.
            waiting: how to come back to what it waits for all the same.
            closes_later: code of it is about to end.
        """
        turn = self._turns.pop(number, None)
        if turn is None:
            return
        self.line.moved()
        if status == "error":
            reason = "; ".join(filter(None, [cut_words(reason, turn.ran), waiting]))
        turn.over = True
        if turn.watch is not None and turn.watch is not asyncio.current_task():
            turn.watch.cancel()
        if closes_later:
            self._closing.stop_soon(turn)
        else:
            self._closing.close(turn, status, reason)
