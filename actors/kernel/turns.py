"""The questions of one kernel: from the cell that asks to the last word of its answer.

The cell is *attached*: it stays busy until its turn ends, while the cells behind it run in the subkernel. The answer is one
markdown display that is updated as text streams in; clients that do not announce cells (nbclient, consoles) get it once,
whole, because they drop or cannot show updates.
"""

import asyncio
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from actors.kernel.agent_door import AgentDoor, AgentMissing
from actors.kernel.looking import list_variables
from actors.kernel.own_cell import OwnCell
from actors.kernel.state import KernelState
from actors.runtime.actor import ActorContext, Asked
from actors.runtime.failures import RuntimeFault
from beaker.kernel.conversation import Conversation, Talk
from beaker.kernel.question import Ask
from beaker.kernel.turn_display import Proposal, TurnDisplay
from beaker.messages.base import TurnId
from beaker.messages.kernel import KernelMessage
from beaker.messages.turn import (
    Began,
    Delta,
    Ended,
    ListVariables,
    ProposeCell,
    Proposed,
    Question,
    Stop,
    Thought,
    ToolAnswered,
    ToolCalled,
    TurnEvent,
    TurnFailure,
    Used,
    Waiting,
)
from beaker.wire import compose

TAKEN_TIMEOUT_S = 10.0
OVERDUE_S = 30.0
"""Of silence beyond the agent's own time limit for an answer."""
SEEN_CELLS = 12
SEEN_OUTPUT_CHARS = 4000
"""Per cell: DESIGN's 2-8 kB for one output."""


@dataclass(slots=True)
class _Turn:
    cell: OwnCell
    prompt: str
    display: TurnDisplay
    display_id: str
    streams: bool
    since: float
    shown: bool = False
    spoke: bool = False
    drawing: asyncio.TimerHandle | None = None
    watch: asyncio.Task[object] | None = None


class Turns:
    """Holds all running turns and the conversation so far."""

    def __init__(self, state: KernelState, context: ActorContext[KernelMessage], agent: AgentDoor) -> None:
        self._state = state
        self._context = context
        self._agent = agent
        self._turns: dict[TurnId, _Turn] = {}
        self._last = 0
        self.conversation = Conversation()
        """The questions that are over."""
        self._heard_at = 0.0
        """Monotonic time at which the agent last said anything."""
        self.model = ""
        """What answered last, as it is shown."""

    @property
    def running(self) -> list[TurnId]:
        """Numbers of the turns that are not over, oldest first."""
        return list(self._turns)

    def running_since(self) -> list[tuple[int, float, str]]:
        """Of each running turn: its number, the monotonic time it was asked, what it waits for."""
        return [(number, turn.since, turn.display.words) for number, turn in self._turns.items()]

    def proposals(self) -> dict[int, Sequence[Proposal]]:
        """The proposed cells of each question that has any, by its number: those that are over, then those that run."""
        offers = self.conversation.proposals()
        offers.update((number, turn.display.proposals) for number, turn in self._turns.items() if turn.display.proposals)
        return offers

    @property
    def agent_state(self) -> Literal["not started", "starting", "running"]:
        """Of the agent's process."""
        if self._agent.ref_now() is not None:
            return "running"
        return "starting" if self._turns else "not started"

    def ask(self, cell: OwnCell, wanted: Ask) -> None:
        """A `%%ai` cell: it is answered when the turn ends, or at once if it is to go on in the background."""
        self._last += 1
        number = TurnId(self._last)
        display = TurnDisplay(number)
        display_id = f"beaker-{self._state.kernel_id}-turn-{number}-{secrets.token_hex(4)}"
        turn = _Turn(cell, wanted.prompt, display, display_id, cell.announces_cells or wanted.background, time.monotonic())
        self._turns[number] = turn
        if turn.streams:
            self._draw(turn)
        self._state.log.info(
            "question.received", turn=number, count=cell.count, prompt_chars=len(wanted.prompt), background=wanted.background
        )
        if wanted.background:
            cell.finish()
        self._heard_at = time.monotonic()
        self._context.spawn(self._send(number, wanted), name=f"question-{number}")

    def stop(self, number: TurnId | None = None) -> bool:
        """Stop one turn, or all; False when there is no such turn."""
        wanted = [number] if number is not None else list(self._turns)
        found = [each for each in wanted if each in self._turns]
        agent = self._agent.ref_now()
        for each in found:
            # Ended here and now: a hung agent must not keep a cell busy that the user has stopped.
            self._end(each, "stopped", "")
            if agent is not None:
                agent.tell(Stop(turn=each))
        return bool(found)

    def agent_lost(self) -> None:
        """The agent's process is gone: every turn ends with what it has."""
        self._agent.lost()
        for number in list(self._turns):
            self._end(number, "error", "the agent was restarted and this answer was cut; run the cell again to retry")

    def event(self, event: TurnEvent) -> None:
        """News of a turn; of one that is over it is dropped."""
        self._heard_at = time.monotonic()
        turn = self._turns.get(event.turn)
        if turn is None:
            return
        match event:
            case Began():
                self.model = turn.display.model = event.model
            case Delta():
                if not turn.spoke:
                    turn.spoke = True
                    self._state.log.info("answer.first_text", turn=event.turn, after_s=round(time.monotonic() - turn.since, 3))
                turn.display.words = ""
                turn.display.add_text(event.text)
            case Waiting():
                turn.display.words = event.words
            case Thought() | ToolCalled() | ToolAnswered() | Used():
                return  # a display shows none of these
            case Ended():
                self._end(event.turn, event.status, event.reason)
                return
        self._draw_soon(turn)

    def propose(self, message: ProposeCell, asked: Asked | None) -> None:
        """The agent proposes a cell."""
        turn = self._turns.get(message.turn)
        if asked is None:
            return
        if turn is None:
            asked.fail(TurnFailure(reason="this turn is over"))
            return
        proposal = turn.display.propose(message.code, message.language or self._state.language)
        self._draw_soon(turn)
        asked.answer(Proposed(number=proposal.number))

    def look(self, message: ListVariables, asked: Asked | None) -> None:
        """The agent wants to see the variables."""
        if asked is not None:
            self._context.spawn(list_variables(self._state, asked), name=f"look-{message.turn}")

    async def _send(self, number: TurnId, wanted: Ask) -> None:
        state = self._state
        try:
            agent = await self._agent.ref()
        except AgentMissing as error:
            self._end(number, "error", str(error))
            return
        if number not in self._turns:
            return  # stopped meanwhile
        state.log.info("turn.asked", turn=number)
        question = Question(
            turn=number,
            prompt=wanted.prompt,
            language=state.language,
            history=self.conversation.exchanges(),
            cells=state.transcript.recent(SEEN_CELLS, output_chars=SEEN_OUTPUT_CHARS),
            model=wanted.model,
        )
        try:
            await agent.ask(question, timeout_s=TAKEN_TIMEOUT_S)
        except RuntimeFault as error:
            self._end(number, "error", f"the question did not reach the agent: {error}; ask again")
            return
        if (turn := self._turns.get(number)) is not None:
            turn.watch = self._context.spawn(self._watch_silence(number), name=f"watch-{number}")

    async def _watch_silence(self, number: TurnId) -> None:
        """End a turn whose last word was lost: its cell must not stay busy for ever."""
        limit_s = self._state.settings.agent.turn_time_limit_s + OVERDUE_S
        while (left_s := self._heard_at + limit_s - time.monotonic()) > 0:  # noqa: ASYNC110 -- waits for nothing to happen
            await asyncio.sleep(left_s)
        self._end(number, "error", "the agent never ended its answer; ask again")

    def _end(self, number: TurnId, status: Literal["ok", "error", "stopped"], reason: str) -> None:
        turn = self._turns.pop(number, None)
        if turn is None:
            return
        if turn.drawing is not None:
            turn.drawing.cancel()
        if turn.watch is not None and turn.watch is not asyncio.current_task():
            turn.watch.cancel()
        display = turn.display
        self.conversation.add(
            Talk(
                number=number,
                question=turn.prompt,
                answer=display.answer,
                model=display.model,
                status=status,
                reason=reason,
                proposals=tuple(display.proposals),
            )
        )
        stopped = "*stopped*" if status == "stopped" else ""
        hint = display.insert_hint(first_comes=status != "error" and not turn.cell.over)
        text = display.markdown(ending="\n\n".join(part for part in (stopped, hint) if part))
        if text:
            self._show(turn, text)
        elif turn.shown:
            self._show(turn, "*no answer*")
        self._state.log.info(
            "turn.ended",
            trace=turn.cell.trace,
            turn=number,
            status=status,
            proposals=len(display.proposals),
            answer_chars=len(display.answer),
            duration_s=round(time.monotonic() - turn.since, 3),
        )
        if status == "error":
            turn.cell.fail("AgentError", reason)
        else:
            turn.cell.finish(payload=[compose.set_next_input(proposal.code) for proposal in display.proposals[:1]])

    def _draw_soon(self, turn: _Turn) -> None:
        if turn.streams and turn.drawing is None:
            loop = asyncio.get_running_loop()
            turn.drawing = loop.call_later(self._state.settings.kernel.display_interval_s, self._draw, turn)

    def _draw(self, turn: _Turn) -> None:
        turn.drawing = None
        self._show(turn, turn.display.markdown())

    def _show(self, turn: _Turn, text: str) -> None:
        kind = "update_display_data" if turn.shown else "display_data"
        turn.shown = True
        turn.cell.say(kind, compose.markdown(text, display_id=turn.display_id))
