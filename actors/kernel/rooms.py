"""The rooms of one KernelActor: made here, and wired to each other.

What an ordinary cell passes is made at once. The rooms of questions and commands are made when the first of them comes.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from actors.kernel.channels.control import Control
from actors.kernel.channels.iopub import Iopub
from actors.kernel.channels.lost_reply import LostReplies
from actors.kernel.channels.prompts import Prompts
from actors.kernel.channels.shell import Shell
from actors.kernel.channels.stdin import Stdin
from actors.kernel.life.attaching import Attaching
from actors.kernel.life.ending import Ending
from actors.kernel.life.hang_watch import HangWatch
from actors.kernel.life.inheritance import Inheritance
from actors.kernel.life.interrupt import Interrupts
from actors.kernel.life.life import Life
from actors.kernel.life.renewal import Renewal
from actors.kernel.life.silence_watch import SilenceWatch
from actors.kernel.life.supervisor_door import Connect, SupervisorDoor
from actors.kernel.questions.agent_door import End, Start
from actors.kernel.questions_door import QuestionsDoor
from actors.kernel.sockets.front import Front
from actors.kernel.sockets.subkernel_link import LinkHandlers
from actors.kernel.state.inflight_log import InflightLog, inflight_path
from actors.kernel.state.keeping import Keeping
from actors.kernel.state.publisher import Publisher
from actors.kernel.state.state import KernelState
from actors.kernel.state.surroundings import Surroundings
from actors.runtime.actor import ActorContext
from beaker.kernel.missed_variable import MissedVariable
from beaker.kernel.transcript import Transcript
from beaker.messages.base import KernelId
from beaker.messages.kernel import KernelMessage
from beaker.messages.subkernel import Ping, Ready, SupervisorMessage
from beaker.settings.load import Loaded
from beaker.wire.compose import Composer
from beaker.wire.parts import Header, Parts

if TYPE_CHECKING:
    from actors.kernel.question_rooms import Questions


class Rooms:
    """All of them.

    Args:
        handlers: who takes what the subkernel sends.
        context: the actor's.
        front: the clients' side.
        connect_supervisor, start_agent, end_agent, client_key, on_finished, surroundings, stays: see the KernelActor.
    """

    def __init__(
        self,
        handlers: LinkHandlers,
        context: ActorContext[KernelMessage],
        *,
        kernel_id: KernelId,
        loaded: Loaded,
        folder: str,
        front: Front,
        connect_supervisor: Connect,
        start_agent: Start,
        end_agent: End,
        client_key: str,
        on_finished: Callable[[], None],
        surroundings: Surroundings,
        stays: bool,
    ) -> None:
        settings = loaded.settings
        self._context = context
        self._loaded = loaded
        self._folder = folder
        self._start_agent = start_agent
        self._end_agent = end_agent
        self._client_key = client_key
        self._stays = stays
        self.state = state = KernelState(
            kernel_id=kernel_id,
            settings=settings,
            front=front,
            publisher=Publisher(front),
            transcript=Transcript(settings.kernel.transcript_bytes),
            private=Composer(f"beaker-{kernel_id}", f"{time.time_ns():x}"),
            log=context.log,
            inflight=InflightLog(inflight_path(folder), context.log),
            keeping=Keeping(f"{folder}/conversation", context),
            missed_variable=MissedVariable(loaded.withheld, loaded.user_file),
            surroundings=surroundings,
        )
        self.questions = QuestionsDoor(self._make_questions)
        self.shell = Shell(state, self.questions, shut_down=self._shut_down_from_shell)
        self.control = Control(
            state,
            self.questions,
            interrupt_subkernel=self._interrupt_subkernel,
            shut_down=self._shut_down,
        )
        self.iopub = Iopub(state, LostReplies(state, self.shell))
        self._prompts = Prompts(state)
        self.stdin = Stdin(state, self._prompts)
        self.hangs = HangWatch(state, context.clock, on_silent=self.shell.introduce)
        self.supervisor = SupervisorDoor(kernel_id, connect_supervisor)
        self._interrupts = Interrupts(state, self.supervisor)
        self._supervisor_watch: SilenceWatch[SupervisorMessage] = SilenceWatch(
            context,
            "supervisor",
            Ping(),
            ref=lambda: self.supervisor.ref,
            wanted=lambda: not self.ending.begun,
            silence_s=settings.kernel.supervisor_silence_s,
            pause_s=settings.kernel.supervisor_silence_s / 2,
            on_words=self._supervisor_trouble,
        )
        inheritance = Inheritance(state, self.shell, self.control, context)
        self.life = Life(state, self.shell, self.control, inheritance, handlers, context, on_ready=self._subkernel_ready)
        self.attaching = Attaching(state, context, self.supervisor, self.life, inheritance, on_attached=self._supervisor_watch.begin)
        self.ending = Ending(state, context, self.supervisor, self.life, stop_questions=self.questions.stop, on_finished=on_finished)
        self.renewal = Renewal(state, context, self.supervisor, self.ending)

    def prepare(self) -> None:
        """Import what the first question needs, while the subkernel is starting and there is nothing else to do.

        Done when the question comes, the 50 ms of it would delay its `busy`: by then jupyter console takes the `idle` of what it
        asked before for that of the question, and shows neither answer nor prompt.
        """
        import actors.kernel.question_rooms  # noqa: F401  # for its effect alone: it is loaded then

    def close(self) -> None:
        """The kernel is over: whatever is still open is answered."""
        self.questions.stop()
        self.life.close("the kernel was shut down")
        self.questions.close()
        self.state.front.close()
        self.state.inflight.close()

    @property
    def at_work(self) -> bool:
        """Whether a client waits for the subkernel, or a question is being answered that does not wait, parked, for the user."""
        state = self.state
        return not (state.requests.quiet and state.control_requests.quiet) or self.questions.turn_running

    def _make_questions(self) -> "Questions":
        # Not at the top: the sockets are bound first, see `prepare`.
        from actors.kernel.question_rooms import Questions

        return Questions(
            self.state,
            self._context,
            self._loaded,
            self._folder,
            shell=self.shell,
            prompts=self._prompts,
            supervisor=self.supervisor,
            start_agent=self._start_agent,
            end_agent=self._end_agent,
            client_key=self._client_key,
            interrupt=self._interrupt_subkernel,
            ending=self.ending,
        )

    def _interrupt_subkernel(self) -> None:
        self._context.spawn(self._interrupts.send(), name="interrupt")

    def _supervisor_trouble(self) -> None:
        self.state.supervisor_trouble = self._supervisor_watch.words

    def _shut_down_from_shell(self, idents: list[bytes], header: Header, parts: Parts) -> None:
        self.control.shut_down(idents, header, parts, "shell")

    def _shut_down(self, *, restart: bool) -> None:
        if restart and self._stays:
            self.renewal.begin()
            self.shell.farewell.withdraw()
        else:
            self.ending.shut_down(restart=restart)

    def _subkernel_ready(self, generation: int) -> None:
        self.stdin.release()
        self.renewal.ready(generation)
        if (supervisor := self.supervisor.ref) is not None:
            supervisor.tell(Ready(generation=generation))
