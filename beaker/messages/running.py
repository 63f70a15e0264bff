"""What the AgentActor asks for that the user must allow or answer: code to be run, a session ended, a question of its own.

Each of these may wait for the user for as long as she likes; the answer says what became of it. The AgentActor never holds a
grant: the KernelActor sees to that with the Supervisor, see `beaker.messages.consent`.
"""

from typing import ClassVar, Literal

from beaker.messages.base import Command, Event, Lane, Request, TurnId


class RunCode(Request["CodeRan"], frozen=True, kw_only=True, tag="code.run"):
    """Run this in the session, as a cell that the user sees."""

    turn: TurnId
    """The question it is asked for."""
    code: str
    """The code of one cell, as the model wrote it."""
    language: str
    """As the model named it; any but the session's own is refused."""


class CodeRan(Event, frozen=True, kw_only=True, tag="code.ran"):
    """Answers RunCode: it was begun, once."""

    status: Literal["ok", "error", "aborted", "lost"]
    """`aborted`: never begun, whatever was ahead of it failed; `lost`: the session ended under it, and its outcome is unknown."""
    output: str
    """What it printed and showed, as text, cut."""
    execution_count: int | None = None
    """The number that the subkernel gave it; None: it never began."""
    edited: str = ""
    """The code that ran, where the user changed it first."""
    handle: str = ""
    """Names the whole of an output that was cut."""
    untrusted: bool = True
    """It has printed or shown something, and outputs are data."""


class InterruptSession(Request["SessionChanged"], frozen=True, kw_only=True, tag="session.interrupt"):
    """Interrupt the cell that the user has running."""

    turn: TurnId
    """The question it is asked for."""


class RestartSession(Request["SessionChanged"], frozen=True, kw_only=True, tag="session.restart"):
    """End the session and begin a fresh one; its variables are lost."""

    turn: TurnId
    """The question it is asked for."""


class SessionChanged(Event, frozen=True, kw_only=True, tag="session.changed"):
    """Answers InterruptSession and RestartSession: it is done."""

    words: str
    """A sentence for the model: what was done."""


class AskUser(Request["UserAnswered"], frozen=True, kw_only=True, tag="user.ask"):
    """Put a question to the user and wait for her answer."""

    turn: TurnId
    """The question it is asked for."""
    question: str
    """In the words of the model."""
    choices: list[str]
    """Empty: any answer will do."""


class UserAnswered(Event, frozen=True, kw_only=True, tag="user.answered"):
    """Answers AskUser."""

    text: str
    """What she wrote, or the choice that she named."""


class Parked(Command, frozen=True, kw_only=True, tag="turn.parked"):
    """What this turn asked for waits for the user to come back to it: let the next question begin meanwhile."""

    lane: ClassVar[Lane] = "control"
    turn: TurnId
    """The question that waits."""


RunRequest = RunCode | InterruptSession | RestartSession | AskUser
RunReply = CodeRan | SessionChanged | UserAnswered
