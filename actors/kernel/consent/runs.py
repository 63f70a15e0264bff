"""What the agent asks for that acts on the session or on the user: code, an interrupt, a restart, a question.

One task per request, from the wish over consent to its outcome. Code is sent only when no cell of the user's runs or waits, so that a
Stop before that leaves nothing behind in the subkernel's queue; from the moment it was sent it is never sent again, whatever dies.
"""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from actors.kernel.channels.shell import Shell
from actors.kernel.consent.asking_back import AskingBack
from actors.kernel.consent.clearance import Clearance, Cleared, NotAllowed
from actors.kernel.consent.consent import NOT_RUN, Consent
from actors.kernel.life.ending import RESTART_GRACE_S
from actors.kernel.life.supervisor_door import SupervisorMissing
from actors.kernel.questions.turn import Turn
from actors.kernel.state.granted_cells import GrantedCell
from actors.kernel.state.state import KernelState
from actors.runtime.actor import ActorContext, Asked
from beaker.kernel.cutting import cut_bytes
from beaker.kernel.pending import ExecuteFlags, Pending, ReplyFacts
from beaker.kernel.run_words import ran_words
from beaker.kernel.turn_display import RunBlock
from beaker.messages.base import TurnId
from beaker.messages.kernel import KernelMessage
from beaker.messages.running import AskUser, CodeRan, InterruptSession, RestartSession, RunCode, RunReply, RunRequest, SessionChanged
from beaker.messages.turn import TurnFailure
from beaker.wire.parts import HEADER, METADATA, Parts, read_header

OUTPUT_CHARS = 6_000
"""Of a run, for the model: DESIGN's 2-8 kB."""

EDITED_BYTES = 20_000
"""Of what the user wrote in place of the model's code, which ran whole: for the model."""

INTERRUPTED = "was interrupted"
RESTARTING = f"restarts the session: what it does at its end may take {RESTART_GRACE_S:g} s"
RESTARTED = "restarted the session"
NOT_RESTARTED = "did not restart the session"
OVER = "This turn is over."
OTHER_CELL = "The cell that the user was asked about does not run any more, so nothing was interrupted. Look again."


SEND_ATTEMPTS = 3
"""A subkernel aborts what comes in the moment after a failed cell; that moment is over with the next attempt."""


class Runs:
    """Serves the agent's requests.

    Args:
        find: the turn of a number, None when it is over.
        interrupt: interrupts what the subkernel runs.
        restart: ends the subkernel and starts a fresh one; raises SupervisorMissing.
        on_served: called with the turn after each request.
    """

    def __init__(
        self,
        state: KernelState,
        context: ActorContext[KernelMessage],
        shell: Shell,
        consent: Consent,
        clearance: Clearance,
        asking_back: AskingBack,
        *,
        find: Callable[[TurnId], Turn | None],
        interrupt: Callable[[], None],
        restart: Callable[[], Awaitable[None]],
        on_served: Callable[[Turn], None],
    ) -> None:
        self._state = state
        self._context = context
        self._shell = shell
        self._consent = consent
        self._clearance = clearance
        self._asking_back = asking_back
        self._find = find
        self._interrupt = interrupt
        self._restart = restart
        self._on_served = on_served
        self._tasks: dict[asyncio.Task[object], Turn] = {}
        self._in_flight: dict[str, tuple[Turn, RunBlock]] = {}
        self._waiting: dict[str, tuple[Turn, RunBlock]] = {}
        """By its name, what may run as soon as the user's cells are over."""

    def take(self, request: RunRequest, asked: Asked | None) -> None:
        """The agent asks for something."""
        if asked is None:
            return
        turn = self._find(request.turn)
        if turn is None:
            asked.fail(TurnFailure(reason=OVER))
            return
        task = self._context.spawn(self._serve(turn, request, asked), name=f"run-{request.turn}")
        self._tasks[task] = turn
        task.add_done_callback(lambda done: self._tasks.pop(done, None))

    def runs_code_of(self, turn: Turn) -> bool:
        """Whether code that this turn started runs now."""
        return any(other is turn for other, _ in self._in_flight.values())

    def set_aside(self, turn: Turn) -> str:
        """What it waits for stays, without a prompt: how to come back to it; empty if it waits for nothing."""
        self._asking_back.withdraw(turn)
        return self._consent.set_aside(turn)

    def stop(self, turn: Turn) -> None:
        """The turn is stopped: its code is interrupted, what only waits is withdrawn."""
        if self.runs_code_of(turn):
            self._interrupt()
            return
        for other, block in self._waiting.values():
            if other is turn:
                block.words = NOT_RUN  # now, as its last state is drawn before its task hears of it
        self._consent.withdraw(turn)
        for task, other in list(self._tasks.items()):
            if other is turn:
                task.cancel()

    def give_up(self, turn: Turn) -> None:
        """What was interrupted and has not ended is shown so; when it does, that is."""
        for other, block in self._in_flight.values():
            if other is turn:
                block.words = f"{INTERRUPTED}, and has not ended yet"
                turn.face.redraw(block)

    async def _serve(self, turn: Turn, request: RunRequest, asked: Asked) -> None:
        turn.busy_with_user += 1
        try:
            reply = await self._perform(turn, request)
        except NotAllowed as refused:
            asked.fail(TurnFailure(reason=str(refused)))
        except asyncio.CancelledError:
            asked.fail(TurnFailure(reason=OVER))
            raise
        else:
            if isinstance(reply, CodeRan) and reply.output:
                turn.tainted = True
            asked.answer(reply)
        finally:
            turn.busy_with_user -= 1
            self._on_served(turn)

    async def _perform(self, turn: Turn, request: RunRequest) -> RunReply:
        match request:
            case RunCode():
                return await self._run_code(turn, request)
            case AskUser():
                return await self._asking_back.ask(turn, request)
            case InterruptSession():
                return await self._interrupt_session(turn)
            case RestartSession():
                return await self._restart_session(turn)

    async def _run_code(self, turn: Turn, request: RunCode) -> CodeRan:
        language = self._state.language
        if request.language and request.language.lower() != language.lower():
            raise NotAllowed(f"The session runs {language}, not {request.language}.")
        cleared = await self._consent.clear(turn, "code", request.code, language, free=lambda block: self._until_free(turn, block))
        await self._until_free(turn, cleared.block)  # a cell may have come while the grant was on its way
        try:
            await self._redeem(cleared)
        except NotAllowed:
            self._tell(turn, cleared.block, NOT_RUN)
            raise
        attempt = 1
        cell, facts = await self._send_and_wait(turn, cleared)
        while attempt < SEND_ATTEMPTS and self._was_swept_away(turn, cleared, cell, facts):
            attempt += 1
            cell, facts = await self._send_and_wait(turn, cleared)
        ran = self._outcome(cell, facts, edited="" if cleared.code == request.code else cleared.code)
        if turn.over and ran.status == "error":
            cleared.block.words = INTERRUPTED
            turn.face.redraw(cleared.block)
        turn.ran.append(ran_words(cleared.block.name, ran.status, ran.execution_count))
        return ran

    async def _send_and_wait(self, turn: Turn, cleared: Cleared) -> tuple[GrantedCell, ReplyFacts | None]:
        cell = self._send(turn, cleared)
        self._in_flight[cell.msg_id] = turn, cleared.block
        try:
            return cell, await cell.over
        except asyncio.CancelledError:
            if not cell.over.cancelled():
                raise  # it is this task that was cancelled
            return cell, None
        finally:
            del self._in_flight[cell.msg_id]

    def _was_swept_away(self, turn: Turn, cleared: Cleared, cell: GrantedCell, facts: ReplyFacts | None) -> bool:
        """Whether it was aborted with the queue behind a cell of the user's that had just failed: it never ran, and still may."""
        aborted = facts is not None and facts.status == "aborted" and not cell.begun
        return aborted and not turn.over and self._state.ready_link() is not None and self._state.generation == cleared.generation

    async def _until_free(self, turn: Turn, block: RunBlock) -> bool:
        if not self._state.requests.cells_since(0.0):
            return False
        self._tell(turn, block, "waits for the cells that you have running")
        self._waiting[block.name] = turn, block
        try:
            while self._state.requests.cells_since(0.0):
                await self._shell.wait_for_a_cell()
        finally:
            del self._waiting[block.name]
        return True

    async def _redeem(self, cleared: Cleared) -> None:
        state = self._state
        await self._clearance.redeem(cleared)
        if state.ready_link() is None or state.generation != cleared.generation:
            raise NotAllowed(f"The session is {state.phase.value}, so it was not run. Look again before running anything.")

    def _send(self, turn: Turn, cleared: Cleared) -> GrantedCell:
        """Send it, once."""
        state, face, code = self._state, turn.face, cleared.code
        content = {
            "code": code,
            "silent": False,
            "store_history": True,
            "user_expressions": {},
            "allow_stdin": False,
            "stop_on_error": False,
        }
        parts = state.private.message("execute_request", content)
        header = read_header(parts[HEADER])
        cell = GrantedCell(header.msg_id, face.client.header, asyncio.get_running_loop().create_future())
        state.granted.add(cell)
        # Nothing of the user's runs or waits, so this is the number that it gets; what stands above its outputs is shown now.
        cleared.block.words = f"runs as `[{state.requests.next_count()}]`"
        if face.ran(code, state.language, _as_document(parts)):
            cell.parent, cell.whole = parts[HEADER], True
        pending = Pending(header.msg_id, header.session, "execute_request", parts[HEADER], [], "shell", ExecuteFlags(), private=True)
        self._shell.submit(pending, parts)
        state.log.info("run.sent", turn=turn.number, code_chars=len(code))
        return cell

    def _outcome(self, cell: GrantedCell, facts: ReplyFacts | None, *, edited: str) -> CodeRan:
        state = self._state
        if facts is None:
            state.transcript.end(cell.msg_id, "error")
            status = "lost" if cell.begun else "aborted"
        else:
            state.transcript.end(cell.msg_id, facts.status)
            status = facts.status if facts.status in {"ok", "aborted"} else "error"
        state.log.info("run.ended", status=status, count=cell.count)
        seen = state.transcript.find(cell.msg_id, output_chars=OUTPUT_CHARS)
        output = "" if seen is None else seen.output
        return CodeRan(
            status=status,  # type: ignore[arg-type]  # one of its four words
            output=output,
            execution_count=cell.count,
            edited=cut_bytes(edited, EDITED_BYTES),
            handle="" if seen is None else seen.handle,
            untrusted=bool(output),
        )

    def _tell(self, turn: Turn, block: RunBlock, words: str) -> None:
        """Show what becomes of it."""
        block.words = words
        turn.face.wanted(block, "")

    async def _interrupt_session(self, turn: Turn) -> SessionChanged:
        cell = self._state.requests.running()
        if cell is None:
            raise NotAllowed("No cell of the user's is running.")
        cleared = await self._consent.clear(turn, "interrupt", "", self._state.language)
        await self._redeem(cleared)
        if self._state.requests.running() is not cell:
            self._tell(turn, cleared.block, "was not done: that cell is over")
            raise NotAllowed(OTHER_CELL)
        self._interrupt()
        return SessionChanged(words="The running cell was interrupted.")

    async def _restart_session(self, turn: Turn) -> SessionChanged:
        cleared = await self._consent.clear(turn, "restart", "", self._state.language)
        await self._redeem(cleared)
        self._state.leave()
        self._tell(turn, cleared.block, RESTARTING)
        try:
            await self._restart()
        except SupervisorMissing as error:
            self._tell(turn, cleared.block, NOT_RESTARTED)
            raise NotAllowed(f"The restart failed: {error}") from None
        self._tell(turn, cleared.block, RESTARTED)
        return SessionChanged(words="The session was restarted. All variables are gone.")


def _as_document(parts: Parts) -> dict[str, object]:
    """A message as interfaces are told of it."""
    header, metadata, content = (msgspec.Raw(part) for part in (parts[HEADER], parts[METADATA], parts[METADATA + 1]))
    return {"header": header, "parent_header": {}, "metadata": metadata, "content": content}
