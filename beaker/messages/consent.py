"""What the KernelActor and the Supervisor say to each other before code by the model runs.

The KernelActor says what is wanted; the Supervisor, which holds the policy, lets it run, wants the user asked, or refuses.
A *grant* is the right to run one exact text once, soon, in one life of one kernel's subkernel. No code travels here, only
its hash.
"""

from typing import ClassVar, Literal

from beaker.messages.base import Event, Failure, KernelId, Lane, Request

Mode = Literal["ask", "auto", "plan"]
"""ask: code by the model waits for the user; auto: it runs unless it is risky or follows untrusted data; plan: it never runs."""

Kind = Literal["code", "interrupt", "restart"]
"""What is to be done to the session."""

Risk = Literal["shell", "network", "files", "opaque", "session", "secrets"]
"""shell: starts programs; network: may send or fetch; files: may write outside the work directory; opaque: cannot be told by
reading; session: ends what the user has running; secrets: may show what is to be hidden, as environment variables or key files."""

Decision = Literal["allow", "always", "edit", "reject"]
"""allow: this once; always: and from now on whatever is harmless; edit: other code in its place; reject: not at all."""


class RunWanted(Request["RunGranted | RunToBeAsked"], frozen=True, kw_only=True, tag="run.want"):
    """The agent wants something run."""

    lane: ClassVar[Lane] = "control"
    kind: Kind
    """What is to be done."""
    code_hash: str
    """Of the exact text and its language, see `beaker.consent.grants`."""
    generation: int
    """The life of the subkernel that it is meant for."""
    mode: Mode
    """As the user wrote it, or lowered because she cannot be asked."""
    tainted: bool
    """Data that nobody vouches for was read by the model before."""
    risks: tuple[Risk, ...] = ()
    """What the KernelActor read in the code, each once; empty: nothing that it knows to be risky."""


class RunGranted(Event, frozen=True, kw_only=True, tag="run.granted"):
    """It may run: this grant is good for once."""

    grant: str
    """An unguessable name that the Supervisor made up; it stands for one text, one life and ten minutes."""


class RunToBeAsked(Event, frozen=True, kw_only=True, tag="run.to_be_asked"):
    """The user must be asked; her decision belongs to this want."""

    want: int
    """The number that the Supervisor gave it."""


class RunDecided(Request["RunGranted"], frozen=True, kw_only=True, tag="run.decide"):
    """The user decided about a want; each want is decided once."""

    lane: ClassVar[Lane] = "control"
    want: int
    """As `RunToBeAsked` numbered it."""
    decision: Decision
    """Her word."""
    code_hash: str
    """Of what she was shown; for `edit` of what she wrote instead."""


class RunRedeemed(Request["RunCleared"], frozen=True, kw_only=True, tag="run.redeem"):
    """The code is about to be sent: use the grant up."""

    lane: ClassVar[Lane] = "control"
    grant: str
    """As `RunGranted` named it."""
    kernel_id: KernelId
    """The kernel whose session gets the code."""
    generation: int
    """The life of the subkernel that it is about to be sent to."""
    code_hash: str
    """Of what is about to be sent."""


class RunCleared(Event, frozen=True, kw_only=True, tag="run.cleared"):
    """Answers RunRedeemed: send it."""


class StandingWanted(Request["StandingTold"], frozen=True, kw_only=True, tag="run.standing"):
    """What did the user say once for the rest of this session?"""

    lane: ClassVar[Lane] = "control"


class StandingEnded(Request["StandingTold"], frozen=True, kw_only=True, tag="run.end_standing"):
    """She takes that back; answered with what held until now."""

    lane: ClassVar[Lane] = "control"


class StandingTold(Event, frozen=True, kw_only=True, tag="run.standing_told"):
    """Answers StandingWanted and StandingEnded."""

    always: bool
    """Harmless code runs without asking."""
    though_tainted: bool
    """Also in questions whose model has read text that nobody vouches for."""


class RunRefused(Failure, frozen=True, kw_only=True, tag="run.refused"):
    """It may not run; the sentence is for the model and the user."""

    reason: str
    """A sentence by the Supervisor: what holds against it, and what can be done instead."""


ConsentRequest = RunWanted | RunDecided | RunRedeemed | StandingWanted | StandingEnded
ConsentReply = RunGranted | RunToBeAsked | RunCleared | RunRefused | StandingTold
