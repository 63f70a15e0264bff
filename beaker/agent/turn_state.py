"""The words of the turn machine: its state, what can happen to it, what it wants done.

All frozen values. The text of an answer while it streams is not in the state (a long answer would be copied with every
piece): whoever performs the actions gathers it, see `beaker.agent.assembly`.
"""

from typing import Literal

import msgspec

from beaker.agent.budget import Budget, Spent
from beaker.agent.conversation import ChatMessage, ToolCall
from beaker.agent.model_failure import ModelFailure
from beaker.agent.tools.built_in import BUILT_IN
from beaker.agent.tools.function import Performed
from beaker.agent.tools.tool import Arguments
from beaker.agent.tools.toolbox import Toolbox
from beaker.agent.usage import Usage
from beaker.messages.turn import Question, TurnReply


class TurnLimits(msgspec.Struct, frozen=True, kw_only=True):
    """Where one turn ends though the model would go on."""

    steps: int = 25
    """Model calls that were answered."""
    repairs: int = 3
    """Steps in a row with a tool call that could not be made; one more ends the turn."""
    calls: int = 3
    """Attempts at one model call, the first included."""
    retry_after_s: float = 60.0
    """The longest wait that an endpoint may ask for."""
    backoff_s: float = 1.0
    """The wait before the second attempt when the endpoint names none; doubled before the third."""
    budget: Budget = Budget()


class Quirks(msgspec.Struct, frozen=True, kw_only=True):
    """What a model was found not to take; it outlives the turn, so that the user is told once."""

    tools: bool = True
    reasoning_off: bool = False
    """Send `reasoning_effort: none`: the models of OpenAI since GPT-5.4 call tools over chat completions only then."""
    counts_tokens: bool = True
    """Ask for the count of tokens (`stream_options`): some endpoints refuse a request that does."""
    plain_roles: bool = False
    """Only user and assistant by turns: the templates of some local models refuse all else."""


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What a context makes of a turn."""

    persona: str = ""
    """Stands below our own instructions."""
    toolbox: Toolbox = BUILT_IN


PLAIN = Surroundings()
"""Without a context."""


class TurnState(msgspec.Struct, frozen=True, kw_only=True):
    """One turn, between two things that happen."""

    limits: TurnLimits
    language: str
    question: Question
    conversation: tuple[ChatMessage, ...]
    quirks: Quirks = Quirks()
    step: int = 0
    """Model calls that were begun, not counting repeated attempts."""
    attempt: int = 1
    repairs: int = 0
    mended: tuple[tuple[str, str], ...] = ()
    """Call id and text of the calls of this step that could not be made."""
    calls: tuple[ToolCall, ...] = ()
    """The calls of this step, in the model's order."""
    proposed: int = 0
    said: bool = False
    """Whether any text of the answer went out."""
    ended: bool = False
    surroundings: Surroundings = PLAIN
    spent: Spent = Spent()
    """By this turn."""
    spent_before: Spent = Spent()
    """By the questions of this session before it."""
    opened: int = 0
    """How many messages of the conversation stood there before the first call."""
    left_out: int = 0
    """How often something was left out because the whole was longer than the model takes."""


class CallEnded(msgspec.Struct, frozen=True, kw_only=True):
    """A model call came to its end."""

    text: str
    calls: tuple[ToolCall, ...]
    finish_reason: str | None
    """None when the stream just stopped."""
    usage: Usage | None = None
    """None where the endpoint does not count."""


class CallFailed(msgspec.Struct, frozen=True, kw_only=True):
    """A model call failed."""

    failure: ModelFailure
    text: str
    """What had arrived by then."""
    at: float
    """Wall clock, seconds since the epoch."""


class ToolsAnswered(msgspec.Struct, frozen=True, kw_only=True):
    """All tools of a step answered."""

    replies: tuple[tuple[str, TurnReply | Performed], ...]
    """Call id and reply."""


class PauseOver(msgspec.Struct, frozen=True, kw_only=True):
    """The wait before another attempt is over."""


class StopWanted(msgspec.Struct, frozen=True, kw_only=True):
    """The user wants an end."""


class TimeUp(msgspec.Struct, frozen=True, kw_only=True):
    """The turn took longer than it may."""

    limit_s: float


Input = CallEnded | CallFailed | ToolsAnswered | PauseOver | StopWanted | TimeUp


class CallModel(msgspec.Struct, frozen=True, kw_only=True):
    """Put the conversation before the model and hear it to the end."""

    messages: tuple[ChatMessage, ...]
    offer: Literal["tools", "no_tools", "tools_unused"]
    """`tools_unused`: the tools are listed, as the conversation holds calls of them, but none may be called any more."""
    reasoning_off: bool
    counts_tokens: bool = True
    toolbox: Toolbox = BUILT_IN


class ToolUse(msgspec.Struct, frozen=True, kw_only=True):
    """One tool to be used."""

    call_id: str
    name: str
    arguments: Arguments


class UseTools(msgspec.Struct, frozen=True, kw_only=True):
    """Use these, in this order."""

    uses: tuple[ToolUse, ...]


class Pause(msgspec.Struct, frozen=True, kw_only=True):
    """Wait, showing these words."""

    seconds: float
    words: str


class Say(msgspec.Struct, frozen=True, kw_only=True):
    """Add this to the answer."""

    text: str


class Refuse(msgspec.Struct, frozen=True, kw_only=True):
    """Tell that a call of the model cannot be made; the model is told by the machine itself."""

    call_id: str
    text: str
    name: str = ""
    """Of the tool, as the model wrote it."""


class Finish(msgspec.Struct, frozen=True, kw_only=True):
    """End the turn."""

    status: Literal["ok", "error", "stopped"]
    reason: str = ""
    mark: str = ""
    """Stands behind the text so far, so that half an answer never looks whole."""


Action = CallModel | UseTools | Pause | Say | Refuse | Finish
