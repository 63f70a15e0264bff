"""Questions of the model's to the user, on stdin at the cell that asked: put there where she can answer, and part of the answer then.

Unlike an approval none of them is parked: what waited for hours would be answered by somebody who has forgotten what it was about. Where
the user cannot be asked, or goes on with other cells, the model is told so, and states its question in its answer.
"""

import asyncio
from collections.abc import Callable

from actors.kernel.channels.prompts import Prompts
from actors.kernel.consent.clearance import NotAllowed
from actors.kernel.consent.giving_way import unless_others_go_on
from actors.kernel.questions.turn import Turn
from actors.kernel.state.state import KernelState
from beaker.consent.answers import chosen, question_text
from beaker.kernel.cutting import cut_bytes
from beaker.messages.base import TurnId
from beaker.messages.running import AskUser, UserAnswered
from beaker.messages.turn import Waiting

ASKS_CHARS = 200
"""Of a question of the model's, where it is named on one line."""

ANSWER_BYTES = 20_000
"""Of what the user answers, for the model."""

CANNOT_ASK = "The user cannot be asked now. State your question in your answer and end there."
WAITS = "waits for your answer at the prompt; Stop ends the question"


class AskingBack:
    """Asks.

    Args:
        waits_behind: whether another question waits for a turn.
    """

    def __init__(self, state: KernelState, prompts: Prompts, *, waits_behind: Callable[[Turn], bool]) -> None:
        self._state = state
        self._prompts = prompts
        self._waits_behind = waits_behind
        self._open: dict[TurnId, asyncio.Task[object]] = {}

    def withdraw(self, turn: Turn) -> None:
        """Nobody goes on from her answer any more."""
        if (asking := self._open.get(turn.number)) is not None:
            asking.cancel()

    async def ask(self, turn: Turn, request: AskUser) -> UserAnswered:
        """Put a question to the user; there is no time limit but Stop, and the cells behind it.

        Raises:
            NotAllowed: she cannot be asked, or gives no answer.
        """
        face, requests = turn.face, self._state.requests
        if turn.parked or not face.client.allows_stdin or face.consent == "parked" or requests.cells_since(turn.face_since):
            raise NotAllowed(CANNOT_ASK)
        face.flush()
        asked = turn.display.ask_back(request.question, request.choices)
        self._open[turn.number] = _this_task()
        turn.asks = " ".join(request.question.split())[:ASKS_CHARS]
        turn.hear(Waiting(turn=turn.number, words=WAITS), self._state.log)
        face.flush()
        try:
            text = await unless_others_go_on(
                self._prompts.ask(face.client, question_text(request.question, request.choices)),
                requests,
                since=turn.face_since,
                waits_behind=lambda: self._waits_behind(turn),
                patience_s=self._state.settings.agent.consent_patience_s,
            )
        finally:
            del self._open[turn.number]
            turn.asks = ""
        asked.answer = None if text is None else cut_bytes(chosen(text, request.choices), ANSWER_BYTES)
        turn.hear(Waiting(turn=turn.number, words=""), self._state.log)
        if asked.answer is None:
            self._state.log.info("question_back.gave_way", turn=turn.number)
            raise NotAllowed(CANNOT_ASK)
        return UserAnswered(text=asked.answer)


def _this_task() -> "asyncio.Task[object]":
    task = asyncio.current_task()
    assert task is not None, "a question is asked in a task of its own"
    return task
