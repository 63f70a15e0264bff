"""The tools that an answer was found with, as the questions behind it still see them.

The KernelActor hears of every call and result as they happen and keeps them with the talk, so that neither the agent's death nor its
own costs the next question what was seen. Of the latest questions results are kept nearly whole, of older ones a line.
"""

from collections.abc import Sequence

import msgspec

from beaker.messages.turn import EarlierCall, ToolAnswered, ToolCalled

CALLS = 100
"""Of one answer: 25 steps of four."""

KEPT_CHARS = 40_000
"""Of all calls of one answer with their results; the latest of them, which the others led to, count first."""

LINE_CHARS = 160
"""Of a result that is told as a line."""

TEXT_CHARS = 1_000
"""Of each text in the arguments: code that was proposed stands in the answer too, code that ran in the session's cells."""

OF_THE_SESSION = frozenset({"list_variables", "show_variable", "run_code"})
"""Tools whose results tell what a session holds."""

FORMER = "[This was in a former session: its variables are gone.]"

NO_RESULT = "[no result: the answer ended before it came]"


class CallRecord:
    """Gathers those of one turn."""

    def __init__(self) -> None:
        self._calls: dict[str, EarlierCall] = {}
        self._step = 0
        self._answered = True
        """Whether the latest news was a result: then the next call begins another step."""

    def called(self, event: ToolCalled) -> None:
        """The model called a tool."""
        self._step += self._answered
        self._answered = False
        if len(self._calls) < CALLS:
            arguments = _short(event.arguments, TEXT_CHARS)
            self._calls[event.call_id] = EarlierCall(step=self._step, tool=event.tool, arguments=arguments, result="")

    def answered(self, event: ToolAnswered) -> None:
        """A call has its result."""
        self._answered = True
        if (call := self._calls.get(event.call_id)) is not None:
            result = event.result or event.summary
            if event.handle and event.handle not in result:
                result = f"{result}\n[cut; read_output {event.handle!r} has the whole]"
            self._calls[event.call_id] = msgspec.structs.replace(call, result=result)

    def calls(self, ran: Sequence[str] = ()) -> tuple[EarlierCall, ...]:
        """All of them, each with exactly one result.

        Args:
            ran: what became of code that ran, in words, for a call whose result nobody was left to hear.
        """
        unheard = f"{NO_RESULT[:-1]}; {ran[-1]}]" if ran else NO_RESULT
        whole = [
            call if call.result else msgspec.structs.replace(call, result=unheard if call.tool == "run_code" else NO_RESULT)
            for call in self._calls.values()
        ]
        return tuple(within(whole, KEPT_CHARS))


def within(calls: Sequence[EarlierCall], limit_chars: int) -> list[EarlierCall]:
    """As many calls as fit, the latest first: whole, else with a line of their result; the earliest are left out where that is too much."""
    fitting: list[EarlierCall] = []
    for call in reversed(calls):
        fits = call if size_chars([call]) <= limit_chars else as_line(call)
        limit_chars -= size_chars([fits])
        if limit_chars < 0:
            break
        fitting.append(fits)
    return fitting[::-1]


def as_line(call: EarlierCall) -> EarlierCall:
    """A call with a line of its result.

    >>> as_line(EarlierCall(step=1, tool="show_variable", arguments='{"name": "df"}', result="DataFrame\\nlong")).result
    'DataFrame … [left out; call it again]'
    """
    line = call.result.strip().split("\n", 1)[0]
    short = line[:LINE_CHARS]
    result = call.result if short == call.result else f"{short} … [left out; call it again]"
    return msgspec.structs.replace(call, arguments=_short(call.arguments, LINE_CHARS), result=result)


def as_former(call: EarlierCall) -> EarlierCall:
    """A call that was made in a session that is over: what it told of that holds no more."""
    return msgspec.structs.replace(call, result=f"{FORMER}\n{call.result}") if call.tool in OF_THE_SESSION else call


def size_chars(calls: Sequence[EarlierCall]) -> int:
    """What they take."""
    return sum(len(call.tool) + len(call.arguments) + len(call.result) for call in calls)


def _short(arguments: str, limit_chars: int) -> str:
    """Arguments that stay the JSON of an object, which endpoints insist on, with each long text in them cut."""
    try:
        values = msgspec.json.decode(arguments or "{}", type=dict[str, object])
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return "{}"
    short = {name: _cut(value, limit_chars) for name, value in list(values.items())[:20]}
    return msgspec.json.encode(short).decode()


def _cut(value: object, limit_chars: int) -> object:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    if len(text) <= limit_chars:
        return value
    return f"{text[:limit_chars]} … [{len(text) - limit_chars} characters left out]"
