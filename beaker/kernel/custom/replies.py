"""The replies to requests of our own: a true `status` in each, and upstream's fields beside ours."""

from collections.abc import Sequence
from typing import Literal

import msgspec


class Ok(msgspec.Struct, frozen=True, kw_only=True):
    """What every reply with `status: ok` begins with."""

    status: Literal["ok"] = "ok"
    execution_count: None = None
    """Always null: nothing of ours takes a number. Upstream's clients look for it."""


class Failed(msgspec.Struct, frozen=True, kw_only=True):
    """The request could not be met."""

    ename: str
    """A kind of failure: `UsageError` (the request is wrong), `AgentError`, `NoSubkernel`, `KernelReattached`."""
    evalue: str
    """A sentence for the user, with the remedy."""
    status: Literal["error"] = "error"
    execution_count: None = None
    traceback: Sequence[str] = ()
    """Always empty: what went wrong in us is in our log."""
    turn: int | None = None
    """The question's number, where there is one."""


class Aborted(msgspec.Struct, frozen=True, kw_only=True):
    """The request was ended before it was met: by Stop, by an interrupt, by a shutdown."""

    status: Literal["aborted"] = "aborted"
    execution_count: None = None
    turn: int | None = None


class LlmReply(Ok, frozen=True, kw_only=True):
    """`llm_reply`: the turn is over, or waits for the user to come back to it."""

    turn: int
    """Its number, as `%beaker stop` takes it."""
    model: str
    """What answered, as it is shown."""
    proposals: int
    """How many `code_cell` messages there were."""
    waiting: str = ""
    """The turn is not over but parked: words on how to come back to it. Empty otherwise."""
