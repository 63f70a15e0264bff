"""The life of one subkernel, decision by decision."""

import signal

import pytest

from beaker.messages.subkernel import (
    Attached,
    Died,
    GaveUp,
    Interrupt,
    Interrupted,
    Ready,
    Restart,
    Restarted,
    ShutDown,
    Shutdown,
    Started,
    Starting,
    SubkernelFailure,
)
from beaker.subkernels.actions import Clear, Leave, Reply
from beaker.subkernels.facts import Exited, Found, LaunchFailed, ToldToLeave
from beaker.subkernels.life_state import Policy
from tests.beaker.subkernels.life_kit import SPEC, WALL, World, subkernel


def running(**settings: float) -> World:
    """A world with an owner and a subkernel that has answered."""
    world = World(Policy(**settings))
    world.open()
    world.attach()
    world.tell(Ready(generation=1))
    return world


def test_a_supervisor_starts_the_subkernel_unasked() -> None:
    world = World()
    world.open()
    assert world.alive == {1}
    assert world.told == [Starting(generation=1), Started(subkernel=subkernel(1))]


def test_an_owner_that_comes_later_hears_what_is_there() -> None:
    world = World()
    world.open()
    number = world.attach()
    assert world.replies[number] == Attached(subkernel=subkernel(1), generation=1, state="running", used=False)


def test_a_second_kernel_process_hears_that_it_is_not_the_first() -> None:
    world = running()
    world.lose_owner(pid=7)
    number = world.attach(pid=8)
    reply = world.replies[number]
    assert isinstance(reply, Attached)
    assert not reply.first_owner
    assert reply.owner_lost_at == WALL


def test_a_killed_subkernel_is_announced_and_started_again() -> None:
    world = running()
    world.told.clear()
    world.kill()
    assert world.alive == {2}
    died, starting, started = world.told
    assert died == Died(generation=1, reason="killed by signal 9 (out of memory?)", at=WALL, stderr_tail="", restarting=True)
    assert starting == Starting(generation=2)
    assert started == Started(subkernel=subkernel(2))


def test_five_deaths_in_the_window_are_mended_and_the_sixth_is_not() -> None:
    world = running()
    for _ in range(5):
        world.kill()
        assert world.alive
    world.kill()
    assert world.alive == set()
    assert world.state.generation == 6
    assert isinstance(world.told[-1], GaveUp)
    assert "6 times within 30 s" in world.told[-1].reason


def test_deaths_that_lie_apart_are_always_mended() -> None:
    world = running()
    for _ in range(20):
        world.pass_time(10)
        world.tell(Ready(generation=world.state.generation))
        world.kill()
    assert world.alive == {21}


def test_a_restart_leads_out_of_dead_and_begins_the_count_anew() -> None:
    world = running()
    for _ in range(6):
        world.kill()
    number = world.ask(Restart())
    world.settle()
    assert world.alive == {7}
    assert world.replies[number] == Restarted(generation=7)
    for _ in range(5):
        world.kill()
    assert world.alive == {12}


def test_an_owner_that_comes_after_giving_up_is_told_why() -> None:
    world = running()
    for _ in range(6):
        world.kill()
    reply = world.replies[world.attach()]
    assert isinstance(reply, Attached)
    assert reply.state == "dead"
    assert reply.subkernel is None
    assert "/specs/python3/kernel.json" in reply.reason


def test_an_exit_before_the_first_answer_is_a_failed_start_and_not_tried_again() -> None:
    world = World()
    world.open()
    world.die(1, 1, "ModuleNotFoundError: No module named 'nothing'")
    world.settle()
    assert world.alive == set()
    gave_up = world.told[-1]
    assert isinstance(gave_up, GaveUp)
    assert gave_up.reason == (
        "The subkernel python3 did not start: exited with status 1. Its kernelspec is /specs/python3/kernel.json.\n"
        "It wrote:\nModuleNotFoundError: No module named 'nothing'\n"
        "Mend the kernelspec or choose another one, then restart the kernel."
    )


def test_a_start_that_lost_the_race_for_its_ports_is_tried_again() -> None:
    world = World()
    world.open()
    world.die(1, 1, "zmq.error.ZMQError: Address already in use (addr='tcp://127.0.0.1:5555')")
    world.settle()
    assert world.alive == {2}


def test_a_start_killed_from_outside_is_tried_again() -> None:
    world = World()
    world.open()
    world.kill()
    assert world.alive == {2}


def test_an_exit_by_itself_after_the_first_answer_is_mended() -> None:
    world = running()
    world.die(1, 0)
    world.settle()
    assert world.alive == {2}


def test_a_launch_that_fails_gives_up_with_its_reason() -> None:
    world = World()
    world.slow = True
    world.open()
    world.launching.clear()
    world.tell(LaunchFailed(generation=1, reason="no such program"))
    assert world.told[-1] == GaveUp(generation=1, reason="no such program")


def test_a_subkernel_that_never_answers_is_ended_after_the_start_timeout() -> None:
    world = World(Policy(start_timeout_s=3))
    world.open()
    world.attach()
    world.pass_time(2.9)
    assert world.alive == {1}
    world.pass_time(0.2)
    assert world.alive == set()
    gave_up = world.told[-1]
    assert isinstance(gave_up, GaveUp)
    assert "it did not answer within 3 s" in gave_up.reason


def test_the_start_timeout_waits_for_an_owner_that_could_say_so() -> None:
    world = World(Policy(start_timeout_s=3, lease_s=10))
    world.open()
    world.attach(pid=7)
    world.pass_time(1)
    world.lose_owner(pid=7)
    world.pass_time(8)
    assert world.alive == {1}
    world.attach(pid=8)
    world.pass_time(2)
    world.tell(Ready(generation=1))
    world.pass_time(10)
    assert world.alive == {1}


def test_a_restart_kills_at_once_without_grace() -> None:
    world = running()
    number = world.ask(Restart())
    world.settle()
    assert world.signals == [(1, signal.SIGKILL)]
    assert world.alive == {2}
    assert world.replies[number] == Restarted(generation=2)
    assert not any(isinstance(event, Died) for event in world.told)


def test_a_restart_with_grace_asks_first_and_kills_last() -> None:
    world = running()
    world.polite = False
    number = world.ask(Restart(grace_s=4))
    world.pass_time(1.9)
    assert world.signals == []
    world.pass_time(0.2)
    assert world.signals == [(1, signal.SIGTERM)]
    world.pass_time(2)
    assert world.signals == [(1, signal.SIGTERM), (1, signal.SIGKILL)]
    assert world.replies[number] == Restarted(generation=2)


def test_the_timers_of_a_farewell_do_not_reach_the_next_generation() -> None:
    world = running()
    world.ask(Restart(grace_s=4))
    world.die(1, 0)
    world.settle()
    world.tell(Ready(generation=2))
    world.pass_time(10)
    assert world.signals == []
    assert world.alive == {2}


def test_two_restarts_at_once_make_one_new_subkernel() -> None:
    world = running()
    first, second = world.ask(Restart(grace_s=4)), world.ask(Restart())
    world.settle()
    assert world.replies == {1: world.replies[1], first: Restarted(generation=2), second: Restarted(generation=2)}


def test_an_interrupt_goes_to_the_generation_that_was_meant() -> None:
    world = running()
    assert world.replies[world.ask(Interrupt(generation=1))] == Interrupted()
    world.kill()
    assert isinstance(world.replies[world.ask(Interrupt(generation=1))], SubkernelFailure)
    assert world.signals == [(1, signal.SIGINT)]


def test_a_subkernel_that_takes_interrupts_by_message_gets_no_signal() -> None:
    world = World()
    world.open(Found(subkernel=subkernel(1, interrupt_mode="message"), alive=True, answered=True, spec_path=SPEC, owner=None))
    assert isinstance(world.replies[world.ask(Interrupt(generation=1))], SubkernelFailure)
    assert world.signals == []


def test_a_shutdown_lets_the_subkernel_leave_then_clears_answers_and_leaves() -> None:
    world = running()
    number = world.ask(Shutdown(grace_s=5))
    world.die(1, 0)
    world.settle()
    assert world.replies[number] == ShutDown()
    assert world.actions[-3:] == [Clear(), Reply(number=number, reply=ShutDown()), Leave()]
    assert not any(isinstance(event, Died) for event in world.told)


def test_a_shutdown_of_what_is_dead_is_answered_at_once() -> None:
    world = running()
    for _ in range(6):
        world.kill()
    assert world.replies[world.ask(Shutdown(grace_s=5))] == ShutDown()
    assert world.left


def test_a_shutdown_during_a_launch_ends_what_comes_of_it() -> None:
    world = World()
    world.slow = True
    world.open()
    number = world.ask(Shutdown(grace_s=5))
    assert not world.left
    world.finish_launch()
    world.settle()
    assert world.alive == set()
    assert world.replies[number] == ShutDown()


def test_a_shutdown_refuses_the_restart_that_was_under_way() -> None:
    world = running()
    restart = world.ask(Restart(grace_s=5))
    world.ask(Shutdown(grace_s=0))
    world.settle()
    assert isinstance(world.replies[restart], SubkernelFailure)
    assert world.left


def test_told_to_leave_it_ends_all_whoever_owns_it() -> None:
    world = running()
    world.polite = False
    number = world.ask(Restart(grace_s=5))
    world.tell(ToldToLeave())
    world.pass_time(1.1)
    assert world.left
    assert isinstance(world.replies[number], SubkernelFailure)


def test_without_an_owner_everything_ends_after_the_lease() -> None:
    world = running(lease_s=10)
    world.lose_owner()
    world.pass_time(9.9)
    assert world.alive == {1}
    world.pass_time(0.2)
    assert world.alive == set()
    assert world.left
    assert world.cleared


def test_a_subkernel_that_ignores_the_end_of_the_lease_is_killed() -> None:
    world = running(lease_s=10)
    world.polite = False
    world.lose_owner()
    world.pass_time(11.1)
    assert world.left


def test_an_owner_that_never_comes_ends_with_the_lease_too() -> None:
    world = World(Policy(lease_s=10))
    world.open()
    world.pass_time(10.1)
    assert world.left


def test_an_owner_that_comes_within_the_lease_keeps_everything() -> None:
    world = running(lease_s=10)
    world.lose_owner(pid=7)
    world.pass_time(9)
    world.attach(pid=8)
    world.pass_time(100)
    assert world.alive == {1}


def test_each_absence_has_a_lease_of_its_own() -> None:
    world = running(lease_s=10)
    world.lose_owner(pid=7)
    world.pass_time(6)
    world.attach(pid=8)
    world.lose_owner(pid=8)
    world.pass_time(6)
    assert world.alive == {1}
    world.pass_time(4.1)
    assert world.left


def test_a_late_exit_of_a_former_generation_is_not_taken_for_a_death() -> None:
    world = running()
    world.kill()
    world.tell(Exited(generation=1, status=-9, stderr_tail="", now=world.now, at=WALL))
    assert world.alive == {2}
    assert world.state.generation == 2


def test_a_restart_during_a_launch_waits_for_that_launch() -> None:
    world = World()
    world.slow = True
    world.open()
    number = world.ask(Restart())
    assert number not in world.replies
    world.finish_launch()
    world.settle()
    assert world.replies[number] == Restarted(generation=1)


def test_a_restart_whose_launch_fails_is_refused_with_the_reason() -> None:
    world = World()
    world.slow = True
    world.open()
    number = world.ask(Restart())
    world.launching.clear()
    world.tell(LaunchFailed(generation=1, reason="no such program"))
    assert world.replies[number] == SubkernelFailure(reason="no such program")


def test_the_loss_of_a_former_owner_means_nothing() -> None:
    world = running(lease_s=10)
    world.attach(pid=8)
    world.lose_owner(pid=7)
    world.pass_time(100)
    assert world.alive == {1}


def test_what_an_earlier_supervisor_started_is_adopted_and_not_started_again() -> None:
    world = World()
    world.open(Found(subkernel=subkernel(4), alive=True, answered=True, spec_path=SPEC, owner=7))
    assert world.alive == {4}
    assert world.told == [Started(subkernel=subkernel(4, adopted=True))]
    reply = world.replies[world.attach(pid=7)]
    assert reply == Attached(subkernel=subkernel(4, adopted=True), generation=4, state="running", first_owner=True)


def test_a_recorded_subkernel_that_is_dead_counts_as_a_death() -> None:
    world = World()
    world.open(Found(subkernel=subkernel(4), alive=False, answered=True, spec_path=SPEC, owner=7))
    assert world.alive == {5}
    reply = world.replies[world.attach(pid=9)]
    assert reply == Attached(subkernel=subkernel(5), generation=5, state="running", first_owner=False, used=False)


def test_the_death_of_an_adopted_subkernel_has_an_unknown_status_and_is_mended() -> None:
    world = World()
    world.open(Found(subkernel=subkernel(4), alive=True, answered=False, spec_path=SPEC, owner=7))
    world.die(4, None)
    world.settle()
    assert world.alive == {5}
    died = next(event for event in world.told if isinstance(event, Died))
    assert died.reason == "it is gone"


@pytest.mark.parametrize("late", [Ready(generation=1), LaunchFailed(generation=1, reason="late")])
def test_a_late_message_of_a_former_generation_changes_nothing(late: Ready | LaunchFailed) -> None:
    world = running()
    world.kill()
    before, acted = world.state, len(world.actions)
    world.tell(late)
    assert world.state == before
    assert len(world.actions) == acted
