"""All that may arrive in the KernelActor's mailbox."""

from beaker.messages.subkernel import Died, GaveUp, Started, Starting
from beaker.messages.turn import Began, Delta, Ended, ListVariables, ProposeCell, Waiting

KernelMessage = Starting | Started | Died | GaveUp | Began | Delta | Waiting | Ended | ListVariables | ProposeCell
