"""The messages of a chat-completions conversation, as they stand in a request.

These are the wire's own names and shapes (`role`, `content`, `tool_calls`), because that is what every endpoint agrees
on: the turn machine writes them, the model stream sends them, the demo model reads them back. Nothing here is sent
between actors.

Source: OpenAI API reference, "Create chat completion", the fields that the compatible endpoints share.
"""

from typing import Literal

import msgspec


class FunctionCall(msgspec.Struct, frozen=True, kw_only=True):
    """What a model wants called."""

    name: str
    arguments: str
    """JSON as the model wrote it: not always valid."""


class ToolCall(msgspec.Struct, frozen=True, kw_only=True):
    """One call of a tool in an assistant's message."""

    id: str
    type: Literal["function"]
    function: FunctionCall


class System(msgspec.Struct, frozen=True, kw_only=True, tag_field="role", tag="system"):
    """Instructions that stand above the conversation."""

    content: str


class User(msgspec.Struct, frozen=True, kw_only=True, tag_field="role", tag="user"):
    """What the user said, or what we show the model in her place."""

    content: str


class Assistant(msgspec.Struct, frozen=True, kw_only=True, tag_field="role", tag="assistant"):
    """What the model said, and the tools it called with it."""

    content: str
    """Empty, not null, beside tool calls: some servers refuse null."""
    tool_calls: list[ToolCall] | msgspec.UnsetType = msgspec.UNSET
    """Unset, not an empty list, without calls: some servers refuse the empty list."""


class ToolResult(msgspec.Struct, frozen=True, kw_only=True, tag_field="role", tag="tool"):
    """What a tool answered."""

    tool_call_id: str
    content: str


ChatMessage = System | User | Assistant | ToolResult
