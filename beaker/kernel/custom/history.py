"""`chat_history` and `get_agent_history`: the conversation, in upstream's form and in ours.

Upstream counts tokens by a tokenizer that it downloads; its clients take null for a count that nobody has made, and we make
none (see `beaker.agent.usage`).
"""

from collections.abc import Sequence

import msgspec

from beaker.kernel.conversation import Talk
from beaker.kernel.custom.replies import Ok


class ProposedCell(msgspec.Struct, frozen=True, kw_only=True):
    """A cell that was proposed in a turn."""

    number: int
    language: str
    code: str


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """One question that is over."""

    turn: int
    question: str
    answer: str
    """The text, with the proposed code in it."""
    model: str
    """What answered; empty if nothing did."""
    status: str
    """`ok`, `error` or `stopped`."""
    reason: str
    """For `error`."""
    cells: list[ProposedCell]


class ChatMessage(msgspec.Struct, frozen=True, kw_only=True):
    """What one side said."""

    type: str
    """`human` or `ai`, as upstream's library names the sides."""
    content: str


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One message in upstream's form."""

    message: ChatMessage
    uuid: str
    token_count: None = None
    metadata: dict[str, str] = {}
    react_loop_id: int
    """The turn's number: question and answer share it."""


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """What answered last."""

    provider: str
    """Always `openai`: the protocol that we speak, whoever's endpoint it is."""
    model_name: str
    """Empty before the first answer."""
    context_window: None = None


class ChatHistory(msgspec.Struct, frozen=True, kw_only=True):
    """The content of `chat_history`."""

    records: list[Record]
    model: Model
    system_message: None = None
    tool_token_usage_estimate: None = None
    message_token_count: None = None
    summary_token_count: None = None
    overhead_token_count: None = None
    summarization_threshold: None = None
    token_estimate: None = None


class HistoryReply(Ok, frozen=True, kw_only=True):
    """`get_agent_history_reply`."""

    turns: list[Turn]
    """Oldest first."""
    returned: list[ChatMessage] = msgspec.field(name="return")
    """The same as one list of messages, which is what upstream returns."""


class ResetReply(Ok, frozen=True, kw_only=True):
    """`reset_reply`: the conversation is forgotten. The session and its variables stay."""

    questions: int
    """How many were forgotten."""
    proposals: int
    """How many proposed cells `%beaker insert` knows no more."""
    returned: bool = msgspec.field(name="return", default=True)


def chat_history(talks: Sequence[Talk], model: str) -> ChatHistory:
    """The content of `chat_history`."""
    records = [
        Record(message=message, uuid=f"turn-{talk.number}-{message.type}", react_loop_id=talk.number)
        for talk in talks
        for message in _messages(talk)
    ]
    return ChatHistory(records=records, model=Model(provider="openai", model_name=model))


def history_reply(talks: Sequence[Talk]) -> HistoryReply:
    """The content of `get_agent_history_reply`."""
    turns = [
        Turn(
            turn=talk.number,
            question=talk.question,
            answer=talk.answer,
            model=talk.model,
            status=talk.status,
            reason=talk.reason,
            cells=[ProposedCell(number=each.number, language=each.language, code=each.code) for each in talk.proposals],
        )
        for talk in talks
    ]
    return HistoryReply(turns=turns, returned=[message for talk in talks for message in _messages(talk)])


def _messages(talk: Talk) -> list[ChatMessage]:
    return [ChatMessage(type="human", content=talk.question), ChatMessage(type="ai", content=talk.answer)]
