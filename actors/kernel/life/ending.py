"""The ends that somebody wants: of a life of the subkernel, by a restart, and of the whole kernel.

The Supervisor ends the subkernel's process; here it is asked to, after the session was asked politely to leave, so that its exit
handlers run. Ends that nobody wanted are `life.py`'s.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable

from actors.kernel.life.life import Life
from actors.kernel.life.supervisor_door import SupervisorDoor, SupervisorMissing
from actors.kernel.state.state import KernelState, Phase
from actors.runtime.actor import ActorContext
from actors.runtime.failures import AskError, AskFailed
from beaker.messages.kernel import KernelMessage
from beaker.messages.subkernel import Ping, Restart, Shutdown, SubkernelFailure
from beaker.subkernels.hang_words import waits_for_supervisor

RESTART_GRACE_S = 5.0
"""How long a session may take to run its exit handlers when nobody counts the seconds; SIGTERM comes at half of it."""
RESTART_TIMEOUT_S = 60.0
"""From the wish to the launch: the grace, and what a provisioner takes that launches on another machine."""
LOOK_AGAIN_S = 0.05
"""Between two looks whether the Supervisor is there."""
HURRY_AFTER_S = 0.25
"""Two wishes to shut down within this time have one cause: a terminal that closes sends SIGHUP and SIGTERM."""
SHUTDOWN_MARGIN_S = 1.0
"""What the Supervisor may take beyond the grace of the subkernel."""


class Ending:
    """Ends what it is told to.

    Args:
        stop_questions: every question that is being answered ends with the kernel.
        on_finished: called once when the kernel has shut down.
    """

    def __init__(
        self,
        state: KernelState,
        context: ActorContext[KernelMessage],
        supervisor: SupervisorDoor,
        life: Life,
        *,
        stop_questions: Callable[[], None],
        on_finished: Callable[[], None],
    ) -> None:
        self._state = state
        self._context = context
        self._supervisor = supervisor
        self._life = life
        self._stop_questions = stop_questions
        self._on_finished = on_finished
        self._task: asyncio.Task[object] | None = None
        self._since = 0.0
        self._hurried = False

    @property
    def begun(self) -> bool:
        """Whether the kernel shuts down."""
        return self._task is not None

    def shut_down(self, *, restart: bool) -> None:
        """End the subkernel, then this process. A second call, as by SIGTERM, ends the subkernel's grace and so hurries the first."""
        now = time.monotonic()
        if self._task is None:
            self._context.log.info("kernel.shutdown", restart=restart)
            self._task, self._since = self._context.spawn(self._shut_down(restart=restart), name="shut-down"), now
        elif now - self._since >= HURRY_AFTER_S and not self._hurried:
            self._context.log.info("kernel.shutdown_hurried")
            self._hurried = True
            self._context.spawn(self._hurry(), name="hurry")

    async def supervisor_answers(self, on_silence: Callable[[str], None]) -> None:
        """Return once there is somebody who can restart the subkernel; without a Supervisor `restart` says why not.

        Args:
            on_silence: called once with words for the user if it takes longer than it should.
        """
        told, silence_s = False, self._state.settings.kernel.supervisor_silence_s
        while told or self._supervisor.ref is not None:
            if (ref := self._supervisor.ref) is not None:
                try:
                    await ref.ask(Ping(), timeout_s=silence_s)
                    return
                except AskError as error:
                    self._context.log.warning("restart.waits", reason=str(error))
                if not told:
                    told = True
                    on_silence(waits_for_supervisor("the restart", self._supervisor.pid))
            await asyncio.sleep(LOOK_AGAIN_S)

    def keep(self) -> None:
        """A restart that was wanted is given up before it began."""
        self._life.resume()

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
        self._stop_questions()
        self._ask_to_leave(restart=restart)
        state.phase = Phase.CLOSING
        if (supervisor := self._supervisor.ref) is not None:
            # Without an answer the Supervisor's lease ends the subkernel a little later.
            with contextlib.suppress(AskError):
                await supervisor.ask(Shutdown(grace_s=grace_s), timeout_s=grace_s + SHUTDOWN_MARGIN_S)
        self._on_finished()
