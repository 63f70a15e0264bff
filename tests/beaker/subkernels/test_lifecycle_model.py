"""The life of a subkernel under random kills, stops, owner losses and late messages.

`World` refuses, while it performs the actions, a second living process, a second life of one generation, a second answer to
one request, and a departure that leaves something alive. The rules here do the rest: a bounded number of starts that nobody
asked for, an answer to every request, nobody alive after the lease, and no session said to be kept that is over. The
Supervisor itself is killed too: the next one opens with what was recorded, or with what its owner remembers.
"""

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from beaker.messages.base import KernelId
from beaker.messages.subkernel import Attach, Attached, Interrupt, Ready, Restart, Shutdown, Started
from beaker.subkernels.facts import Exited, Fact, Found, GraceOver, Launched, LaunchFailed, StartTimedOut, ToldToLeave
from beaker.subkernels.life_state import Policy
from tests.beaker.subkernels.life_kit import SPEC, World, subkernel


def generation_of(fact: Fact) -> int:
    """The generation that a fact is about; 0 if none."""
    if isinstance(fact, Launched):
        return fact.subkernel.generation
    return fact.generation if isinstance(fact, Exited | LaunchFailed | StartTimedOut | GraceOver | Ready) else 0


LIMIT = 2
WINDOW_S = 8.0
LEASE_S = 10.0
GRACE_S = 4.0


class Life(RuleBasedStateMachine):
    """One Supervisor, and all that may befall it."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World(Policy(start_timeout_s=6, lease_s=LEASE_S), limit=LIMIT, window_s=WINDOW_S)
        self.owner: int | None = None
        self.owners = 0
        self.alone_since = self.world.now
        self.shut_down_asked = False
        self.known = 0
        """The generation that some owner has said was ready."""

    @initialize(found=st.sampled_from(["nothing", "living", "dead"]), slow=st.booleans(), polite=st.booleans())
    def begin(self, found: str, slow: bool, polite: bool) -> None:
        self.world.slow, self.world.polite = slow, polite
        old = Found(subkernel=subkernel(3), alive=found == "living", answered=True, spec_path=SPEC, owner=1, heard=3)
        self.world.open(None if found == "nothing" else old)
        # The owner of then has pid 1, as this test's first.
        self.known = 0 if found == "nothing" else 3
        self.owners = 1

    @precondition(lambda self: not self.world.left)
    @rule()
    def attach(self) -> None:
        self.owners += 1
        reachable = self.world.state.reachable or self.world.state.phase != "up"
        reply = self.world.replies[self.world.ask(Attach(kernel_id=KernelId("k"), pid=self.owners))]
        if isinstance(reply, Attached):
            self.owner = self.owners
            # A new owner hears that the session is lost exactly if the one that was used is over, or beyond its reach.
            assert reply.session_lost == (self.known > 0 and (reply.generation > self.known or not reachable))

    @precondition(lambda self: not self.world.left and self.owner is not None)
    @rule()
    def lose_the_owner(self) -> None:
        assert self.owner is not None
        self.world.lose_owner(self.owner)
        self.owner = None
        self.alone_since = self.world.now

    @precondition(lambda self: not self.world.left and self.owners > 1)
    @rule()
    def hear_that_a_former_owner_is_lost(self) -> None:
        if self.owners - 1 != self.owner:
            self.world.lose_owner(self.owners - 1)

    @precondition(lambda self: not self.world.left)
    @rule(grace_s=st.sampled_from([0.0, GRACE_S]))
    def restart(self, grace_s: float) -> None:
        self.world.ask(Restart(grace_s=grace_s))

    @precondition(lambda self: not self.world.left)
    @rule(generation=st.integers(0, 6))
    def interrupt(self, generation: int) -> None:
        self.world.ask(Interrupt(generation=generation))

    @precondition(lambda self: not self.world.left and len(self.world.actions) > 20)
    @rule(grace_s=st.sampled_from([0.0, GRACE_S]))
    def shut_down(self, grace_s: float) -> None:
        self.shut_down_asked = True
        self.world.ask(Shutdown(grace_s=grace_s))

    @precondition(lambda self: not self.world.left and len(self.world.actions) > 20)
    @rule()
    def tell_to_leave(self) -> None:
        self.shut_down_asked = True
        self.world.tell(ToldToLeave())

    @precondition(lambda self: self.world.alive)
    @rule(status=st.sampled_from([-9, -11, 0, 1, None]), words=st.sampled_from(["", "Address already in use"]))
    def die(self, status: int | None, words: str) -> None:
        self.world.die(max(self.world.alive), status, words)

    @precondition(lambda self: self.world.alive and self.owner is not None and self.world.state.phase == "up")
    @rule()
    def answer(self) -> None:
        self.known = max(self.world.alive)
        self.world.tell(Ready(generation=self.known))

    @precondition(lambda self: not self.world.left and not self.world.launching)
    @rule(cleaned=st.booleans())
    def kill_the_supervisor(self, cleaned: bool) -> None:
        """Another one opens, with its folder perhaps; the owner, if there is one, attaches again as the same process."""
        # What the owner has not heard of yet it cannot remember.
        cleaned = cleaned and self.owner is not None and not self.world.pending
        if cleaned and (lives := self.world.state.subkernel) is not None:
            self.known = max(self.known, lives.generation)
        if self.world.reopen(owned=self.owner is not None, cleaned=cleaned):
            self.known = 0  # it is over, and whoever was there has been told
        self.shut_down_asked = False
        if self.owner is None:
            self.alone_since = self.world.now
            return
        reply = self.world.replies[self.world.ask(Attach(kernel_id=KernelId("k"), pid=self.owner))]
        assert isinstance(reply, Attached)

    @precondition(lambda self: self.world.launching)
    @rule(fails=st.booleans())
    def finish_the_launch(self, fails: bool) -> None:
        if fails:
            generation = self.world.launching.pop()
            self.world.tell(LaunchFailed(generation=generation, reason="no such program"))
        else:
            self.world.finish_launch()

    @precondition(lambda self: self.world.pending)
    @rule()
    def hear(self) -> None:
        self.world.settle()

    @precondition(lambda self: not self.world.left and self.former_facts())
    @rule(data=st.data())
    def hear_something_old_again(self, data: st.DataObject) -> None:
        self.world.tell(data.draw(st.sampled_from(self.former_facts())))

    def former_facts(self) -> list[Fact]:
        """What was told of generations that are over."""
        now = self.world.state.generation
        return [fact for fact in self.world.over if 0 < generation_of(fact) < now]

    @precondition(lambda self: self.world.alive and not self.world.slow)
    @rule(times=st.integers(2, 5))
    def crash_in_a_loop(self, times: int) -> None:
        for _ in range(times):
            if self.world.alive:
                self.world.kill()

    @rule(seconds=st.sampled_from([0.5, 2.5, 6.0, 12.0]))
    def let_time_pass(self, seconds: float) -> None:
        self.world.pass_time(seconds)

    @invariant()
    def one_process_lives_at_most(self) -> None:
        assert len(self.world.alive) <= 1

    @invariant()
    def starts_that_nobody_asked_for_are_bounded(self) -> None:
        starts = self.world.unasked_starts
        for first in starts:
            assert sum(first <= start <= first + WINDOW_S for start in starts) <= LIMIT + 1

    @invariant()
    def nothing_ends_before_the_lease(self) -> None:
        if not self.shut_down_asked and (self.owner is not None or self.world.now - self.alone_since < LEASE_S):
            assert not self.world.left
            assert (self.world.state.phase, self.world.state.purpose) != ("ending", "leave")

    @invariant()
    def what_is_told_goes_forward(self) -> None:
        generations = [event.subkernel.generation if isinstance(event, Started) else event.generation for event in self.world.told]
        assert generations == sorted(generations)

    def teardown(self) -> None:
        """However it ended: the owner goes, and after the lease nobody is alive and every request has its answer."""
        if not self.world.actions:
            return
        if self.world.launching:
            self.world.finish_launch()
        self.world.settle()
        if self.owner is not None and not self.world.left:
            self.world.lose_owner(self.owner)
        self.world.pass_time(LEASE_S)
        while self.world.launching:
            self.world.finish_launch()
            self.world.settle()
        self.world.pass_time(GRACE_S + 1)
        assert self.world.alive == set()
        assert self.world.left
        assert self.world.cleared
        assert set(self.world.replies) == self.world.asked


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
