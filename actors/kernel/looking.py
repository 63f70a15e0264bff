"""Looking at the session without running code in it.

ipykernel answers `inspectVariables` on its control channel without a debugger being attached and while a cell runs. An
execute_request, even a silent one, would fire the user's hooks and close the figure that a cell is drawing.
"""

import asyncio
import time

import msgspec

from actors.kernel.state import KernelState
from actors.kernel.subkernel_link import SubkernelGone
from actors.runtime.actor import Asked
from beaker.messages.turn import TurnFailure, Variable, Variables
from beaker.wire.parts import CONTENT, UNREADABLE

TIME_BOX_S = 1.0
SUMMARY_CHARS = 200
VARIABLES = 200
"""More are named in the note; a model has no use for a thousand."""


class _Seen(msgspec.Struct, frozen=True):
    name: str = ""
    value: str = ""
    type: str | None = ""


class _Body(msgspec.Struct, frozen=True):
    variables: list[_Seen] = []


class _Answer(msgspec.Struct, frozen=True):
    success: bool = False
    body: _Body = _Body()


async def list_variables(state: KernelState, asked: Asked) -> None:
    """Answer a ListVariables with the user's variables, or with a failure in words."""
    link = state.ready_link()
    if link is None:
        asked.fail(TurnFailure(reason=f"there is no session to look at: the subkernel is {state.phase.value}"))
        return
    if "debugger" not in state.features:
        words = f"the variables of a {state.language} session cannot be listed; ask the user to print what is needed"
        asked.fail(TurnFailure(reason=words))
        return
    request = {"type": "request", "seq": 1, "command": "inspectVariables", "arguments": {}}
    try:
        async with asyncio.timeout(TIME_BOX_S):
            reply = await link.ask("control", "debug_request", request)
        answer = msgspec.json.decode(reply[CONTENT], type=_Answer)
    except TimeoutError:
        asked.fail(TurnFailure(reason="the session did not answer within a second; a cell holds the interpreter, try again later"))
        return
    except (SubkernelGone, *UNREADABLE):
        asked.fail(TurnFailure(reason="the session could not be looked at; it may have just been restarted"))
        return
    # ipykernel groups others under names with a blank: "special variables", "function variables".
    seen = [each for each in answer.body.variables if each.name.isidentifier()]
    notes = [f"{len(seen) - VARIABLES} more variables are not shown"] if len(seen) > VARIABLES else []
    if state.requests.running() is not None:
        notes.append(f"as of {time.strftime('%H:%M:%S')}, while a cell is running")
    variables = [Variable(name=each.name, type=each.type or "", summary=each.value[:SUMMARY_CHARS]) for each in seen[:VARIABLES]]
    asked.answer(Variables(variables=variables, note="; ".join(notes)))
