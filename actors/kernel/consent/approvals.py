"""All approvals that are open in one kernel, by name: who else wants to know of them than `Consent`, which decides, asks here."""

from collections.abc import Iterator, Sequence

from actors.kernel.consent.approval import Approval
from actors.kernel.questions.turn import Turn
from beaker.kernel.commands.allow import OpenApproval
from beaker.messages.base import TurnId


class Approvals:
    """Holds them, oldest first."""

    def __init__(self) -> None:
        self._open: dict[str, Approval] = {}

    def __iter__(self) -> Iterator[Approval]:
        """Those that are not decided."""
        return (approval for approval in list(self._open.values()) if not approval.decided.done())

    def add(self, approval: Approval) -> None:
        """One is open from here on."""
        self._open[approval.name] = approval

    def drop(self, approval: Approval) -> None:
        """It is not."""
        del self._open[approval.name]

    def find(self, name: str) -> Approval | None:
        """The one with this name; None if there is none, or it was decided."""
        return next((approval for approval in self if approval.name == name), None)

    def of(self, turn: Turn) -> Approval | None:
        """The one that a turn waits for."""
        return next((approval for approval in self if approval.turn is turn), None)

    @property
    def asking(self) -> bool:
        """Whether a user is asked for her consent now."""
        return any(approval.asked is not None for approval in self)

    @property
    def facts(self) -> Sequence[OpenApproval]:
        """What `%beaker allow`, `reject` and `edit` may be about."""
        return [approval.facts() for approval in self]

    @property
    def parked(self) -> Sequence[str]:
        """Names of those of which nobody is asked now."""
        return [approval.name for approval in self if approval.parked]

    @property
    def gave_way(self) -> Sequence[TurnId]:
        """Numbers of the turns that wait, parked, because they gave way to the last interrupt."""
        return [approval.turn.number for approval in self if approval.gave_way]

    def unknown(self, name: str, *, former: int) -> str:
        """That there is none of this name, with those that there are.

        Args:
            former: the highest number that a process before this one gave.
        """
        if name[:1] == "A" and name[1:].isdecimal() and int(name[1:]) <= former:
            return f"{name} waits no more: what was to be allowed when the front process was replaced went with it. Ask again."
        names = ", ".join(approval.name for approval in self)
        return f"Nothing named {name} waits to be allowed" + (f"; waiting: {names}." if names else ", and nothing else does.")
