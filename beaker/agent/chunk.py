"""What we read of a chat-completion chunk; all else that endpoints put there passes unseen.

Source: OpenAI API reference, "The chat completion chunk object", and what compatible endpoints add.
"""

import msgspec


class Function(msgspec.Struct, frozen=True):
    """The part of a tool call."""

    name: str | None = None
    arguments: str | None = None


class CallPiece(msgspec.Struct, frozen=True):
    """A fragment of one tool call."""

    index: int | None = None
    id: str | None = None
    function: Function | None = None


class Delta(msgspec.Struct, frozen=True):
    """What a chunk adds."""

    content: str | None = None
    refusal: str | None = None
    tool_calls: list[CallPiece] | None = None
    # Not OpenAI's own; DeepSeek, vLLM and llama.cpp say the one, OpenRouter and Ollama the other, others put objects there.
    reasoning_content: object = None
    reasoning: object = None


class Choice(msgspec.Struct, frozen=True):
    """One answer; we ask for one."""

    delta: Delta | None = None
    finish_reason: str | None = None


class Chunk(msgspec.Struct, frozen=True):
    """One event of the stream."""

    choices: list[Choice] | None = None
    usage: object = None
    """Stands in the last chunk, or in every one as it grows."""
