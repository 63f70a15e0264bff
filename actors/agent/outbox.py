"""What one turn says to the KernelActor: text in few messages, words, and exactly one end.

A model sends a hundred pieces a second; each as a message of its own would cost more than it shows. The first piece goes
at once, the next ones together, every `interval_s`.
"""

from pathlib import Path
from typing import Literal

from actors.agent.whole_answer import WholeAnswer
from actors.runtime.clock import Clock, Timer
from actors.runtime.ref import Ref
from beaker.agent.answer import Answer
from beaker.agent.cutting import cut
from beaker.agent.usage import Usage
from beaker.messages.base import TurnId
from beaker.messages.kernel import KernelMessage
from beaker.messages.turn import Began, Delta, Ended, Learned, ModelQuirks, Thought, ToolAnswered, ToolCalled, Used, Waiting

ANSWER_LIMIT_CHARS = 200_000
"""The longest answer: 800 kB at four bytes each, so that `Ended` stays below the 1 MB of a message."""

DELTA_LIMIT_CHARS = 50_000
"""The longest text of one Delta, for the same reason with room for many of them in one frame."""

THOUGHT_LIMIT_CHARS = 25_000
"""Of one thought: what a call's assembly keeps, with its note."""

ARGUMENTS_LIMIT_CHARS = 120_000
"""Of a call as it is shown: the longest cell a tool takes, with its escapes."""

SUMMARY_LIMIT_CHARS = 2_000
"""Of a tool's result as it is shown; the model itself may have been told more."""


RESULT_LIMIT_CHARS = 8_000
"""Of a tool's result as the next questions see it."""


class Outbox:
    """The voice of one turn.

    Args:
        kernel: who hears it.
        turn: its number.
        clock: for the interval.
        interval_s: the least time between two messages with text.
        answers: the folder for answers that are too long to be shown; empty: what is too long is not kept.
    """

    def __init__(self, kernel: Ref[KernelMessage], turn: TurnId, *, clock: Clock, interval_s: float, answers: str = "") -> None:
        self._kernel = kernel
        self._turn = turn
        self._clock = clock
        self._interval_s = interval_s
        self._answer = Answer(limit_chars=ANSWER_LIMIT_CHARS)
        self._answers = answers
        self._whole: WholeAnswer | None = None
        self._full = False
        """Whether the notice of its end has been given."""
        self._unsent: list[str] = []
        self._next_at = clock.monotonic()
        self._timer: Timer | None = None
        self._words = ""
        self.over = False
        """True once `end` was said."""
        self.status = ""
        """How it ended; empty until then."""

    def began(self, model: str) -> None:
        """The question was taken up."""
        if not self.over:
            self._kernel.tell(Began(turn=self._turn, model=model))

    def new_part(self) -> None:
        """The next text begins a paragraph of its own."""
        self._answer.new_part()

    def first_byte(self) -> None:
        """A model call is being answered: nothing to tell yet."""

    def say(self, text: str) -> None:
        """More text of the answer."""
        if self.over:
            return
        shown, beyond = self._answer.add(text)
        if shown:
            self._send_soon(shown)
        if beyond:
            self._keep(beyond)

    def words(self, words: str) -> None:
        """Show what the turn waits for; the empty string takes it away."""
        if words == self._words or self.over:
            return
        self.flush()
        self._words = words
        self._kernel.tell(Waiting(turn=self._turn, words=words))

    def thought(self, text: str) -> None:
        """What the model said to itself."""
        if text.strip() and not self.over:
            self._kernel.tell(Thought(turn=self._turn, text=cut(text, THOUGHT_LIMIT_CHARS)))

    def tool_called(self, call_id: str, tool: str, arguments: str) -> None:
        """The model called a tool."""
        if not self.over:
            self.flush()
            shown = cut(arguments, ARGUMENTS_LIMIT_CHARS)
            self._kernel.tell(ToolCalled(turn=self._turn, call_id=call_id, tool=tool[:80], arguments=shown))

    def tool_answered(
        self, call_id: str, status: Literal["ok", "error"], text: str, *, line: str, handle: str = "", untrusted: bool = False
    ) -> None:
        """A call has its result, which is what the model is told.

        Args:
            line: what was done, for the user.
            handle: names the whole of what was cut in it.
            untrusted: nobody vouches for it.
        """
        if not self.over:
            self._words = ""  # the line takes them away at the other side too
            self._kernel.tell(
                ToolAnswered(
                    turn=self._turn,
                    call_id=call_id,
                    status=status,
                    summary=cut(text, SUMMARY_LIMIT_CHARS),
                    handle=handle,
                    untrusted=untrusted,
                    result=cut(text, RESULT_LIMIT_CHARS) if len(text) > SUMMARY_LIMIT_CHARS else "",
                    line=line,
                )
            )

    def used(self, model: str, usage: Usage) -> None:
        """The endpoint counted what a call took."""
        if not self.over:
            self._kernel.tell(
                Used(
                    turn=self._turn,
                    model=model,
                    tokens_in=usage.tokens_in,
                    tokens_cached=usage.tokens_cached,
                    tokens_out=usage.tokens_out,
                    cost_usd=usage.cost_usd,
                )
            )

    def learned(self, quirks: ModelQuirks) -> None:
        """A model does not take something."""
        self._kernel.tell(Learned(turn=self._turn, quirks=quirks))

    def flush(self) -> None:
        """Send the text that waits; before anything that must come behind it."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._unsent:
            return
        text = "".join(self._unsent)
        self._unsent.clear()
        self._words = ""  # text takes them away at the other side too
        self._next_at = self._clock.monotonic() + self._interval_s
        for start in range(0, len(text), DELTA_LIMIT_CHARS):
            self._kernel.tell(Delta(turn=self._turn, text=text[start : start + DELTA_LIMIT_CHARS]))

    def end(self, status: Literal["ok", "error", "stopped"], *, reason: str = "", mark: str = "") -> None:
        """Say how the turn ended; only the first end counts.

        Args:
            status: how.
            reason: for an error.
            mark: goes below the text, if there is any.
        """
        if self.over:
            return
        if mark and self._answer.text:
            self.new_part()
            self.say(mark)
        self.flush()
        self._close_file()
        self.over = True
        self.status = status
        self._kernel.tell(Ended(turn=self._turn, status=status, text=self._answer.text, reason=reason))

    def _keep(self, beyond: str) -> None:
        """Text that is not shown goes into a file, behind all that was; the notice comes once, and names it."""
        try:
            if not self._full:
                self._full = True
                self._begin_file()
            if self._whole is not None:
                self._whole.add(beyond)
        except OSError as error:
            self._send_soon(self._answer.note(f"… the rest of the answer could not be kept: {error.strerror}."))
            self._close_file()

    def _begin_file(self) -> None:
        limit = f"… the answer is longer than {ANSWER_LIMIT_CHARS} characters and is cut here"
        if not self._answers:
            self._send_soon(self._answer.note(f"{limit}."))
            return
        self._whole = WholeAnswer(Path(self._answers), turn=self._turn, at=self._clock.wall())
        self._whole.add(self._answer.text)
        self._send_soon(self._answer.note(f"{limit}; it stands whole in `{self._whole.path}`."))

    def _close_file(self) -> None:
        if self._whole is not None:
            self._whole.close()
            self._whole = None

    def _send_soon(self, added: str) -> None:
        self._unsent.append(added)
        wait_s = self._next_at - self._clock.monotonic()
        if wait_s <= 0:
            self.flush()
        elif self._timer is None:
            self._timer = self._clock.call_later(wait_s, self.flush)
