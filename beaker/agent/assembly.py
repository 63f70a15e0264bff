"""Puts together what arrives in pieces: the text and the tool calls of one model call.

Mutable on purpose: an answer may have a hundred thousand pieces. Each object belongs to one turn and is used by nobody
else. What is kept is bounded, because a model may never come to an end: the user has had the text by then (see
`beaker.agent.answer`), and what a model is told of its own words need not be more than a model can use.
"""

from beaker.agent.conversation import FunctionCall, ToolCall
from beaker.agent.tools.toolbox import ARGUMENTS_LIMIT_CHARS
from beaker.errors import BeakerError

TEXT_LIMIT_CHARS = 40_000
"""Of the text of one call, as the model is told of it with the results of its tools: 10,000 tokens."""

THOUGHT_LIMIT_CHARS = 20_000
"""Of what the model says to itself: some ten pages, more than anybody reads."""

CALLS_LIMIT = 100
"""Tool calls at once: models make up to ten."""

NAME_LIMIT_CHARS = 200
"""Of a tool's name: three times what the endpoints allow."""

ID_LIMIT_CHARS = 200
"""Of a call's id, which is sent back with its result: endpoints make some thirty."""

CALLS_LIMIT_CHARS = 2_000_000
"""Of the arguments of all calls at once, which stand in the conversation until the turn is over: some of the longest cells."""

CALL_LIMIT_CHARS = 50_000_000
"""All that one call may send: ten million tokens, a hundred times the longest answer of today's models."""


class Endless(BeakerError):
    """A model call sends more than can be meant; the words say of what."""


class CallAssembly:
    """One model call as its pieces come in.

    All `add_*` raise `Endless` when it is more than a call may send.
    """

    def __init__(self) -> None:
        self._text = _Beginning(TEXT_LIMIT_CHARS)
        self._thought = _Beginning(THOUGHT_LIMIT_CHARS)
        self._calls: dict[int, _Fragments] = {}
        self._length = 0
        self._arguments = 0
        """Of all calls, as far as they are kept."""

    def add_text(self, text: str) -> None:
        """Append to the text."""
        self._count(text)
        self._text.add(text)

    def add_thought(self, text: str) -> None:
        """Append to what the model says to itself."""
        self._count(text)
        self._thought.add(text)

    def add_fragment(self, index: int, *, call_id: str, name: str, arguments: str) -> None:
        """Append to the call that has this index.

        Some servers send every call whole and all with index 0: another id under a known index opens a new call.
        """
        self._count(arguments)
        call_id = call_id[:ID_LIMIT_CHARS]
        known = self._calls.get(index)
        if known is not None and call_id and known.call_id and call_id != known.call_id:
            index = max(self._calls) + 1
            same = [position for position, call in self._calls.items() if call.call_id == call_id]
            index = same[0] if same else index
            known = self._calls.get(index)
        if known is None:
            if len(self._calls) >= CALLS_LIMIT:
                raise Endless(f"more than {CALLS_LIMIT} tool calls at once")
            known = self._calls[index] = _Fragments()
        known.call_id = known.call_id or call_id
        known.name = (known.name + name)[:NAME_LIMIT_CHARS]
        kept = known.arguments.add(arguments)
        self._arguments += kept
        if self._arguments > CALLS_LIMIT_CHARS:
            raise Endless(f"tool calls of more than {CALLS_LIMIT_CHARS} characters at once")

    @property
    def text(self) -> str:
        """The text so far; of a very long one the beginning, and how much is missing."""
        return self._text.noted

    @property
    def thought(self) -> str:
        """What the model said to itself so far, in the same way."""
        return self._thought.noted

    def calls(self, *, step: int) -> tuple[ToolCall, ...]:
        """Give the calls in the model's order.

        Args:
            step: makes ids for calls that came without one, or with one that another call has; they must differ within a
                conversation, since each result names its call.
        """
        found: dict[str, ToolCall] = {}
        for position, (_, call) in enumerate(sorted(self._calls.items())):
            call_id = call.call_id
            if not call_id or call_id in found:
                call_id = f"call-{step}-{position}"
            while call_id in found:
                call_id += "-again"
            function = FunctionCall(name=call.name, arguments=call.arguments.text)
            found[call_id] = ToolCall(id=call_id, type="function", function=function)
        return tuple(found.values())

    def _count(self, text: str) -> None:
        self._length += len(text)
        if self._length > CALL_LIMIT_CHARS:
            raise Endless(f"more than {CALL_LIMIT_CHARS} characters, without coming to an end")


class _Beginning:
    """The beginning of a text that may be endless."""

    def __init__(self, limit_chars: int) -> None:
        self._kept: list[str] = []
        self._room = limit_chars
        self._missing = 0

    def add(self, text: str) -> int:
        """Append; gives how much of it is kept."""
        kept = min(len(text), self._room)
        if kept:
            self._kept.append(text[:kept])
        self._missing += len(text) - kept
        self._room -= kept
        return kept

    @property
    def text(self) -> str:
        return "".join(self._kept)

    @property
    def noted(self) -> str:
        return f"{self.text} … [{self._missing} more characters left out]" if self._missing else self.text


class _Fragments:
    def __init__(self) -> None:
        self.call_id = ""
        self.name = ""
        self.arguments = _Beginning(ARGUMENTS_LIMIT_CHARS + 1)
        """One more than a toolbox reads, so that it refuses them."""
