"""The life of a subkernel under random kills, stops, owner losses and late messages.

`World` refuses, while it performs the actions, a second living process, a second answer to one request, and a departure
that leaves something alive. The rules here do the rest: a bounded number of starts that nobody asked for, an answer to
every request, and nobody alive after the lease.
"""

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from beaker.messages.base import KernelId
from beaker.messages.subkernel import Attach, Interrupt, Ready, Restart, Shutdown, Started
from beaker.subkernels.facts import Found, LaunchFailed
from beaker.subkernels.life_state import Policy
from tests.beaker.subkernels.life_kit import SPEC, World, subkernel

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

    @initialize(found=st.sampled_from(["nothing", "living", "dead"]), slow=st.booleans(), polite=st.booleans())
    def begin(self, found: str, slow: bool, polite: bool) -> None:
        self.world.slow, self.world.polite = slow, polite
        old = Found(subkernel=subkernel(3), alive=found == "living", answered=True, spec_path=SPEC, owner=1)
        self.world.open(None if found == "nothing" else old)

    @precondition(lambda self: not self.world.left)
    @rule()
    def attach(self) -> None:
        self.owners += 1
        self.owner = self.owners
        self.world.ask(Attach(kernel_id=KernelId("k"), pid=self.owner))

    @precondition(lambda self: not self.world.left and self.owner is not None)
    @rule()
    def lose_the_owner(self) -> None:
        assert self.owner is not None
        self.world.lose_owner(self.owner)
        self.owner = None

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
        self.world.ask(Shutdown(grace_s=grace_s))

    @precondition(lambda self: self.world.alive)
    @rule(status=st.sampled_from([-9, -11, 0, 1, None]), words=st.sampled_from(["", "Address already in use"]))
    def die(self, status: int | None, words: str) -> None:
        self.world.die(max(self.world.alive), status, words)

    @precondition(lambda self: self.world.alive)
    @rule()
    def answer(self) -> None:
        self.world.tell(Ready(generation=max(self.world.alive)))

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

    @precondition(lambda self: self.world.over and not self.world.left)
    @rule(data=st.data())
    def hear_something_old_again(self, data: st.DataObject) -> None:
        fact = data.draw(st.sampled_from(self.world.over))
        generation = getattr(fact, "generation", None) or getattr(getattr(fact, "subkernel", None), "generation", None)
        if generation is None or generation < self.world.state.generation:
            self.world.tell(fact)

    @rule(seconds=st.sampled_from([0.5, 2.5, 12.0]))
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
