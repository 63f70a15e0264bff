"""Accounting of requests: who asked what, what was answered, and which number the next cell gets.

It is the memory that lets the kernel promise one reply and one busy/idle pair per request even when the subkernel dies:
what stands here unanswered is what has to be answered by us. The subkernel's own numbers are never rewritten; a
number for a cell of ours is predicted from the cells that are ahead of it.
"""

from collections.abc import Callable, Set
from dataclasses import dataclass, field

from beaker.kernel.pending import Pending, ReplyFacts

COUNT_LIMIT = 2**53
"""Numbers beyond what JSON carries exactly are not numbers of cells."""


@dataclass(slots=True)
class Requests:
    """All requests that went to one subkernel and are not over, oldest first."""

    last_count: int = 0
    """The highest number seen in this life of the subkernel."""
    last_came: float = 0.0
    """Monotonic time at which the latest cell of a client came, answered or not."""
    _pending: dict[str, list[Pending]] = field(default_factory=dict[str, list[Pending]])
    """By msg_id. Two clients may have chosen the same one, and one client may use one twice: then the oldest is meant first."""
    _numbers: int = 0

    def accept(self, pending: Pending) -> None:
        """A request is on its way to the subkernel."""
        self._numbers += 1
        self.last_came = max(self.last_came, pending.received)
        pending.number = self._numbers
        self._pending.setdefault(pending.msg_id, []).append(pending)

    def find(self, msg_id: str, session: str = "") -> Pending | None:
        """The request with this id that is answered next, unless all are over.

        Args:
            session: of the client; empty where it is not known.
        """
        return self._pick(msg_id, session, lambda pending: not pending.replied) or self._pick(msg_id, session, lambda _: True)

    def busy(self, msg_id: str, now: float, session: str = "") -> None:
        """The subkernel began it."""
        if (pending := self._pick(msg_id, session, lambda pending: not pending.busy)) is not None:
            pending.busy = True
            pending.since = now

    def idle(self, msg_id: str, session: str = "") -> Pending | None:
        """The subkernel is done with it; returns it if it is not answered yet."""
        pending = self._pick(msg_id, session, lambda pending: not pending.idle)
        if pending is None:
            return None
        pending.idle = True
        return None if self._drop_if_over(pending) else pending

    def numbered(self, msg_id: str, count: int, session: str = "") -> None:
        """Its execute_input passed by."""
        pending = self._pick(msg_id, session, lambda pending: pending.count is None)
        if pending is not None:
            pending.count = count
        self._count(pending, count)

    def replied(self, msg_id: str, facts: ReplyFacts | None = None, session: str = "") -> Pending | None:
        """Its reply came; returns the request it belongs to, None when it is unknown or was answered already."""
        pending = self._pick(msg_id, session, lambda pending: not pending.replied)
        if pending is None:
            return None
        pending.replied = True
        if facts is not None and facts.execution_count is not None and facts.status != "aborted":
            self._count(pending, facts.execution_count)
        self._drop_if_over(pending)
        return pending

    def _count(self, pending: Pending | None, count: int) -> None:
        """A number was seen. What takes none says nothing of the last: IRkernel gives it the number of the cell to come."""
        if count < COUNT_LIMIT and (pending is None or pending.flags is None or pending.flags.counts):
            self.last_count = max(self.last_count, count)

    def owes(self, pending: Pending) -> bool:
        """Whether its reply has not come, and can still come."""
        return not pending.replied and self._stands(pending)

    def unbegun(self, msg_type: str) -> list[Pending]:
        """Requests of clients of this type that were sent and are neither begun nor answered."""
        return [p for p in self._all() if p.msg_type == msg_type and p.sent and not (p.busy or p.idle or p.replied or p.private)]

    def give_up(self, pending: Pending) -> bool:
        """We answer it, as the subkernel does not; False if it was answered, or has ended with its subkernel."""
        if not self.owes(pending):
            return False
        pending.replied = True
        self._drop_if_over(pending)
        return True

    def end_replied(self, pending: Pending) -> bool:
        """It was answered and its idle is lost; False if that came, or if it has ended with its subkernel."""
        if pending.idle or not self._stands(pending):
            return False
        pending.idle = True
        self._drop_if_over(pending)
        return True

    def end_unbegun(self, pending: Pending) -> bool:
        """It was answered and no status of it came; False if one did, or if it has ended with its subkernel."""
        if pending.busy or pending.idle or not self._stands(pending):
            return False
        pending.idle = True
        self._drop_if_over(pending)
        return True

    def next_count(self) -> int:
        """The number a cell gets that is sent now: one behind all counting cells that are ahead of it."""
        ahead = sum(
            1
            for pending in self._all()
            if pending.flags is not None and pending.flags.counts and pending.count is None and not pending.replied
        )
        return self.last_count + ahead + 1

    def running(self) -> Pending | None:
        """The client's cell that runs now."""
        for pending in self._all():
            if pending.flags is not None and pending.running and not pending.private and not pending.own:
                return pending
        return None

    def waiting(self) -> int:
        """How many cells of clients wait behind the running one."""
        return sum(1 for p in self._all() if p.flags is not None and not p.private and not p.busy and not p.replied)

    def cells_since(self, at: float) -> int:
        """How many cells of clients that came at or after a monotonic time are not answered."""
        return sum(
            p.flags is not None and not p.private and not p.own and not p.replied and not p.idle and p.received >= at for p in self._all()
        )

    @property
    def accepted(self) -> int:
        """How many requests there have been."""
        return self._numbers

    def cells_until(self, number: int) -> int:
        """How many cells of clients among the first `number` requests are not answered."""
        return sum(p.number <= number and p.flags is not None and not (p.private or p.own or p.replied) for p in self._all())

    @property
    def undisturbed(self) -> bool:
        """Nothing of a client's is under way, comm messages included; comments of ours may be."""
        return all(pending.replied or pending.private or pending.idle for pending in self._all())

    @property
    def at_rest(self) -> bool:
        """The subkernel is done with all that it was sent."""
        return all(pending.idle or pending.own or not pending.sent for pending in self._all())

    @property
    def quiet(self) -> bool:
        """No client waits for a reply."""
        return all(pending.replied or pending.private or not pending.expects_reply for pending in self._all())

    def inherited_subshells(self) -> set[str]:
        """The subshells that a former process sent requests to which are not over."""
        return {pending.subshell for pending in self._all() if pending.inherited} - {""}

    def end_lost(self, *, subshells: Set[str] | None = None) -> list[Pending]:
        """All that is proven over by now and was never answered: what a former process sent. Forgotten here.

        Args:
            subshells: where it is proven, the main shell being the empty one; None for everywhere.
        """
        lost = (pending for pending in self._all() if pending.inherited and not pending.replied)
        return self._take_out([pending for pending in lost if subshells is None or pending.subshell in subshells])

    def half_ended(self, *, subshells: Set[str] | None = None) -> list[Pending]:
        """All that a former process sent whose reply has come and whose idle has not.

        Args:
            subshells: as in `end_lost`.
        """
        half = (pending for pending in self._all() if pending.inherited and pending.replied and not pending.idle)
        return [pending for pending in half if subshells is None or pending.subshell in subshells]

    def end_own_lost(self) -> list[Pending]:
        """All that a former process was answering itself. Forgotten here."""
        return self._take_out([pending for pending in self._all() if pending.inherited and pending.own])

    def end_all(self, *, unsent_too: bool) -> list[Pending]:
        """The subkernel is gone: all that it owes, oldest first, forgotten here. The next life counts from 1.

        Args:
            unsent_too: also what only waits for a subkernel; False leaves that to the next life.
        """
        ended = [pending for pending in self._all() if pending.sent or unsent_too]
        self._take_out(ended)
        self.last_count = 0
        return [pending for pending in ended if not pending.over]

    def _all(self) -> list[Pending]:
        """Oldest first."""
        return sorted((pending for same in self._pending.values() for pending in same), key=lambda pending: pending.number)

    def _pick(self, msg_id: str, session: str, fits: Callable[[Pending], bool]) -> Pending | None:
        same = self._pending.get(msg_id, ())
        for pending in same:
            # Where there is only one there is nothing to tell apart, and a kernel that garbles the session does no harm.
            if fits(pending) and (not session or pending.session == session or len(same) == 1):
                return pending
        return None

    def _stands(self, pending: Pending) -> bool:
        """Whether it is not over, and has not ended with its subkernel."""
        return any(each is pending for each in self._pending.get(pending.msg_id, ()))

    def _take_out(self, ended: list[Pending]) -> list[Pending]:
        for pending in ended:
            same = self._pending[pending.msg_id]
            # By identity: two requests may be equal in all that they say.
            same[:] = [each for each in same if each is not pending]
            if not same:
                del self._pending[pending.msg_id]
        return ended

    def _drop_if_over(self, pending: Pending) -> bool:
        if pending.over:
            self._take_out([pending])
        return pending.over
