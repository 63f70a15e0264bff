"""One request as it is accounted for, and what of its wire is read for that."""

from dataclasses import dataclass
from typing import Literal

import msgspec

from beaker.wire.parts import read_header

Channel = Literal["shell", "control"]

STANDARD = frozenset(
    f"{name}_request"
    for name in (
        *("execute", "inspect", "complete", "history", "is_complete", "connect", "comm_info", "kernel_info"),
        *("interrupt", "shutdown", "debug", "usage", "create_subshell", "delete_subshell", "list_subshell"),
    )
)
"""Requests that Jupyter kernels know, and answer for themselves. Source: "Messaging in Jupyter" 5.4, and ipykernel 7."""


class ExecuteFlags(msgspec.Struct, frozen=True):
    """What we read of an `execute_request`; the code is not decoded."""

    silent: object = False
    store_history: object = True
    allow_stdin: object = True
    """Objects, because kernels take whatever is true or false: null, 1, "yes"."""

    @property
    def counts(self) -> bool:
        """Whether the cell takes a number."""
        return bool(self.store_history) and not self.silent


class ReplyFacts(msgspec.Struct, frozen=True):
    """What we read of a reply."""

    status: str = "ok"
    execution_count: int | None = None


@dataclass(slots=True)
class Pending:
    """One request that is not over: it still owes its reply or its idle status."""

    msg_id: str
    session: str
    msg_type: str
    header: bytes
    """The client's header document: the parent of all that we may have to send."""
    idents: list[bytes]
    channel: Channel
    flags: ExecuteFlags | None
    """None unless it is an execute_request."""
    private: bool = False
    """Ours: a comment that holds the place of one of our cells; or a client's that we answered before the subkernel could. No client
    waits for it, and nobody is shown what the subkernel says of it."""
    count: int | None = None
    """Its number, once known."""
    sent: bool = True
    """False while it waits for a subkernel."""
    busy: bool = False
    idle: bool = False
    replied: bool = False
    since: float = 0.0
    """Monotonic time at which it became busy."""
    own: bool = False
    """We answer it ourselves; it never goes to the subkernel."""
    inherited: bool = False
    """It was sent by a process before this one, whose life it outlived."""
    received: float = 0.0
    """Monotonic time at which a client's cell came; 0 for others."""
    unread: bool = False
    """It was answered, and its client has not read that."""
    number: int = 0
    """Its place among all requests, given when it is accepted."""
    spoke: bool = False
    """An output of it was logged."""

    @property
    def expects_reply(self) -> bool:
        """Comm messages have none."""
        return self.msg_type.endswith("_request")

    @property
    def subshell(self) -> str:
        """The subshell that it was sent to; empty for the main one. Read from the header, as it is rarely needed."""
        return read_header(self.header).subshell_id or ""

    @property
    def running(self) -> bool:
        """It was begun and not answered."""
        return self.busy and not self.replied and not self.idle

    @property
    def over(self) -> bool:
        """Nothing more is owed."""
        return self.idle and (self.replied or not self.expects_reply)


def reply_type(kind: str) -> str:
    """The type of the reply to a request of this type; some of upstream's come without the ending.

    >>> reply_type("llm_request"), reply_type("set_agent_model")
    ('llm_reply', 'set_agent_model_reply')
    """
    return kind.removesuffix("_request").removesuffix("_response") + "_reply"
