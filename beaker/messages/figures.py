"""What the processes of a gateway say of themselves in numbers: asked of each by the Registry, and of the Registry by whichever worker
a scrape has reached.

Which numbers there are, and what each is, stands in `beaker.gateway.figures`.
"""

from typing import ClassVar, Literal

import msgspec

from beaker.messages.base import Event, Lane, Request

GatewayRole = Literal["registry", "host", "worker", "agent-host", "guardian"]


class Sample(msgspec.Struct, frozen=True, kw_only=True):
    """One number."""

    name: str
    """As in `beaker.gateway.figures`."""
    value: float
    """Since the process began, or as it is now."""
    labels: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    """What tells it from others of its name in this process."""


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """All numbers of one process."""

    role: GatewayRole
    """What it is."""
    number: int
    """Of this one among those of its role, from 0."""
    started_at: float
    """Wall clock, seconds since the epoch: of two processes of one number, as while a worker is replaced, the younger one counts."""
    samples: list[Sample]
    """In any order; none: it is there, and does not answer."""


class TellFigures(Request["FiguresTold"], frozen=True, kw_only=True, tag="figures.tell"):
    """Your own numbers are wanted. Overtakes what waits: they count most when much does."""

    lane: ClassVar[Lane] = "control"


class FiguresTold(Event, frozen=True, kw_only=True, tag="figures.told"):
    """Answers TellFigures."""

    figures: Figures
    """Of who was asked."""
    others: list[Figures] = []
    """Of those whom only it can ask: the agent host of a kernel host."""


class GatherFigures(Request["FiguresGathered"], frozen=True, kw_only=True, tag="figures.gather"):
    """The numbers of all processes are wanted. Answered within moments, without those that do not answer."""

    lane: ClassVar[Lane] = "control"


class FiguresGathered(Event, frozen=True, kw_only=True, tag="figures.gathered"):
    """Answers GatherFigures."""

    processes: list[Figures]
    """One for each that has answered; of a worker that is being replaced two."""
