"""The first steps of a Supervisor, before asyncio is imported: adopt what lives, or launch.

Between the fork of the Supervisor and the exec of the subkernel stands only what a launch needs; importing asyncio and
the runtime costs four times as much, so it comes after, while the subkernel imports its own.
"""

import time

from actors.supervisor.household import Household
from actors.supervisor.record import Record
from beaker.subkernels.actions import Action, Forget, Launch, Send
from beaker.subkernels.actions import Record as WriteDown
from beaker.subkernels.facts import Fact, Opened
from beaker.subkernels.life_state import State
from beaker.subkernels.lifecycle import step


def open_life(household: Household, state: State, remembered: Record | None = None) -> tuple[State, list[Action]]:
    """Begin the life of a subkernel.

    Args:
        remembered: what the owner knows of one that lives, for where its record was cleaned away.

    Returns:
        The state, and the actions that are left because they need a loop or somebody to talk to.
    """
    left: list[Action] = []
    facts: list[Fact] = [Opened(now=time.monotonic(), at=time.time(), found=household.find(remembered))]
    while facts:
        state, actions = step(state, facts.pop(0))
        for action in actions:
            match action:
                case Launch(generation=generation):
                    launched = household.launch(generation)
                    if launched is None:
                        left.append(action)
                    else:
                        facts.append(launched)
                case WriteDown():
                    household.write_down(state)
                case Forget(generation=generation):
                    household.forget(generation)
                case Send(generation=generation, signal=number):
                    household.send(generation, number)
                case _:
                    left.append(action)
    return state, left
