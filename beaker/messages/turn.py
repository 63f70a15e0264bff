"""What the KernelActor and the AgentActor say to each other about one question.

A *turn* is one question and all that follows from it until its answer is whole. The AgentActor asks the KernelActor
for looks at the session; it never holds a socket to the subkernel.
"""

from typing import ClassVar, Literal

import msgspec

from beaker.messages.base import Command, Event, Failure, Lane, Request, TurnId
from beaker.messages.consent import Mode
from beaker.messages.context import AgentFailure, ContextsListed, ListContexts, ListModels, ModelsListed
from beaker.messages.look import LookReply, LookRequest, Mentioned, SeenCell
from beaker.messages.running import Parked, RunReply, RunRequest


class EarlierCall(msgspec.Struct, frozen=True, kw_only=True):
    """A tool that was called for an earlier answer."""

    step: int
    """Calls of one step were made at once; counts from 1."""
    tool: str
    """As the model wrote it."""
    arguments: str
    """JSON of an object, long texts in it cut."""
    result: str
    """What the model was told, cut; of an older one a line."""


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """An earlier question and its answer."""

    question: str
    """In the words of the user, at most 8,000 bytes."""
    answer: str
    """As it was shown, at most 8,000 bytes; below it, whether it was left unfinished."""
    turn: TurnId = TurnId(0)
    """Its number."""
    calls: list[EarlierCall] = []
    """The tools that the answer was found with, in their order."""


class ModelQuirks(msgspec.Struct, frozen=True, kw_only=True):
    """What a model was found not to take; kept on the kernel's side, so that no agent has to find it out again."""

    endpoint: str
    """As it is shown: elsewhere a model of that name may take other things."""
    model: str
    """By its name there."""
    tools: bool
    """It can call any."""
    reasoning_off: bool
    """It calls tools only with its reasoning switched off."""
    counts_tokens: bool
    """The endpoint can be asked for its count."""
    plain_roles: bool = False
    """It takes users and assistants by turns alone."""


class Question(Request["Taken"], frozen=True, kw_only=True, tag="turn.question"):
    """The user asked. It is taken at once; the events below follow, and one `Ended` at the end."""

    turn: TurnId
    """The number that the KernelActor gave it."""
    prompt: str
    """In the words of the user, with short values in the place of what mentions them, and without beaker's own key."""
    language: str
    """The subkernel's language, as its kernelspec names it."""
    history: list[Exchange]
    """The last questions of this session and their answers, oldest first."""
    cells: list[SeenCell]
    """The last cells of the session, oldest first."""
    model: str | None = None
    """None: as configured."""
    mode: Mode = "ask"
    """What becomes of code that the model wants run. The Supervisor holds the policy; here it is only told to the model."""
    can_ask: bool = True
    """The user can be asked while the question is answered."""
    context: str = ""
    """By its name; empty: the default one."""
    mentioned: list[Mentioned] = []
    """What the prompt refers to and was read for it."""
    missing: list[str] = []
    """Sentences about what it refers to and could not be read; the answer begins with them."""
    spent_tokens: int = 0
    """By the questions of this session before it, as their endpoints counted."""
    spent_usd: float = 0.0
    """The same, as far as they named prices."""
    quirks: list[ModelQuirks] = []
    """What earlier agents have learned of models."""


class Taken(Event, frozen=True, kw_only=True, tag="turn.taken"):
    """Answers Question: the agent has it."""


class Stop(Command, frozen=True, kw_only=True, tag="turn.stop"):
    """Work on this turn no more. The KernelActor has ended it already; what the agent still says of it is dropped."""

    lane: ClassVar[Lane] = "control"
    turn: TurnId
    """The question that is over."""


class Ping(Request["Pong"], frozen=True, kw_only=True, tag="agent.ping"):
    """Say that you are there; asked while a turn runs."""

    lane: ClassVar[Lane] = "control"


class Pong(Event, frozen=True, kw_only=True, tag="agent.pong"):
    """Answers Ping."""


class Began(Event, frozen=True, kw_only=True, tag="turn.began"):
    """The agent took the question up."""

    turn: TurnId
    """The question that was taken up."""
    model: str
    """As shown to the user; `demo model` for the built-in one."""


class Delta(Event, frozen=True, kw_only=True, tag="turn.delta"):
    """More text of the answer, to be appended."""

    turn: TurnId
    """The question that it answers."""
    text: str
    """Markdown by the model, at most 50,000 characters."""


class Waiting(Event, frozen=True, kw_only=True, tag="turn.waiting"):
    """Words about what the turn waits for, or does; the empty string, text and a tool's answer take them away."""

    droppable: ClassVar[bool] = True
    turn: TurnId
    """The question that waits."""
    words: str
    """Shown below the answer, without an end mark."""


class Thought(Event, frozen=True, kw_only=True, tag="turn.thought"):
    """What a model said to itself before it answered or called a tool, where its endpoint shows that."""

    droppable: ClassVar[bool] = True
    turn: TurnId
    """The question that it thought about."""
    text: str
    """At most 20,000 characters; the middle of a longer one is left out."""


class ToolCalled(Event, frozen=True, kw_only=True, tag="tool.called"):
    """The model called a tool; it may turn out that it cannot be called so."""

    turn: TurnId
    """The question it was called for."""
    call_id: str
    """Names the call within the turn."""
    tool: str
    """As the model wrote it: there may be no such tool."""
    arguments: str
    """JSON as the model wrote it, cut where it is longer than any tool takes."""


class ToolAnswered(Event, frozen=True, kw_only=True, tag="tool.answered"):
    """A call that was announced has its result."""

    turn: TurnId
    """The question it was called for."""
    call_id: str
    """As `ToolCalled` named it."""
    status: Literal["ok", "error"]
    """`error`: the model was told what is wrong with its call, or why it could not be done."""
    summary: str
    """The beginning of what the model was told, at most 2,000 characters."""
    handle: str = ""
    """Names the whole of a result that was cut for the model; empty if it was not."""
    untrusted: bool = False
    """It came from a context's own function: data from outside, for which nobody vouches."""
    result: str = ""
    """The same as `summary`, but up to 8,000 characters; empty if `summary` holds all of it."""
    line: str = ""
    """What was done, in a line for the user; what stands between backticks is a name."""


class Used(Event, frozen=True, kw_only=True, tag="turn.used"):
    """What one model call took, as its endpoint counted it; endpoints that do not count are silent."""

    droppable: ClassVar[bool] = True
    turn: TurnId
    """The question it was taken for."""
    model: str
    """As `Began` named it."""
    tokens_in: int
    """All that was put before the model, what was cached included."""
    tokens_cached: int
    """How many of them the endpoint had already; 0 also where it does not say."""
    tokens_out: int
    """What the model said, its thoughts included."""
    cost_usd: float | None = None
    """Only where the endpoint itself names a price."""


class Learned(Event, frozen=True, kw_only=True, tag="model.learned"):
    """A model was found not to take something."""

    turn: TurnId
    """Over which it was found."""
    quirks: ModelQuirks
    """All that is known of it now."""


class Ended(Event, frozen=True, kw_only=True, tag="turn.ended"):
    """The turn is over."""

    turn: TurnId
    """The question that is over."""
    status: Literal["ok", "error", "stopped"]
    """`stopped`: the user did not want the rest; a limit that was reached is an `error`."""
    text: str
    """The whole answer: what stands in the display at the end."""
    reason: str = ""
    """For `error`: a sentence for the user with the remedy."""


class ListVariables(Request["Variables"], frozen=True, kw_only=True, tag="look.variables"):
    """What the user's session holds, looked at without running code in it."""

    turn: TurnId
    """The question it is asked for."""


class Variable(msgspec.Struct, frozen=True, kw_only=True):
    """One name in the user's namespace."""

    name: str
    """As the session has it."""
    type: str
    """The name of its type, in the words of its language."""
    summary: str
    """At most 200 characters of its value."""


class Variables(Event, frozen=True, kw_only=True, tag="look.variables_seen"):
    """Answers ListVariables."""

    variables: list[Variable]
    """All that the look saw; where some are left out, `note` says so."""
    note: str = ""
    """What limits this look: `as of 12:03:04, the session is busy`, `not available in this language`."""
    untrusted: bool = True
    """Its text came from data; see `beaker.messages.look`."""


class ProposeCell(Request["Proposed"], frozen=True, kw_only=True, tag="cell.propose"):
    """Put code before the user as a cell that she may run; it is never run by us."""

    turn: TurnId
    """The question it is asked for."""
    code: str
    """The code of one cell, as the model wrote it."""
    language: str
    """As the model named it, else the session's."""
    replaces: str = ""
    """The cell whose code it is to take the place of: the number it ran under, or the notebook's own name for it."""
    after: str = ""
    """The cell it belongs behind, named in the same way; empty: the question."""


class Proposed(Event, frozen=True, kw_only=True, tag="cell.proposed"):
    """Answers ProposeCell."""

    number: int
    """Counts the proposals of the turn from 1; what stands beside its block in the answer."""
    text_only: bool = False
    """It is in another language than the session's, so no cell is made of it."""


class TurnFailure(Failure, frozen=True, kw_only=True, tag="turn.failure"):
    """A look or proposal that could not be done, in words the model can act on."""

    reason: str
    """What is wrong with the wish and what would be right: the model reads it and tries again."""


AgentMessage = Question | Stop | Parked | Ping | ListContexts | ListModels
AgentReply = Taken | Pong | ContextsListed | ModelsListed | AgentFailure
TurnEvent = Began | Delta | Waiting | Thought | ToolCalled | ToolAnswered | Used | Learned | Ended
TurnRequest = ListVariables | ProposeCell | LookRequest | RunRequest
TurnReply = Variables | Proposed | TurnFailure | LookReply | RunReply

FromAgent = TurnEvent | TurnRequest | AgentReply
"""All that an agent's link lets in: nothing with which it could decide for the user or use a grant up."""
ToAgent = AgentMessage | TurnReply
