"""All that may arrive in the KernelActor's mailbox."""

from beaker.messages.look import LookRequest
from beaker.messages.running import RunRequest
from beaker.messages.subkernel import Died, GaveUp, Started, Starting
from beaker.messages.turn import (
    Began,
    Delta,
    Ended,
    Learned,
    ListVariables,
    ProposeCell,
    Thought,
    ToolAnswered,
    ToolCalled,
    Used,
    Waiting,
)

AgentSaid = (
    Began
    | Delta
    | Waiting
    | Thought
    | ToolCalled
    | ToolAnswered
    | Used
    | Learned
    | Ended
    | ListVariables
    | ProposeCell
    | LookRequest
    | RunRequest
)
"""What the agent says and asks."""

KernelMessage = Starting | Started | Died | GaveUp | AgentSaid
