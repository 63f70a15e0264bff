"""What a new owner is told of a session that ended while nobody listened, and a Supervisor that begins in the middle of a life."""

import msgspec
import pytest

from beaker.messages.subkernel import Attached, Ready, Restart, Restarted, Started
from beaker.subkernels.facts import Found
from tests.beaker.subkernels.life_kit import SPEC, World, subkernel


def owned() -> World:
    """A subkernel whose owner has said that it is ready."""
    world = World()
    world.open()
    world.attach(pid=7)
    world.tell(Ready(generation=1))
    return world


def attached(world: World, pid: int) -> Attached:
    reply = world.replies[world.attach(pid=pid)]
    assert isinstance(reply, Attached)
    return reply


def test_a_session_that_lives_on_is_not_lost() -> None:
    world = owned()
    world.lose_owner(pid=7)
    assert not attached(world, 8).session_lost


@pytest.mark.parametrize("loss_heard", ["first", "last", "never"])
def test_a_session_that_died_with_its_owner_is_lost(loss_heard: str) -> None:
    world = owned()
    if loss_heard == "first":
        world.lose_owner(pid=7)
    world.kill()
    if loss_heard == "last":
        world.lose_owner(pid=7)
    following = attached(world, 8)
    assert (following.generation, following.session_lost) == (2, True)


def test_the_owner_that_heard_of_the_death_is_told_nothing_again() -> None:
    world = owned()
    world.kill()
    assert not attached(world, 7).session_lost


def test_a_session_that_begins_after_the_loss_is_kept_for_the_next_owner() -> None:
    world = owned()
    world.kill()
    world.lose_owner(pid=7)
    assert attached(world, 8).session_lost
    world.tell(Ready(generation=2))
    world.lose_owner(pid=8)
    assert not attached(world, 9).session_lost


def test_a_session_that_nobody_had_used_is_not_lost() -> None:
    world = World()
    world.open()
    world.kill()
    assert not attached(world, 7).session_lost


def test_a_life_counts_as_used_once_an_owner_has_said_that_it_is_ready() -> None:
    world = World()
    world.open()
    assert not attached(world, 7).used
    world.lose_owner(pid=7)
    assert not attached(world, 8).used
    world.tell(Ready(generation=1))
    world.lose_owner(pid=8)
    assert attached(world, 9).used
    world.kill()
    assert not attached(world, 9).used, "the next life"


@pytest.mark.parametrize("answered", [False, True])
def test_whether_a_life_was_used_is_known_to_the_next_supervisor(answered: bool) -> None:
    world = World()
    world.open(Found(subkernel=subkernel(4), alive=True, answered=answered, spec_path=SPEC, owner=7, heard=4 if answered else 3))
    assert attached(world, 8).used is answered


def test_a_launch_that_is_on_its_way_is_told_as_a_loss() -> None:
    world = owned()
    world.slow = True
    world.kill()
    following = attached(world, 8)
    assert (following.subkernel, following.session_lost) == (None, True)


@pytest.mark.parametrize("alive", [True, False])
def test_a_session_is_lost_if_it_died_while_no_supervisor_lived(alive: bool) -> None:
    world = World()
    world.open(Found(subkernel=subkernel(4), alive=alive, answered=True, spec_path=SPEC, owner=7, heard=4))
    assert attached(world, 8).session_lost is not alive


def test_a_subkernel_whose_sockets_are_gone_serves_its_owner_and_is_replaced_for_another() -> None:
    world = World()
    world.open(Found(subkernel=subkernel(4), alive=True, answered=True, spec_path=SPEC, owner=7, heard=4, reachable=False))
    assert attached(world, 7).subkernel == subkernel(4, adopted=True)
    assert world.alive == {4}
    world.lose_owner(pid=7)
    following = attached(world, 8)
    assert (following.subkernel, following.state, following.session_lost) == (None, "restarting", True)
    world.settle()
    assert world.alive == {5}
    assert world.told[-1] == Started(subkernel=subkernel(5))
    assert world.state.reachable


def test_a_subkernel_whose_sockets_went_before_it_had_answered_is_replaced_for_its_owner_too() -> None:
    world = World()
    world.open(Found(subkernel=subkernel(1), alive=True, answered=False, spec_path=SPEC, owner=7, reachable=False))
    following = attached(world, 7)
    assert (following.subkernel, following.state, following.session_lost) == (None, "restarting", False)
    world.settle()
    assert (world.alive, world.told[-1]) == ({2}, Started(subkernel=subkernel(2)))


def test_what_was_given_up_is_not_started_by_the_next_supervisor_but_by_the_user() -> None:
    world = World()
    world.state = msgspec.structs.replace(world.state, phase="dead", generation=6, reason="it died 6 times")
    world.open()
    assert world.alive == set()
    reply = attached(world, 7)
    assert (reply.state, reply.reason, reply.generation) == ("dead", "it died 6 times", 6)
    number = world.ask(Restart())
    world.settle()
    assert world.replies[number] == Restarted(generation=7)
    assert world.alive == {7}


def test_what_lives_is_adopted_even_if_it_was_given_up_before() -> None:
    world = World()
    world.state = msgspec.structs.replace(world.state, phase="dead", generation=6, reason="it died 6 times")
    world.open(Found(subkernel=subkernel(7), alive=True, answered=False, spec_path=SPEC, owner=None))
    assert attached(world, 7).subkernel == subkernel(7, adopted=True)


def test_a_supervisor_that_knows_of_former_lives_counts_on() -> None:
    world = World()
    world.state = msgspec.structs.replace(world.state, generation=3)
    world.open()
    assert world.alive == {4}
