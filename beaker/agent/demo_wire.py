"""The wire of the demo model: chat-completions requests in, server-sent events out, byte for byte as an endpoint's.

Source: OpenAI API reference, "Create chat completion" with `stream: true`, and "The chat completion chunk object".
"""

import re
from collections.abc import Iterator

import msgspec

from beaker.agent.demo import DemoAnswer, answer
from beaker.agent.demo_scene import DemoRequest, read_scene

MODEL_ID = "demo"
DONE = b"data: [DONE]\n\n"
FRAGMENT_CHARS = 24
"""How much of a call's arguments one chunk holds; real endpoints send a token or a few."""


def decode_request(body: bytes) -> DemoRequest:
    """Read a request.

    Raises:
        msgspec.DecodeError: when it is no chat-completions request.
    """
    return msgspec.json.decode(body, type=DemoRequest)


def reply_events(request: DemoRequest, *, hint: str = "") -> Iterator[bytes]:
    """Give the events of the reply, one by one."""
    scene = read_scene(request)
    yield from chunk_events(answer(scene, hint=hint), serial=len(request.messages))


def chunk_events(spoken: DemoAnswer, *, serial: int) -> Iterator[bytes]:
    """Cut an answer into the events of a stream.

    Args:
        spoken: the answer.
        serial: makes the ids of the message and its calls differ within a conversation.
    """

    def event(delta: dict[str, object], finish_reason: str | None = None) -> bytes:
        chunk = {
            "id": f"demo-{serial}",
            "object": "chat.completion.chunk",
            "created": 0,
            "model": MODEL_ID,
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}],
        }
        return b"data: " + msgspec.json.encode(chunk) + b"\n\n"

    yield event({"role": "assistant", "content": ""})
    for piece in re.findall(r"\s*\S+\s*", spoken.text):
        yield event({"content": piece})
    for index, call in enumerate(spoken.calls):
        named = {"name": call.name, "arguments": ""}
        yield event({"tool_calls": [{"index": index, "id": f"demo-call-{serial}-{index}", "type": "function", "function": named}]})
        for start in range(0, len(call.arguments), FRAGMENT_CHARS):
            piece = call.arguments[start : start + FRAGMENT_CHARS]
            yield event({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    yield event({}, "tool_calls" if spoken.calls else "stop")
    yield DONE


def model_list() -> bytes:
    """Give the body of `/v1/models`."""
    return msgspec.json.encode({"object": "list", "data": [{"id": MODEL_ID, "object": "model", "created": 0, "owned_by": "beaker"}]})


def error_body(message: str) -> bytes:
    """Give the body of an error answer."""
    return msgspec.json.encode({"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None}})
