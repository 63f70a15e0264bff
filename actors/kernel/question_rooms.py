"""The rooms that questions and commands need: opened by the first cell or message of ours.

They are half of the KernelActor's rooms, and an ordinary session never enters them. So this module, with all that it imports, is
imported by `Rooms` alone, after the sockets are bound, and the rooms are made by the first who needs one (`questions_door.py`).
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, assert_never

from actors.kernel.channels.prompts import Prompts
from actors.kernel.channels.shell import Shell
from actors.kernel.commands.choices import Choices
from actors.kernel.commands.commands import Commands
from actors.kernel.commands.namesakes import Namesakes
from actors.kernel.commands.own_cells import OwnCells
from actors.kernel.consent.asking_back import AskingBack
from actors.kernel.consent.clearance import Clearance
from actors.kernel.consent.consent import Consent
from actors.kernel.consent.runs import Runs
from actors.kernel.life.ending import Ending
from actors.kernel.life.supervisor_door import SupervisorDoor
from actors.kernel.looks.looking import Looking
from actors.kernel.questions.agent_door import AgentDoor, End, Start
from actors.kernel.questions.turns import Turns
from actors.kernel.state.state import KernelState
from actors.runtime.actor import ActorContext, Asked
from beaker.kernel.hiding import Hiding, secrets_of
from beaker.kernel.pending import Channel
from beaker.messages.kernel import AgentSaid, KernelMessage
from beaker.messages.look import ReadCells, ReadOutput, ShowVariable
from beaker.messages.running import AskUser, InterruptSession, RestartSession, RunCode
from beaker.messages.turn import Began, Delta, Ended, Learned, ListVariables, ProposeCell, Thought, ToolAnswered, ToolCalled, Used, Waiting
from beaker.settings.load import Loaded
from beaker.wire.parts import Header, Parts

if TYPE_CHECKING:
    from actors.kernel.commands.custom_messages import CustomMessages


class Questions:
    """Wires them together.

    Args:
        folder: the kernel's runtime folder.
        start_agent, end_agent: start the agent's process, and end it though it does not answer.
        client_key: of the clients' connections.
        interrupt: interrupts what the subkernel runs.
        ending: ends the subkernel and starts a fresh one.
    """

    def __init__(
        self,
        state: KernelState,
        context: ActorContext[KernelMessage],
        loaded: Loaded,
        folder: str,
        *,
        shell: Shell,
        prompts: Prompts,
        supervisor: SupervisorDoor,
        start_agent: Start,
        end_agent: End,
        client_key: str,
        interrupt: Callable[[], None],
        ending: Ending,
    ) -> None:
        self._state = state
        self._context = context
        self.agent = AgentDoor(start_agent, end_agent, context, folder)
        hiding = Hiding(partial(_own_secrets, state, client_key), secrets_of(state.surroundings.environment))
        state.transcript.show = hiding.piece
        self.looking = Looking(state, context, folder, hiding)
        self.turns = turns = Turns(state, context, self.agent, self.looking)
        self.agent.busy = lambda: any(turn.asked for turn in turns.all_running())
        clearance = Clearance(state.kernel_id, supervisor, context.log)
        self.consent = Consent(
            state, context, clearance, self.agent, prompts, turns.course, waits_behind=turns.waits_behind, on_parked=turns.line.moved
        )
        self._runs = turns.work = Runs(
            state,
            context,
            shell,
            self.consent,
            clearance,
            AskingBack(state, prompts, waits_behind=turns.waits_behind),
            find=turns.find,
            interrupt=interrupt,
            restart=ending.restart,
            on_served=turns.served,
        )
        self._choices = Choices(state, context, self.agent, turns.course)
        self.commands = Commands(state, context, turns, self._choices, self.consent, clearance, loaded, ending)
        namesakes = Namesakes(state, context, turns, self.looking)
        self.cells = OwnCells(state, shell, turns, self.commands, self.looking, namesakes)
        self._custom: CustomMessages | None = None

    def receive(self, message: AgentSaid, asked: Asked | None) -> None:
        """The agent says or asks something."""
        match message:
            case Began() | Delta() | Waiting() | Thought() | ToolCalled() | ToolAnswered() | Used() | Learned() | Ended():
                self.turns.event(message)
            case ListVariables() | ShowVariable() | ReadCells() | ReadOutput():
                self.turns.taint(message.turn)
                self.looking.look(message, asked)
            case ProposeCell():
                self.turns.propose(message, asked)
            case RunCode() | InterruptSession() | RestartSession() | AskUser():
                self._runs.take(message, asked)
            case _:
                assert_never(message)

    def take_request(self, idents: list[bytes], header: Header, parts: Parts, channel: Channel) -> None:
        """Answer a request of our own kind."""
        if self._custom is None:
            # Imported by the first of them: only interfaces that know us send any.
            from actors.kernel.commands.custom_messages import CustomMessages

            self._custom = CustomMessages(self._state, self._context, self.turns, self.consent, self._choices, self.looking)
        self._custom.take(idents, header, parts, channel)


def _own_secrets(state: KernelState, client_key: str) -> Iterator[str]:
    """Who holds one of these may speak to this kernel, or to the server that started it."""
    yield client_key
    if state.subkernel is not None:
        yield state.subkernel.connection.key
    yield from secrets_of(
        {name: value for name, value in state.surroundings.environment.items() if name.startswith(("JUPYTER", "JPY_", "BEAKER_"))}
    )
