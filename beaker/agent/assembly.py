"""Puts together what arrives in pieces: the tool calls of one model call, and the text of one answer.

Mutable on purpose: an answer may have a hundred thousand pieces. Each object belongs to one turn and is used by nobody
else.
"""

from beaker.agent.conversation import FunctionCall, ToolCall


class CallAssembly:
    """One model call as its pieces come in."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._thought: list[str] = []
        self._calls: dict[int, _Fragments] = {}

    def add_text(self, text: str) -> None:
        """Append to the text."""
        self._text.append(text)

    def add_thought(self, text: str) -> None:
        """Append to what the model says to itself."""
        self._thought.append(text)

    def add_fragment(self, index: int, *, call_id: str, name: str, arguments: str) -> None:
        """Append to the call that has this index.

        Some servers send every call whole and all with index 0: another id under a known index opens a new call.
        """
        known = self._calls.get(index)
        if known is not None and call_id and known.call_id and call_id != known.call_id:
            index = max(self._calls) + 1
            same = [position for position, call in self._calls.items() if call.call_id == call_id]
            index = same[0] if same else index
            known = self._calls.get(index)
        if known is None:
            known = self._calls[index] = _Fragments()
        known.call_id = known.call_id or call_id
        known.name += name
        known.arguments.append(arguments)

    @property
    def text(self) -> str:
        """The text so far."""
        return "".join(self._text)

    @property
    def thought(self) -> str:
        """What the model said to itself so far."""
        return "".join(self._thought)

    def calls(self, *, step: int) -> tuple[ToolCall, ...]:
        """Give the calls in the model's order.

        Args:
            step: makes ids for calls that came without one; they must differ within a conversation.
        """
        return tuple(
            ToolCall(
                id=call.call_id or f"call-{step}-{index}",
                type="function",
                function=FunctionCall(name=call.name, arguments="".join(call.arguments)),
            )
            for index, call in sorted(self._calls.items())
        )


class Answer:
    """The text of a turn's answer as the user sees it, over all its steps."""

    def __init__(self, *, limit_chars: int) -> None:
        self._parts: list[str] = []
        self._limit_chars = limit_chars
        self._length = 0
        self._full = False
        self._tail = ""
        self._new_paragraph = False

    def new_part(self) -> None:
        """Let the next text begin a paragraph of its own."""
        self._new_paragraph = self._length > 0

    def add(self, text: str) -> str:
        """Append, and give what was appended in truth: with a break before it, or cut at the limit."""
        if self._full or not text:
            return ""
        if self._new_paragraph:
            text = text.lstrip("\n")
            if not text:
                return ""
            missing = max(2 - (len(self._tail) - len(self._tail.rstrip("\n"))), 0)
            text = "\n" * missing + text
            self._new_paragraph = False
        if self._length + len(text) > self._limit_chars:
            note = f"\n\n*… the answer is longer than {self._limit_chars} characters and is cut here.*"
            text = text[: self._limit_chars - self._length] + note
            self._full = True
        self._parts.append(text)
        self._length += len(text)
        self._tail = (self._tail + text)[-2:]
        return text

    @property
    def text(self) -> str:
        """The whole of it."""
        return "".join(self._parts)


class _Fragments:
    def __init__(self) -> None:
        self.call_id = ""
        self.name = ""
        self.arguments: list[str] = []
