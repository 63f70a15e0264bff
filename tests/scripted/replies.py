"""What a scripted endpoint may answer: the proper streams of chat completions, and every way in which they go wrong."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Call:
    """One tool call of the model."""

    name: str
    arguments: str
    id: str = ""
    """Made from the request's number if empty."""


@dataclass(frozen=True, kw_only=True)
class Speak:
    """A streamed answer: text, then tool calls in fragments, then the finish reason."""

    text: str = ""
    calls: Sequence[Call] = ()
    finish_reason: str | None = ""
    """Empty: what belongs to the rest. None: the stream ends without one."""
    thought: str = ""
    """Comes before the text, as DeepSeek and vLLM send it."""
    usage: bool = True
    done: bool = True
    """Whether `[DONE]` stands at the end."""
    stall_after: int | None = None
    """Stop sending after so many pieces, until the endpoint is released or the client leaves."""
    cut_after: int | None = None
    """Break the connection after so many pieces."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A whole answer with a status: an error, or something that is no stream."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Raw:
    """These bytes as an event stream."""

    pieces: Sequence[bytes]


@dataclass(frozen=True, kw_only=True)
class ByRole:
    """One answer to what the user says, another to the result of a tool: a model that does the same in every conversation."""

    user: Speak
    tool: Speak


Reply = Speak | Answer | Raw | ByRole

STALL = Speak(text="one two three four", stall_after=3)
HANG = Speak(text="never", stall_after=0)
"""Sends headers and nothing else."""
CUT = Speak(text="one two three four", cut_after=3)
NO_FINISH = Speak(text="one two", finish_reason=None, done=False)
MALFORMED = Raw(pieces=[b'data: {"choices": [{"delta": {"content": "one "}}]}\n\n', b'data: {"choices": [{"del\n\n'])
NO_CHUNK = Raw(pieces=[b'data: {"choices": 7}\n\n'])
MID_STREAM_ERROR = Raw(
    pieces=[b'data: {"choices": [{"delta": {"content": "one "}}]}\n\n', b'data: {"error": {"message": "the worker died", "code": 500}}\n\n']
)
BARE_ERROR = Answer(body=b'{"error": {"message": "model is loading"}}')


def failure(status: int, message: str, *, headers: dict[str, str] | None = None, **more: Any) -> Answer:  # Any: JSON
    """An error as OpenAI words it."""
    body = {"error": {"message": message, "type": "error", "param": None, "code": None, **more}}
    return Answer(status=status, body=json.dumps(body).encode(), headers=headers or {})


def list_variables() -> Speak:
    """The model calls list_variables."""
    return Speak(calls=[Call(name="list_variables", arguments="{}")])


def propose(code: str, *, text: str = "") -> Speak:
    """The model proposes a cell."""
    return Speak(text=text, calls=[Call(name="propose_cell", arguments=json.dumps({"code": code}))])


def run(code: str, *, text: str = "") -> Speak:
    """The model runs code."""
    return Speak(text=text, calls=[Call(name="run_code", arguments=json.dumps({"code": code}))])


def ask_user(question: str, *choices: str) -> Speak:
    """The model asks back."""
    return Speak(calls=[Call(name="ask_user", arguments=json.dumps({"question": question, "choices": list(choices)}))])


def bad_call() -> Speak:
    """The model calls a tool with arguments that cannot be read."""
    return Speak(calls=[Call(name="propose_cell", arguments='{"code": ')])


def pieces(reply: Speak, serial: int) -> list[bytes]:
    """The events of a streamed answer, as OpenAI's endpoint sends them."""
    events: list[dict[str, Any]] = [{"delta": {"role": "assistant", "content": ""}}]  # Any: JSON
    events += [{"delta": {"reasoning_content": f"{word} "}} for word in reply.thought.split()]
    words = reply.text.split(" ")
    events += [{"delta": {"content": word if last else f"{word} "}} for word, last in zip(words, _lasts(words), strict=True) if word]
    for index, call in enumerate(reply.calls):
        head = {"index": index, "id": call.id or f"call_{serial}_{index}", "type": "function"}
        events.append({"delta": {"tool_calls": [{**head, "function": {"name": call.name, "arguments": ""}}]}})
        for start in range(0, len(call.arguments), 5):
            fragment = {"index": index, "function": {"arguments": call.arguments[start : start + 5]}}
            events.append({"delta": {"tool_calls": [fragment]}})
    reason = reply.finish_reason if reply.finish_reason != "" else ("tool_calls" if reply.calls else "stop")
    if reason is not None:
        events.append({"delta": {}, "finish_reason": reason})
    head = {"id": f"chatcmpl-{serial}", "object": "chat.completion.chunk", "created": 1, "model": "scripted-1"}
    chunks = [{**head, "choices": [{"index": 0, "finish_reason": None, **event}]} for event in events]
    if reply.usage:
        counted = {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12, "prompt_tokens_details": {"cached_tokens": 4}}
        chunks.append({**head, "choices": [], "usage": counted})
    sent = [b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks]
    return [*sent, b"data: [DONE]\n\n"] if reply.done else sent


def _lasts(words: list[str]) -> list[bool]:
    return [position == len(words) - 1 for position in range(len(words))]
