"""The KernelActor: one Jupyter kernel as clients see it.

It owns the clients' side (`front`), the transcript and the link to the subkernel. Client messages do not pass its mailbox: the two
edges call its rooms directly on the loop, because an ordinary cell must cost one hop and nothing more. The mailbox
carries what other actors say: the Supervisor (a subkernel started, died) and the agent (more text, a look wanted).

```
            shell.py    requests and replies        own_cells.py  %beaker, %%ai      life.py  greet, bury, take over
  front --> control.py  interrupt, debug, shutdown  turns.py      one question       supervisor_door.py, agent_door.py
            stdin.py    input()                     looking.py    variables
            iopub.py    relay, accounting                                            --> subkernel_link
```
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, assert_never

from actors.kernel.agent_door import AgentDoor, Start
from actors.kernel.choices import Choices
from actors.kernel.commands import Commands
from actors.kernel.consent import Consent
from actors.kernel.control import Control
from actors.kernel.front import Front, Handlers
from actors.kernel.hang_watch import HangWatch
from actors.kernel.inflight_log import InflightLog
from actors.kernel.interrupt import interrupt_subkernel
from actors.kernel.iopub import Iopub
from actors.kernel.life import Life
from actors.kernel.own_cells import OwnCells
from actors.kernel.prompts import Prompts
from actors.kernel.publisher import Publisher
from actors.kernel.runs import Runs
from actors.kernel.shell import Shell
from actors.kernel.state import KernelState, Phase
from actors.kernel.stdin import Stdin
from actors.kernel.supervisor_door import Connect, SupervisorDoor, SupervisorMissing
from actors.kernel.turns import Turns
from actors.runtime.actor import Actor, Asked, Down
from actors.runtime.failures import AskError, AskFailed
from actors.supervisor.role import Remembered
from beaker.kernel.interrupting import Interrupted
from beaker.kernel.missed_variable import MissedVariable
from beaker.kernel.requests import Channel
from beaker.kernel.transcript import Transcript
from beaker.messages.base import KernelId
from beaker.messages.kernel import KernelMessage
from beaker.messages.look import ReadCells, ReadOutput, ShowVariable
from beaker.messages.running import AskUser, InterruptSession, RestartSession, RunCode
from beaker.messages.subkernel import Attached, Died, GaveUp, Ready, Restart, Shutdown, Started, Starting, SubkernelFailure
from beaker.messages.turn import (
    Began,
    Delta,
    Ended,
    ListVariables,
    ProposeCell,
    Thought,
    ToolAnswered,
    ToolCalled,
    Used,
    Waiting,
)
from beaker.settings.load import Loaded
from beaker.wire.compose import Composer
from beaker.wire.parts import Header, Parts

if TYPE_CHECKING:
    from actors.kernel.custom_messages import CustomMessages
    from actors.kernel.looking import Looking

ATTACH_AGAIN_S = 5.0
RESTART_GRACE_S = 5.0
"""How long a session may take to run its exit handlers when nobody counts the seconds; SIGTERM comes at half of it."""
RESTART_TIMEOUT_S = 60.0
HURRY_AFTER_S = 0.25
"""Two wishes to shut down within this time have one cause: a terminal that closes sends SIGHUP and SIGTERM."""
SHUTDOWN_MARGIN_S = 1.0
"""What the Supervisor may take beyond the grace of the subkernel."""


class KernelActor(Actor[KernelMessage]):
    """One kernel.

    Args:
        make_front: opens the clients' side; called once, with the actor as the one who is told what clients send.
        connect_supervisor: reaches a living Supervisor or starts one.
        start_agent: starts the agent's process.
        on_finished: called once when the kernel has shut down.
    """

    def __init__(
        self,
        *,
        kernel_id: KernelId,
        loaded: Loaded,
        folder: str,
        make_front: Callable[[Handlers], Front],
        connect_supervisor: Connect,
        start_agent: Start,
        on_finished: Callable[[], None],
    ) -> None:
        self._kernel_id = kernel_id
        self._loaded = loaded
        self._folder = folder
        self._make_front = make_front
        self._supervisor = SupervisorDoor(kernel_id, connect_supervisor)
        self._start_agent = start_agent
        self._on_finished = on_finished
        self._ending: asyncio.Task[object] | None = None
        self._ending_since = 0.0
        self._hurried = False
        self._custom: CustomMessages | None = None
        self._without_supervisor = False
        self._looking: Looking | None = None

    async def on_start(self) -> None:
        context, settings = self.context, self._loaded.settings
        front = self._make_front(self)
        self._state = state = KernelState(
            kernel_id=self._kernel_id,
            settings=settings,
            front=front,
            publisher=Publisher(front),
            transcript=Transcript(settings.kernel.transcript_bytes),
            private=Composer(f"beaker-{self._kernel_id}", f"{time.time_ns():x}"),
            log=context.log,
            inflight=InflightLog(f"{self._folder}/inflight", context.log),
            missed_variable=MissedVariable(self._loaded.withheld, self._loaded.user_file),
        )
        self._shell = Shell(state)
        self._control = Control(state, self)
        self._iopub = Iopub(state)
        prompts = Prompts(state)
        self._stdin = Stdin(state, prompts)
        self._life = Life(state, self._shell, self._control, self, context, on_ready=self._subkernel_ready)
        self._agent = AgentDoor(self._start_agent, context)
        self._turns = Turns(state, context, self._agent, self.looking)
        self._consent = Consent(state, context, self._supervisor, self._agent, prompts)
        self._turns.work = self._runs = Runs(
            state,
            context,
            self._shell,
            self._consent,
            prompts,
            find=self._turns.find,
            interrupt=self._interrupt_subkernel,
            restart=self.restart,
            on_served=self._turns.served,
        )
        self._hangs = HangWatch(state)
        self._choices = choices = Choices(state, context, self._agent, self._turns.chosen)
        commands = Commands(state, self._turns, choices, self._consent, self._hangs, self._loaded, restart=self.restart)
        self._shell.own_cells = OwnCells(state, self._shell, self._turns, commands, self.looking)
        self._shell.take_own = self.take_own
        context.spawn(self._attach(), name="attach")
        context.spawn(self._hangs.run(), name="hang-watch")

    def receive(self, message: KernelMessage, asked: Asked | None) -> None:
        match message:
            case Starting():
                self._life.starting(message)
            case Started():
                self._life.started(message.subkernel, takeover=False)
            case Died():
                self._life.died(message)
            case GaveUp():
                self._life.gave_up(message)
            case Began() | Delta() | Waiting() | Thought() | ToolCalled() | ToolAnswered() | Used() | Ended():
                self._turns.event(message)
            case ListVariables() | ShowVariable() | ReadCells() | ReadOutput():
                self._turns.taint(message.turn)
                self.looking().look(message, asked)
            case ProposeCell():
                self._turns.propose(message, asked)
            case RunCode() | InterruptSession() | RestartSession() | AskUser():
                self._runs.take(message, asked)
            case _:
                assert_never(message)

    def on_down(self, down: Down) -> None:
        if self._ending is not None:
            return
        if down.name == self._agent.link_name:
            self.context.log.warning("agent.lost", reason=down.reason)
            self._turns.agent_lost()
        elif down.name == self._supervisor.link_name:
            self.context.log.warning("supervisor.lost", reason=down.reason)
            self.context.spawn(self._attach(), name="attach")

    async def on_stop(self) -> None:
        self._turns.stop()
        self._life.close("the kernel was shut down")
        self._agent.close()
        self._state.inflight.close()
        self._state.front.close()

    def looking(self) -> "Looking":
        """The room of looks. Made for the first one: importing it is a part of the start that no ordinary cell needs."""
        if self._looking is None:
            from actors.kernel.looking import Looking

            self._looking = Looking(self._state, self.context, self._folder)
        return self._looking

    # What clients send (see Handlers).

    def shell_request(self, idents: list[bytes], header: Header, parts: Parts) -> None:
        """A request on the shell channel."""
        self._shell.request(idents, header, parts)

    def control_request(self, idents: list[bytes], header: Header, parts: Parts) -> None:
        """A request on the control channel."""
        self._control.request(idents, header, parts)

    def stdin_reply(self, idents: list[bytes], header: Header, parts: Parts) -> None:
        """An input_reply."""
        self._stdin.reply(idents, header, parts)

    def subscribed(self, topic: bytes) -> None:
        """A client listens to iopub from now on."""
        self._state.publisher.welcome(topic)

    def missed(self, count: int, parent: bytes) -> Parts:
        """What a client is told that had stopped reading iopub."""
        return self._state.publisher.missed(count, parent=parent)

    # What the subkernel sends (see LinkHandlers).

    def shell_reply(self, header: Header, parent: Header, parts: Parts) -> None:
        """A reply on the shell channel."""
        del header
        self._shell.reply(parent, parts)

    def control_reply(self, header: Header, parent: Header, parts: Parts) -> None:
        """A reply on the control channel."""
        del header
        self._control.reply(parent, parts)

    def input_request(self, parent: Header, parts: Parts) -> None:
        """A cell calls `input()`."""
        self._stdin.request(parent, parts)

    def iopub_message(self, topic: list[bytes], header: Header, parent: Header, parts: Parts) -> None:
        """An output or a status."""
        self._iopub.message(topic, header, parent, parts)

    def private_iopub(self, header: Header, parent: Header, parts: Parts) -> None:
        """The echo of a request of our own."""
        self._iopub.private(header, parent, parts)

    def shell_flushed(self) -> None:
        """The subkernel takes requests again."""
        self._shell.flushed()

    # What a control request can set in motion (see Powers).

    @property
    def turn_running(self) -> bool:
        """Whether a question is being answered that does not wait, parked, for the user."""
        return bool(self._turns.attended)

    @property
    def asking(self) -> bool:
        """Whether a prompt for consent stands open."""
        return self._consent.asking

    def take_own(self, idents: list[bytes], header: Header, parts: Parts, channel: Channel) -> None:
        """Answer a request of our own kind."""
        if self._custom is None:
            # Imported by the first of them: stock clients send none, and the kernel's start is measured.
            from actors.kernel.custom_messages import CustomMessages

            self._custom = CustomMessages(self._state, self.context, self._turns, self._consent, self._choices, looking=self.looking)
        self._custom.take(idents, header, parts, channel)

    def interrupt(self, what: Interrupted) -> None:
        """Stop a cell, a turn or both."""
        if what.park:
            self._consent.park_all()
        if what.turn:
            self._turns.stop(attended_only=True)
        if what.subkernel:
            self._interrupt_subkernel()

    def interrupt_by_signal(self) -> None:
        """SIGINT reached this process: the same as an interrupt_request."""
        self._control.interrupt()

    def shut_down(self, *, restart: bool) -> None:
        """End the subkernel, then this process. A second call, as by SIGTERM, ends the subkernel's grace and so hurries the first."""
        now = time.monotonic()
        if self._ending is None:
            self.context.log.info("kernel.shutdown", restart=restart)
            self._ending, self._ending_since = self.context.spawn(self._shut_down(restart=restart), name="shut-down"), now
        elif now - self._ending_since >= HURRY_AFTER_S and not self._hurried:
            self.context.log.info("kernel.shutdown_hurried")
            self._hurried = True
            self.context.spawn(self._hurry(), name="hurry")

    @property
    def remembered(self) -> Remembered:
        """What a new Supervisor should know of the subkernel's life so far."""
        state = self._state
        return Remembered(
            generation=state.generation,
            subkernel=state.subkernel,
            start=state.subkernel_start,
            dead_reason=state.dead_reason if state.phase is Phase.DEAD and not self._without_supervisor else "",
        )

    async def restart(self) -> None:
        """A fresh subkernel, because the user said so.

        Raises:
            SupervisorMissing: it could not be done; the sentence says why.
        """
        supervisor = self._supervisor.ref
        if supervisor is None:
            self._life.resume()
            raise SupervisorMissing("the process that watches the subkernel is being restarted; try again in a second")
        try:
            self._ask_to_leave(restart=True)
            await supervisor.ask(Restart(grace_s=RESTART_GRACE_S), timeout_s=RESTART_TIMEOUT_S)
        except AskFailed as refused:
            self._life.resume()
            reason = refused.failure.reason if isinstance(refused.failure, SubkernelFailure) else str(refused)
            raise SupervisorMissing(reason) from None
        except AskError as error:
            self._life.resume()
            raise SupervisorMissing(str(error)) from None

    def _interrupt_subkernel(self) -> None:
        self.context.spawn(interrupt_subkernel(self._state, self._supervisor), name="interrupt")

    async def _attach(self) -> None:
        state = self._state
        while True:
            try:
                attached = await self._supervisor.attach(self.context)
            except SupervisorMissing as error:
                self.context.log.error("supervisor.missing", reason=str(error))
                if state.link is None and state.phase is not Phase.DEAD:
                    self._without_supervisor = True
                    self._life.gave_up(GaveUp(generation=state.generation, reason=str(error)))
            else:
                self._take_stock(attached)
                return
            # A full disk or a missing folder may be mended by then; cells run on meanwhile.
            await asyncio.sleep(ATTACH_AGAIN_S)

    def _take_stock(self, attached: Attached) -> None:
        state = self._state
        state.supervisor_pid = self._supervisor.pid
        self._without_supervisor = False
        first_look = state.generation == 0
        if not first_look and attached.generation > state.generation:
            # It died while no Supervisor lived, so nobody could tell.
            self._life.died(Died(generation=state.generation, reason="it is gone", at=time.time(), stderr_tail="", restarting=True))
        lives = attached.subkernel is not None and (not attached.first_owner or attached.subkernel.adopted)
        takeover = first_look and not attached.session_lost and lives
        if first_look and not takeover:
            self._shell.answer_lost_session("the subkernel died while the front process was being replaced")
        if first_look and attached.session_lost and attached.state != "dead":
            state.notices.append("front process replaced; the subkernel died meanwhile and was started anew: variables lost")
        if attached.subkernel is not None:
            if takeover:
                state.front_replaced = True
                since = attached.owner_lost_at
                lost_from = time.strftime("%H:%M:%S", time.localtime(since)) if since is not None else "the end of the former process"
                lost_to = time.strftime("%H:%M:%S")
                state.lost_words = f"outcome unknown; output between {lost_from} and {lost_to} was lost"
                state.notices.append(
                    f"front process replaced, your variables were kept; output between {lost_from} and {lost_to} was lost; "
                    "Restart gives a clean session"
                )
            self._life.started(attached.subkernel, takeover=takeover)
        elif attached.state == "dead" and state.phase is not Phase.DEAD:
            self._life.gave_up(GaveUp(generation=max(attached.generation, state.generation), reason=attached.reason))

    def _subkernel_ready(self, generation: int) -> None:
        if (supervisor := self._supervisor.ref) is not None:
            supervisor.tell(Ready(generation=generation))

    def _ask_to_leave(self, *, restart: bool) -> None:
        """Let the session run what it wants to run at its end; the Supervisor's grace bounds it."""
        if (link := self._state.link) is not None and self._state.phase in {Phase.READY, Phase.RESTARTING}:
            link.send_control(self._state.private.message("shutdown_request", {"restart": restart}))

    async def _hurry(self) -> None:
        if (supervisor := self._supervisor.ref) is not None:
            with contextlib.suppress(AskError):  # the first request is answered, or times out, as it would have been
                await supervisor.ask(Shutdown(grace_s=0), timeout_s=SHUTDOWN_MARGIN_S)

    async def _shut_down(self, *, restart: bool) -> None:
        state = self._state
        grace_s = state.settings.subkernel.shutdown_grace_s
        self._turns.stop()
        self._ask_to_leave(restart=restart)
        state.phase = Phase.CLOSING
        if (supervisor := self._supervisor.ref) is not None:
            # Without an answer the Supervisor's lease ends the subkernel a little later.
            with contextlib.suppress(AskError):
                await supervisor.ask(Shutdown(grace_s=grace_s), timeout_s=grace_s + SHUTDOWN_MARGIN_S)
        self._on_finished()
