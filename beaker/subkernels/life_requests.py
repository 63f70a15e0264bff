"""What the owner asks of a subkernel's life: attach, restart, interrupt, shut down. Each is answered exactly once.

Part of `lifecycle.step`, which is the only caller.
"""

import signal
from typing import Literal, TypeAlias, assert_never

import msgspec

from beaker.messages.subkernel import Attach, Attached, Interrupt, Interrupted, Restart, ShutDown, Shutdown, SubkernelFailure
from beaker.subkernels.actions import Action, Record, Reply, Send
from beaker.subkernels.life_state import State, Step
from beaker.subkernels.transitions import farewell, launch, leave, start_timer

StateWord: TypeAlias = Literal["starting", "running", "restarting", "stopped", "dead"]

_ENDING_WORDS: dict[str, StateWord] = {"restart": "restarting", "hung": "starting", "leave": "stopped"}


def attach(state: State, number: int, request: Attach) -> Step:
    """Take a new owner; the newest wins, because the kernel it came for is one. A subkernel that it cannot reach is replaced."""
    if state.phase == "gone" or (state.phase == "ending" and state.purpose == "leave"):
        refusal = SubkernelFailure(reason="This Supervisor is leaving; start another one.")
        return state, [Reply(number=number, reply=refusal)]
    first_owner = state.last_owner in (None, request.pid)
    following = msgspec.structs.replace(state, owner=request.pid, last_owner=request.pid, owner_lost_at=None, watch=state.watch + 1)
    ended: list[Action] = []
    # Where it had answered, the connections of the owner of then outlive the names of its sockets.
    if not state.reachable and not (first_owner and state.answered) and state.phase == "up":
        following = msgspec.structs.replace(following, phase="ending", purpose="restart")
        ended = farewell(state.generation, 0)
    attached = Attached(
        subkernel=following.subkernel if following.phase == "up" else None,
        generation=state.generation,
        state=_state_word(following),
        reason=state.reason,
        first_owner=first_owner,
        owner_lost_at=state.owner_lost_at,
        session_lost=not first_owner and state.heard > 0 and (state.heard < state.generation or bool(ended)),
        used=state.answered,
    )
    return following, [Reply(number=number, reply=attached), Record(), *ended, *start_timer(following)]


def _state_word(state: State) -> StateWord:
    """The state as the owner is told it."""
    match state.phase:
        case "new":
            return "starting"
        case "launching":
            return "starting" if state.generation == 1 else "restarting"
        case "up":
            return "running"
        case "ending":
            return _ENDING_WORDS[state.purpose]
        case "dead":
            return "dead"
        case "gone":
            return "stopped"
        case _:
            assert_never(state.phase)


def restart(state: State, number: int, request: Restart) -> Step:
    """End what lives and start anew; a launch that is on its way is new enough."""
    following = msgspec.structs.replace(state, restarters=(*state.restarters, number))
    match state.phase:
        case "new" | "gone":
            return state, [Reply(number=number, reply=SubkernelFailure(reason="There is nothing to restart: the kernel is shut down."))]
        case "launching":
            return following, []
        case "dead":
            return launch(msgspec.structs.replace(following, intensity=state.intensity.forgotten()))
        case "up":
            following = msgspec.structs.replace(following, phase="ending", purpose="restart")
            return following, farewell(state.generation, request.grace_s)
        case "ending" if state.purpose == "leave":
            return state, [Reply(number=number, reply=SubkernelFailure(reason="The kernel is shutting down, so nothing is restarted."))]
        case "ending":
            return msgspec.structs.replace(following, purpose="restart"), farewell(state.generation, request.grace_s)
        case _:
            assert_never(state.phase)


def interrupt(state: State, number: int, request: Interrupt) -> Step:
    """Pass SIGINT on to the generation that was meant, and to no other."""
    if request.generation != state.generation or state.phase != "up" or state.subkernel is None:
        refusal = f"Generation {request.generation} of the subkernel does not run, so it cannot be interrupted."
        return state, [Reply(number=number, reply=SubkernelFailure(reason=refusal))]
    if state.subkernel.interrupt_mode == "message":
        refusal = f"The subkernel {state.spec_name} is interrupted by a message on its control channel, not by a signal."
        return state, [Reply(number=number, reply=SubkernelFailure(reason=refusal))]
    return state, [Send(generation=state.generation, signal=signal.SIGINT), Reply(number=number, reply=Interrupted())]


def shutdown(state: State, number: int, request: Shutdown) -> Step:
    """End everything; a later request may shorten the farewell of an earlier one."""
    if state.phase == "gone":
        return state, [Reply(number=number, reply=ShutDown())]
    following = msgspec.structs.replace(state, leavers=(*state.leavers, number))
    if state.phase in ("new", "dead"):
        return leave(following, [])
    following = msgspec.structs.replace(following, phase="ending", purpose="leave")
    if state.subkernel is None:
        return following, []
    return following, farewell(state.generation, request.grace_s)
