"""The log lines of one model call: begun, first byte, first text, each wait, and how it ended with how long it took.

It stands between the call and whoever listens to it, so that a call which stalls can be read in the log while it stalls.
Sizes and times only: what was said is nobody's business who reads logs.
"""

from actors.agent.model import Failed, Heard, Listener
from actors.runtime.clock import Clock
from actors.runtime.log import Log
from beaker.agent.turn_state import CallModel


class CallLog:
    """Listens to one call, logs it, and passes on what it hears.

    Args:
        listener: who hears it.
        step: which call of the turn it is.
        log, clock: the actor's; the log is bound to the turn.
    """

    def __init__(self, listener: Listener, *, step: int, log: Log, clock: Clock) -> None:
        self._listener = listener
        self._log = log.bind(step=step)
        self._clock = clock
        self._began_at = clock.monotonic()
        self._text_chars = 0

    def began(self, call: CallModel, attempt: int) -> None:
        """The request goes out."""
        self._log.info("model.called", attempt=attempt, messages=len(call.messages), tools=call.offer == "tools")

    def first_byte(self) -> None:
        """The endpoint began to answer."""
        self._log.info("model.first_byte", after_s=self._after_s)
        self._listener.first_byte()

    def say(self, text: str) -> None:
        """More text."""
        if not self._text_chars:
            self._log.debug("model.first_text", after_s=self._after_s)
        self._text_chars += len(text)
        self._listener.say(text)

    def words(self, words: str) -> None:
        """Words on what the call waits for."""
        if words:
            self._log.info("model.silent", words=words)
        self._listener.words(words)

    def ended(self, heard: Heard | Failed) -> None:
        """It came to its end."""
        if isinstance(heard, Failed):
            kind, retryable = heard.failure.kind, heard.failure.retryable
            self._log.warning("model.failed", kind=kind, retryable=retryable, text_chars=self._text_chars, duration_s=self._after_s)
            return
        values: dict[str, object] = {"finish_reason": heard.finish_reason, "calls": len(heard.calls), "text_chars": self._text_chars}
        if heard.usage is not None:
            values |= {"tokens_in": heard.usage.tokens_in, "tokens_out": heard.usage.tokens_out}
        self._log.info("model.answered", **values, duration_s=self._after_s)

    @property
    def _after_s(self) -> float:
        return round(self._clock.monotonic() - self._began_at, 3)
