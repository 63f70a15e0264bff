"""What interfaces that know us are told of a turn on iopub, message by message.

Upstream's names and fields are kept (`llm_thought`, `llm_response`, `code_cell`), ours stand beside them. `TurnNews` says
which messages an event of the agent becomes; whoever holds a publisher sends them, parented to the request.
"""

import msgspec

from beaker.messages.turn import Began, Delta, Ended, Learned, Thought, ToolAnswered, ToolCalled, TurnEvent, Used, Waiting


class LlmWaiting(msgspec.Struct, frozen=True, kw_only=True):
    """`llm_waiting`: what the turn waits for."""

    turn: int
    words: str
    """To be shown until text, a tool's result or other words come; empty takes them away."""


class LlmDelta(msgspec.Struct, frozen=True, kw_only=True):
    """`llm_delta`: more text of the answer."""

    turn: int
    text: str
    """Markdown, to be appended."""


class LlmThought(msgspec.Struct, frozen=True, kw_only=True):
    """`llm_thought`: what the model thought, and the tool it then called."""

    turn: int
    thought: str
    """Empty where the endpoint shows no thoughts."""
    tool_name: str
    """Empty if no tool was called."""
    tool_input: object
    """A JSON object; a text where the model wrote something else."""


class LlmToolCall(msgspec.Struct, frozen=True, kw_only=True):
    """`llm_tool_call`: the model called a tool."""

    turn: int
    call_id: str
    """Names the call within the turn."""
    tool_name: str
    tool_input: object
    """A JSON object; a text where the model wrote something else."""


class LlmToolResult(msgspec.Struct, frozen=True, kw_only=True):
    """`llm_tool_result`: what came of a call."""

    turn: int
    call_id: str
    status: str
    """`ok` or `error`; the turn goes on after either."""
    summary: str
    """The beginning of what the model was told."""
    handle: str | None = None
    """Names the whole of a result that was cut for the model."""


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """A count, as the endpoint made it."""

    tokens_in: int
    """What was put before the model, what was cached included."""
    tokens_cached: int
    """How many of them the endpoint had already; 0 also where it does not say."""
    tokens_out: int
    """What the model said, its thoughts included."""
    cost_usd: float | None = None
    """Only where the endpoint names a price."""


class LlmUsage(msgspec.Struct, frozen=True, kw_only=True):
    """`llm_usage`: what one model call took. Endpoints that do not count cause none."""

    turn: int
    model: str
    call: Tokens
    """Of this call."""
    total: Tokens
    """Of the turn so far."""
    context_used: int
    """Tokens of the context window that the conversation fills after this call."""


class LlmResponse(msgspec.Struct, frozen=True, kw_only=True):
    """`llm_response`: the whole text of the answer, at its end."""

    turn: int
    name: str
    """Always `response_text`."""
    text: str
    """Markdown, without the proposed cells."""
    complete: bool
    """False for what there was when the turn failed or was stopped."""


class CodeCell(msgspec.Struct, frozen=True, kw_only=True):
    """`code_cell`: a proposed cell. It was not run and is not run by itself."""

    turn: int
    number: int
    """Counts the proposals of the turn from 1."""
    language: str
    code: str
    cell_id: str | None = None
    """The cell it belongs behind: its execution number, or an id where `notebook_state` gave ids. None: where the question stands."""
    replaces: str | None = None
    """The cell whose code it is to take the place of, named as `cell_id` is."""


News = LlmWaiting | LlmDelta | LlmThought | LlmToolCall | LlmToolResult | LlmUsage

_NO_TOKENS = Tokens(tokens_in=0, tokens_cached=0, tokens_out=0)


class TurnNews:
    """One turn's events as messages.

    Args:
        turn: its number.
    """

    def __init__(self, turn: int) -> None:
        self._turn = turn
        self._thought = ""
        self._total = _NO_TOKENS

    def tell(self, event: TurnEvent) -> list[tuple[str, News]]:
        """The messages that an event becomes, in order: type and content of each."""
        turn = self._turn
        match event:
            case Thought(text=text):
                # Not told at once: the tool that it led to belongs into the same message, and its call follows closely.
                told = self._thought_alone()
                self._thought = text
                return told
            case ToolCalled(call_id=call_id, tool=tool, arguments=arguments):
                thought, self._thought = self._thought, ""
                given = _document(arguments)
                return [
                    ("llm_thought", LlmThought(turn=turn, thought=thought, tool_name=tool, tool_input=given)),
                    ("llm_tool_call", LlmToolCall(turn=turn, call_id=call_id, tool_name=tool, tool_input=given)),
                ]
            case Used():
                return [("llm_usage", self._usage(event))]
            case Delta(text=text):
                return [*self._thought_alone(), ("llm_delta", LlmDelta(turn=turn, text=text))]
            case ToolAnswered(call_id=call_id, status=status, summary=summary, handle=handle):
                result = LlmToolResult(turn=turn, call_id=call_id, status=status, summary=summary, handle=handle or None)
                return [*self._thought_alone(), ("llm_tool_result", result)]
            case Waiting(words=words):
                return [*self._thought_alone(), ("llm_waiting", LlmWaiting(turn=turn, words=words))]
            case Began() | Ended() | Learned():
                return self._thought_alone()

    def _thought_alone(self) -> list[tuple[str, News]]:
        thought, self._thought = self._thought, ""
        if not thought:
            return []
        return [("llm_thought", LlmThought(turn=self._turn, thought=thought, tool_name="", tool_input={}))]

    def _usage(self, used: Used) -> LlmUsage:
        call = Tokens(tokens_in=used.tokens_in, tokens_cached=used.tokens_cached, tokens_out=used.tokens_out, cost_usd=used.cost_usd)
        before = self._total
        priced = call.cost_usd is not None and (before.cost_usd is not None or before is _NO_TOKENS)
        self._total = Tokens(
            tokens_in=before.tokens_in + call.tokens_in,
            tokens_cached=before.tokens_cached + call.tokens_cached,
            tokens_out=before.tokens_out + call.tokens_out,
            # A sum that leaves a call out would be no true cost.
            cost_usd=(before.cost_usd or 0.0) + (call.cost_usd or 0.0) if priced else None,
        )
        return LlmUsage(turn=self._turn, model=used.model, call=call, total=self._total, context_used=call.tokens_in + call.tokens_out)


def _document(arguments: str) -> object:
    """The arguments of a call as JSON, or the text that the model wrote if they are no object."""
    if not arguments.strip():
        return {}
    try:
        return msgspec.json.decode(arguments, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return arguments
