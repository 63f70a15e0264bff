"""The lives of the subkernel as the KernelActor lives through them: greeted, buried, taken over.

Greeting proves that nothing is missed: a first message on iopub shows that the subscription stands, the reply to kernel_info that
requests are answered, its idle that what a start publishes has come. Burying reads the last words first, then answers what is owed,
then says what happened; requests that arrive meanwhile wait for the next life.
"""

import asyncio
import time
from collections.abc import Callable

import msgspec

from actors.kernel.channels.control import Control
from actors.kernel.channels.shell import Shell
from actors.kernel.life.inheritance import Inheritance
from actors.kernel.sockets.subkernel_link import LinkHandlers, SubkernelGone, SubkernelLink
from actors.kernel.state.state import KernelState, Phase
from actors.runtime.actor import ActorContext
from actors.runtime.log import SparseLog
from actors.runtime.standstill import within
from actors.supervisor.start_time import start_time
from beaker.messages.kernel import KernelMessage
from beaker.messages.subkernel import Died, GaveUp, Starting, Subkernel
from beaker.wire import compose
from beaker.wire.parts import CONTENT, HEADER, UNREADABLE, Parts, read_header

QUIET_S = 0.004
"""Twice nothing, so long apart, and nothing more is on its way through libzmq."""
LAST_LOOKS = 15
"""How often a dead subkernel's sockets are read at most; told within 0.1 s is the promise. Counted and not timed: what was said lies there
also when this process, or the machine, has stood still since."""
IOPUB_PATIENCE_S = 0.05
"""After a reply, how long to wait for iopub before asking again."""

IDLE_LIMIT_S = 1.0
"""How long the idle may be behind that reply: half a millisecond, and ten on a busy machine (m)."""


class _KernelInfo(msgspec.Struct, frozen=True):
    language_info: dict[str, msgspec.Raw] = {}
    supported_features: list[str] = []


async def read_last_words(drain: Callable[[], int]) -> None:
    """Read what lies in the sockets of a subkernel that is gone, until nothing comes any more.

    Args:
        drain: reads what is there now, and says how many messages it was.
    """
    quiet = 0
    for _ in range(LAST_LOOKS):
        quiet = 0 if drain() else quiet + 1
        if quiet == 2:
            return
        await asyncio.sleep(QUIET_S)


class Life:
    """Follows the Supervisor's events.

    Args:
        handlers: who takes what the subkernel sends.
        on_ready: called with the generation each time a subkernel takes requests.
    """

    def __init__(
        self,
        state: KernelState,
        shell: Shell,
        control: Control,
        inheritance: Inheritance,
        handlers: LinkHandlers,
        context: ActorContext[KernelMessage],
        *,
        on_ready: Callable[[int], None],
    ) -> None:
        self._state = state
        self._junk = SparseLog(state.log, "message.dropped")
        self._shell = shell
        self._control = control
        self._inheritance = inheritance
        self._handlers = handlers
        self._context = context
        self._on_ready = on_ready
        self._burial: asyncio.Task[object] | None = None
        self._greeting: asyncio.Task[object] | None = None

    @property
    def greeted(self) -> bool:
        """Whether the subkernel of now has answered this process."""
        return self._state.link is not None and self._greeting is not None and self._greeting.done()

    def starting(self, event: Starting) -> None:
        """A launch began; if a life was still going on, it was ended on request."""
        state = self._state
        if event.generation <= state.generation or state.phase is Phase.CLOSING:
            return
        if state.link is not None:
            self._bury("the kernel was restarted", ename="KernelRestarted", wanted=True)
        else:
            # A life may have begun and ended while the one before it was being buried.
            self._cancel_greeting()
            state.subkernel = None
            state.session_over(wanted=False)
        if state.phase is Phase.DEAD:
            state.publisher.say("status", compose.status("starting" if state.asked_aside else "restarting"))
            state.phase = Phase.RESTARTING
        state.generation = event.generation

    def started(self, subkernel: Subkernel, *, takeover: bool) -> None:
        """A subkernel runs: connect and greet it.

        Args:
            takeover: it lived before this process did.
        """
        state = self._state
        if state.phase is Phase.CLOSING:
            return
        if subkernel.generation < state.generation or (state.subkernel is not None and state.subkernel.generation == subkernel.generation):
            return  # a former life, or the one that is here already (its Supervisor was replaced)
        state.generation = subkernel.generation
        state.subkernel = subkernel
        state.subkernel_start = start_time(subkernel.pid) if subkernel.pid is not None else None
        state.language = subkernel.language
        self._greeting = self._context.spawn(self._greet(subkernel, takeover=takeover), name=f"greet-{subkernel.generation}")

    def died(self, event: Died) -> None:
        """It is gone and nobody asked for it."""
        state = self._state
        if event.generation != state.generation or state.phase in {Phase.CLOSING, Phase.DEAD}:
            return
        at = time.strftime("%H:%M:%S", time.localtime(event.at))
        state.died_at.append(event.at)
        what_next = "a new one is starting" if event.restarting else "it is not restarted again"
        reason = f"the subkernel died at {at} ({event.reason}); its variables are lost, {what_next}"
        notice = f"the subkernel died at {at} ({event.reason}) and was started anew: variables lost" if event.restarting else ""
        self._bury(f"{reason}\n{event.stderr_tail}".rstrip(), ename="KernelDied", notice=notice)

    def gave_up(self, event: GaveUp) -> None:
        """No subkernel until the user restarts."""
        if event.generation >= self._state.generation:
            self._context.spawn(self._give_up(event), name="give-up")

    def resume(self) -> None:
        """A restart that cells waited for will not be: the life that there is goes on."""
        state = self._state
        if state.phase is Phase.RESTARTING and self.greeted:
            state.phase = Phase.READY
            self._control.release()
            self._shell.release()

    def close(self, reason: str) -> None:
        """The kernel shuts down: whatever is still owed is answered now."""
        state = self._state
        state.phase = Phase.CLOSING
        self._cancel_greeting()
        if state.link is not None:
            state.link.drain()
        self._shell.answer_owed(reason=reason, ename="KernelShutdown", unsent_too=True)
        self._control.answer_owed(unsent_too=True)
        if state.link is not None:
            state.link.close()
            state.link = None

    def _cancel_greeting(self) -> None:
        if self._greeting is not None:
            self._greeting.cancel()
            self._greeting = None

    def _bury(self, reason: str, *, ename: str, notice: str = "", wanted: bool = False) -> None:
        self._cancel_greeting()
        state = self._state
        state.session_over(wanted=wanted)
        link, dead, state.subkernel = state.link, state.subkernel, None
        state.link = None
        state.phase = Phase.RESTARTING
        is_quiet = wanted and state.asked_aside
        self._burial = self._context.spawn(self._last_words(link, reason, ename, notice, is_quiet=is_quiet), name="bury")
        # Its number, and not that of the next life, which may have been announced by the time it is buried.
        state.log.info("subkernel.lost", generation=state.generation if dead is None else dead.generation, ename=ename)

    async def _last_words(self, link: SubkernelLink | None, reason: str, ename: str, notice: str, *, is_quiet: bool) -> None:
        state = self._state
        if link is not None:
            try:
                await read_last_words(link.drain)
            finally:
                link.close()
        self._shell.answer_owed(reason=reason, ename=ename, unsent_too=False)
        self._control.answer_owed(unsent_too=False)
        if notice:
            state.notices.append(notice)
        if is_quiet:
            # To JupyterLab `restarting` means that the kernel has died, and it says so; a comm_close alone would take widgets away.
            state.publisher.say("status", compose.status("starting"))
            state.comms.take()
        else:
            state.publisher.say("status", compose.status("restarting"))
            self._close_comms()
        state.log.info("subkernel.buried", ename=ename)

    def _close_comms(self) -> None:
        """Say that nobody is at the other end any more, behind `restarting` and never before it.

        JupyterLab (4.6) and VS Code drop their comms at `restarting` by themselves, and keep widgets in the notebook, marked as
        disconnected; a `comm_close` that comes first removes the widgets with their saved state (jupyterlab_widgets 3.0,
        `WidgetModel.close`). Behind it the word is for clients that do not know `restarting`, and costs those nothing. It belongs
        to no request.
        """
        for comm_id in self._state.comms.take():
            self._state.publisher.say("comm_close", {"comm_id": comm_id, "data": {}})

    async def _give_up(self, event: GaveUp) -> None:
        state, reason = self._state, event.reason
        if self._burial is not None:
            await asyncio.wait([self._burial])
        if event.generation < state.generation or state.phase is Phase.CLOSING:
            return  # the user has restarted meanwhile, or left
        self._cancel_greeting()
        if state.link is not None:
            state.link.close()
            state.link = None
        state.subkernel = None
        state.session_over(wanted=False)
        state.phase = Phase.DEAD
        state.dead_reason = reason
        self._shell.answer_owed(reason=reason, ename="KernelDied", unsent_too=True)
        self._control.answer_owed(unsent_too=True)
        state.publisher.say("status", compose.status("dead"))
        self._close_comms()
        state.log.error("subkernel.gave_up", generation=state.generation)

    async def _greet(self, subkernel: Subkernel, *, takeover: bool) -> None:
        state = self._state
        if self._burial is not None:
            await asyncio.wait([self._burial])
        if subkernel.generation < state.generation:
            return  # another restart came meanwhile
        state.link = link = SubkernelLink(
            subkernel.connection,
            self._handlers,
            identity=f"beaker-{state.kernel_id}".encode(),
            private=state.private,
            on_dropped=lambda channel, reason: self._junk.warning(channel=f"subkernel {channel}", reason=reason),
        )
        inherited = self._inheritance.take_over() if takeover else 0
        if not takeover:
            state.inflight.forget()
        try:
            # Control answers while a cell runs; a shell request would wait for the cell that we have to let run.
            info = await self._first_reply(link, "control" if takeover else "shell")
        except SubkernelGone:
            return
        if not takeover:
            await self._all_of_its_start(link)
        if state.phase is Phase.CLOSING:
            return
        self._introduce(info)
        if takeover:
            self._context.spawn(self._inheritance.settle(link), name="settle-inherited")
        state.phase = Phase.READY
        state.dead_reason = ""
        state.log.info("subkernel.ready", generation=subkernel.generation, takeover=takeover, inherited=inherited)
        if subkernel.generation > 1 and not takeover:
            state.publisher.say("status", compose.status("idle"))
        self._control.release()
        self._shell.release()
        self._on_ready(subkernel.generation)

    async def _first_reply(self, link: SubkernelLink, channel: str) -> Parts:
        while True:
            info = await link.ask(channel, "kernel_info_request", {})
            done, _ = await asyncio.wait([link.iopub_is_live], timeout=IOPUB_PATIENCE_S)
            if done:
                return info

    async def _all_of_its_start(self, link: SubkernelLink) -> None:
        """Wait for what it publishes as it starts; its reply on another socket may be faster, and clients are told that it is idle then."""
        try:
            async with within(IDLE_LIMIT_S):
                await asyncio.wait([link.has_idled])
        except TimeoutError:
            self._state.log.info("subkernel.never_idle")  # it gives no status to this request, against the specification

    def _introduce(self, info: Parts) -> None:
        state = self._state
        session_id = read_header(info[HEADER]).session
        # Some kernels answer under the session id of the request; then there is none of its own to take over.
        if session_id and session_id != state.private.session_id:
            state.publisher.take_over(session_id)
        try:
            known = msgspec.json.decode(info[CONTENT], type=_KernelInfo)
        except UNREADABLE:
            return
        state.info = info
        state.features = tuple(known.supported_features)
        name = known.language_info.get("name")
        if name is not None:
            state.language = str(msgspec.json.decode(name))
