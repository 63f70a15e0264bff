"""Life and death of one subkernel, as a pure function: `step(state, fact)` gives the next state and what to do.

The Supervisor performs the actions and tells the facts; every decision is here, so that kills, late messages and lost
owners are tested without a process. What holds, whatever happens: at most one process lives per subkernel; each request
is answered once; nobody is alive after the lease; no more than limit + 1 starts within a window that nobody asked for.

Facts of a generation that is over are dropped. Timers are never cancelled; each carries the generation or the watch that
it belongs to and is dropped when that is over.
"""

import signal
from typing import assert_never

import msgspec

from beaker.messages.subkernel import Attach, Died, Interrupt, Ready, Restart, Restarted, Shutdown, Started
from beaker.subkernels import exit_words
from beaker.subkernels.actions import Action, Forget, Record, Reply, Ring, Send, Tell
from beaker.subkernels.facts import (
    Asking,
    Exited,
    Fact,
    GraceOver,
    Launched,
    LaunchFailed,
    LeaseOver,
    Opened,
    OwnerLost,
    StartTimedOut,
    ToldToLeave,
)
from beaker.subkernels.life_requests import attach, interrupt, restart, shutdown
from beaker.subkernels.life_state import State, Step
from beaker.subkernels.transitions import give_up, launch, leave, start_timer

LEASE_GRACE_S = 1.0
"""From the polite signal to SIGKILL once the lease is over: nobody is left to wait for a longer farewell."""

_PORT_TAKEN = "ddress already in use"
"""What a kernel writes that lost the race for its tcp ports: the one failed start that is worth another try."""


def step(state: State, fact: Fact) -> Step:
    """Decide what follows from a fact."""
    match fact:
        case Opened():
            return _opened(state, fact)
        case Launched():
            return _launched(state, fact)
        case LaunchFailed():
            return _launch_failed(state, fact)
        case Exited():
            return _exited(state, fact)
        case Ready():
            return _ready(state, fact)
        case OwnerLost():
            return _owner_lost(state, fact)
        case ToldToLeave():
            return _end(state)
        case StartTimedOut() | GraceOver() | LeaseOver():
            return _rung(state, fact)
        case Asking(number=number, request=request):
            match request:
                case Attach():
                    return attach(state, number, request)
                case Restart():
                    return restart(state, number, request)
                case Interrupt():
                    return interrupt(state, number, request)
                case Shutdown():
                    return shutdown(state, number, request)
                case _:
                    assert_never(request)
        case _:
            assert_never(fact)


def _opened(state: State, fact: Opened) -> Step:
    """Adopt what lives, or start, unless it was given up; always the lease runs until an owner comes."""
    lease = Ring(after_s=state.policy.lease_s, alarm=LeaseOver(watch=state.watch))
    if state.phase == "dead" and (fact.found is None or not fact.found.alive):
        return state, [lease]
    if fact.found is None:
        following, actions = launch(state)
        return following, [lease, *actions]
    old = fact.found.subkernel
    known = msgspec.structs.replace(
        state,
        phase="up",
        generation=old.generation,
        subkernel=old,
        spec_path=fact.found.spec_path,
        last_owner=fact.found.owner,
        owner_lost_at=fact.found.owner_lost_at,
        heard=fact.found.heard,
        reachable=fact.found.reachable,
    )
    if not fact.found.alive:
        death = Exited(generation=old.generation, status=None, stderr_tail="", now=fact.now, at=fact.at)
        following, actions = _exited(msgspec.structs.replace(known, answered=True), death)
        return following, [lease, *actions]
    adopted = msgspec.structs.replace(old, adopted=True)
    following = msgspec.structs.replace(known, subkernel=adopted, answered=fact.found.answered)
    return following, [lease, Record(), Tell(event=Started(subkernel=adopted))]


def _launched(state: State, fact: Launched) -> Step:
    """A process runs: say so, unless it is too late for it."""
    generation = fact.subkernel.generation
    if generation != state.generation or state.subkernel is not None or state.phase not in ("launching", "ending"):
        return state, [Send(generation=generation, signal=signal.SIGKILL), Forget(generation=generation)]
    following = msgspec.structs.replace(state, subkernel=fact.subkernel, spec_path=fact.spec_path)
    if state.phase == "ending":
        return following, [Record(), Send(generation=generation, signal=signal.SIGKILL)]
    following = msgspec.structs.replace(following, phase="up", restarters=())
    answers = [Reply(number=number, reply=Restarted(generation=generation)) for number in state.restarters]
    return following, [Record(), Tell(event=Started(subkernel=fact.subkernel)), *answers, *start_timer(following)]


def _launch_failed(state: State, fact: LaunchFailed) -> Step:
    """No process could be made: trying again would fail in the same way."""
    if fact.generation != state.generation or state.subkernel is not None:
        return state, []
    if state.phase == "ending":
        return leave(state, [Forget(generation=fact.generation)])
    if state.phase != "launching":
        return state, []
    return give_up(state, fact.reason, [Forget(generation=fact.generation)])


def _exited(state: State, fact: Exited) -> Step:
    """A process ended: what was wanted goes on, what was not is a death."""
    if fact.generation != state.generation or state.subkernel is None:
        return state, []
    before: list[Action] = [Forget(generation=fact.generation)]
    following = msgspec.structs.replace(state, subkernel=None)
    if state.phase == "ending":
        match state.purpose:
            case "leave":
                return leave(following, before)
            case "restart":
                following, actions = launch(msgspec.structs.replace(following, intensity=state.intensity.forgotten()))
                return following, [*before, *actions]
            case "hung":
                words = f"it did not answer within {state.policy.start_timeout_s:g} s"
                reason = exit_words.of_failed_start(state.spec_name, state.spec_path, words, fact.stderr_tail, limits=state.limits)
                return give_up(following, reason, [*before, _died(fact, words, restarting=False)])
            case _:
                assert_never(state.purpose)
    words = exit_words.of_exit(fact.status, fact.stderr_tail)
    left_by_itself = fact.status is not None and fact.status >= 0
    if not state.answered and left_by_itself and _PORT_TAKEN not in fact.stderr_tail:
        reason = exit_words.of_failed_start(state.spec_name, state.spec_path, words, fact.stderr_tail, limits=state.limits)
        return give_up(following, reason, [*before, _died(fact, words, restarting=False)])
    intensity = state.intensity.after_restart(fact.now)
    if intensity is None:
        reason = exit_words.of_crash_loop(
            state.spec_name,
            state.spec_path,
            words,
            fact.stderr_tail,
            deaths=state.intensity.limit + 1,
            window_s=state.intensity.window_s,
            limits=state.limits,
        )
        return give_up(following, reason, [*before, _died(fact, words, restarting=False)])
    following, actions = launch(msgspec.structs.replace(following, intensity=intensity))
    return following, [*before, _died(fact, words, restarting=True), *actions]


def _died(fact: Exited, words: str, *, restarting: bool) -> Tell:
    """The event for a death that nobody had asked for."""
    return Tell(event=Died(generation=fact.generation, reason=words, at=fact.at, stderr_tail=fact.stderr_tail, restarting=restarting))


def _ready(state: State, fact: Ready) -> Step:
    """The start is over."""
    if fact.generation != state.generation or state.phase != "up" or state.heard == fact.generation:
        return state, []
    return msgspec.structs.replace(state, answered=True, heard=fact.generation), [Record()]


def _rung(state: State, alarm: StartTimedOut | GraceOver | LeaseOver) -> Step:
    """A timer ran out; it counts only if what it was set for still lasts."""
    match alarm:
        case StartTimedOut(generation=generation, watch=watch):
            if generation != state.generation or watch != state.watch or state.phase != "up" or state.answered:
                return state, []
            following = msgspec.structs.replace(state, phase="ending", purpose="hung")
            return following, [Send(generation=generation, signal=signal.SIGKILL)]
        case GraceOver(generation=generation, last=last):
            if generation != state.generation or state.phase != "ending":
                return state, []
            return state, [Send(generation=generation, signal=signal.SIGKILL if last else signal.SIGTERM)]
        case LeaseOver(watch=watch):
            if watch != state.watch or state.owner is not None or state.phase == "gone":
                return state, []
            return _end(state)
        case _:
            assert_never(alarm)


def _end(state: State) -> Step:
    """End all, soon, because nobody is there to say farewell to."""
    if state.phase == "gone":
        return state, []
    if state.phase in ("new", "dead"):
        return leave(state, [])
    following = msgspec.structs.replace(state, phase="ending", purpose="leave")
    kill = Ring(after_s=LEASE_GRACE_S, alarm=GraceOver(generation=state.generation, last=True))
    return following, [Send(generation=state.generation, signal=signal.SIGTERM), kill]


def _owner_lost(state: State, fact: OwnerLost) -> Step:
    """The owner is gone: wait for the next one as long as the lease lasts."""
    if fact.pid != state.owner or state.phase == "gone":
        return state, []
    following = msgspec.structs.replace(state, owner=None, owner_lost_at=fact.at, watch=state.watch + 1)
    return following, [Record(), Ring(after_s=state.policy.lease_s, alarm=LeaseOver(watch=following.watch))]
