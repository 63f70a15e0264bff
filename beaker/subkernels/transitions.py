"""The moves that several decisions share: begin a generation, give up, say farewell, leave."""

import signal

import msgspec

from beaker.messages.subkernel import GaveUp, ShutDown, Starting, SubkernelFailure
from beaker.subkernels.actions import Action, Clear, Launch, Leave, Record, Reply, Ring, Send, Tell
from beaker.subkernels.facts import GraceOver, StartTimedOut
from beaker.subkernels.life_state import State, Step


def launch(state: State) -> Step:
    """Begin the next generation."""
    generation = state.generation + 1
    following = msgspec.structs.replace(
        state, phase="launching", generation=generation, subkernel=None, answered=False, reachable=True, reason=""
    )
    return following, [Tell(event=Starting(generation=generation)), Launch(generation=generation)]


def start_timer(state: State) -> list[Action]:
    """Watch the start, while there is an owner that can say when it is over."""
    if state.answered or state.owner is None or state.phase != "up":
        return []
    alarm = StartTimedOut(generation=state.generation, watch=state.watch)
    return [Ring(after_s=state.policy.start_timeout_s, alarm=alarm)]


def give_up(state: State, reason: str, before: list[Action]) -> Step:
    """Nothing runs and nothing will be started until the user asks."""
    following = msgspec.structs.replace(state, phase="dead", subkernel=None, reason=reason, restarters=())
    refusals = [Reply(number=number, reply=SubkernelFailure(reason=reason)) for number in state.restarters]
    return following, [*before, Record(), Tell(event=GaveUp(generation=state.generation, reason=reason)), *refusals]


def leave(state: State, before: list[Action]) -> Step:
    """Nothing lives any more: clean up, answer, go. The folder goes first: whoever hears the answer may make it anew."""
    refusal = SubkernelFailure(reason="The kernel is shutting down, so nothing is restarted.")
    following = msgspec.structs.replace(state, phase="gone", subkernel=None, restarters=(), leavers=())
    answers = [Reply(number=number, reply=ShutDown()) for number in state.leavers]
    refusals = [Reply(number=number, reply=refusal) for number in state.restarters]
    return following, [*before, Clear(), *answers, *refusals, Leave()]


def farewell(generation: int, grace_s: float) -> list[Action]:
    """Let a process leave by itself, then ask by SIGTERM at half time, then SIGKILL: the steps of jupyter_client."""
    if grace_s <= 0:
        return [Send(generation=generation, signal=signal.SIGKILL)]
    half = Ring(after_s=grace_s / 2, alarm=GraceOver(generation=generation, last=False))
    return [half, Ring(after_s=grace_s, alarm=GraceOver(generation=generation, last=True))]
