"""What a tool is: its arguments, the request that it makes of the KernelActor, and the words of the reply.

Names and arguments are public (contexts and prompts of users rely on them). A tool's arguments are a frozen Struct, and its
docstring is what the model is told of the tool: the JSON schema is made from that Struct, so that what we tell the model
and what we accept cannot drift apart. A tool performs nothing: the AgentActor asks the KernelActor what `request` gives,
and hands the reply to `describe`. To add a tool, write one such class beside its Struct and name it in `built_in.py`.
"""

from abc import ABC, abstractmethod
from typing import ClassVar, Generic, TypeVar

import msgspec

from beaker.agent.tools.deed import Deed, named
from beaker.messages.base import TurnId
from beaker.messages.turn import TurnFailure, TurnReply, TurnRequest

WEEK_S = 604_800.0
"""For what the user answers: she may go home over it, and come back to a prompt that still stands."""

RESULT_LIMIT_CHARS = 8_000
"""The most text one result puts before the model: about 2,000 tokens, enough for the variables of a long session."""


class Arguments(msgspec.Struct, frozen=True, kw_only=True):
    """What the model gives a tool. Unknown fields are passed over: models like to add some."""


class Asking(msgspec.Struct, frozen=True, kw_only=True):
    """On whose behalf a tool is used."""

    turn: TurnId
    language: str
    """The session's own."""


class BadCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call that cannot be made, in words that let the model mend it."""

    text: str


A = TypeVar("A", bound=Arguments, contravariant=True)
R = TypeVar("R", bound=TurnReply, contravariant=True)


class Tool(ABC, Generic[A, R]):
    """One tool that the model may call."""

    name: str
    arguments: type[Arguments]
    """A's own class."""
    reply: type[TurnReply]
    """R's own class; a `TurnFailure` may come in its place and is put into words for all tools alike."""
    timeout_s: ClassVar[float] = 5.0
    """A look takes a second at most by itself; beyond this the KernelActor is held up, and the model is told."""
    waits_for_user: ClassVar[bool] = False
    """The reply may wait for the user, or for a cell of hers: that time does not count as the turn's."""

    def problem(self, arguments: A, /) -> str | None:
        """Say what is wrong with arguments that the schema lets pass, None if nothing is."""
        del arguments
        return None

    @abstractmethod
    def request(self, arguments: A, asking: Asking, /) -> TurnRequest:
        """Give what the KernelActor is asked."""

    @abstractmethod
    def describe(self, reply: R, /) -> str:
        """Put the reply into the words that the model gets as the tool's result."""

    def deed(self, arguments: A, /) -> Deed:
        """What it does, for the user. This is for a tool whose deed shows in the answer by itself: only that it failed is told."""
        del arguments
        return Deed("", "", f"Could not use {named(self.name)}")

    def found(self, reply: R, /) -> str:
        """What came of it, in a few words behind that; empty where they say nothing new."""
        del reply
        return ""

    def unmet(self, arguments: A, failure: TurnFailure, /) -> str:
        """What stands behind the words that it was not done: why."""
        del arguments
        return failure.reason

    def handle(self, reply: R, /) -> str:
        """Name the whole of an output that is cut in the reply; empty if none is."""
        del reply
        return ""


class WaitingTool(Tool[A, R]):
    """One whose reply may wait for the user."""

    timeout_s: ClassVar[float] = WEEK_S
    waits_for_user: ClassVar[bool] = True
