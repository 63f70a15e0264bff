"""Cells that beaker answers: `%beaker ...`, `%%ai ...`, and completion and help for them.

They take a number in the subkernel like any cell, because tracebacks, `Out[n]` and the history live there: a comment with
the cell's first line is executed in their place. Until that has happened the number shown is the one that it will get.
"""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from actors.kernel.hang_watch import HangWatch
from actors.kernel.own_cell import OwnCell
from actors.kernel.shell import Shell
from actors.kernel.state import KernelState, Phase
from actors.kernel.status_facts import gather
from actors.kernel.supervisor_door import SupervisorMissing
from actors.kernel.turns import Turns
from beaker.kernel import magics
from beaker.kernel.requests import ExecuteFlags, Pending, ReplyFacts
from beaker.messages.base import TurnId
from beaker.settings.load import Loaded
from beaker.wire.parts import CONTENT, HEADER, METADATA, Header, Parts, read_header

PLACE_ATTEMPTS = 3
"""A comment behind a failing cell is aborted with the queue; it is sent again so often."""


class _Cell(msgspec.Struct, frozen=True):
    """What we read of a request that carries a cell's text."""

    code: str = ""
    cursor_pos: int = 0
    silent: bool = False
    store_history: bool = True
    allow_stdin: bool = True


class _Metadata(msgspec.Struct, frozen=True, rename="camel"):
    cell_id: str | None = None


_cell_decoder = msgspec.json.Decoder(_Cell)
_metadata_decoder = msgspec.json.Decoder(_Metadata)


class OwnCells:
    """Answers cells of ours.

    Args:
        restart: ends the subkernel and starts a fresh one; raises SupervisorMissing.
    """

    def __init__(
        self,
        state: KernelState,
        shell: Shell,
        turns: Turns,
        hangs: HangWatch,
        loaded: Loaded,
        *,
        restart: Callable[[], Awaitable[None]],
    ) -> None:
        self._state = state
        self._shell = shell
        self._turns = turns
        self._hangs = hangs
        self._loaded = loaded
        self._restart = restart
        self._places: dict[str, tuple[Parts, int]] = {}
        self._restarting: asyncio.Task[None] | None = None

    def take(self, idents: list[bytes], header: Header, parts: Parts) -> bool:
        """Answer a request if its cell is ours; False leaves it to the subkernel."""
        try:
            request = _cell_decoder.decode(parts[CONTENT])
        except msgspec.DecodeError:
            return False
        match header.msg_type:
            case "execute_request":
                ours = magics.parse(request.code)
                if ours is None:
                    return False
                self._execute(self._begin(idents, header, parts, request), ours)
                return True
            case "complete_request":
                answer = magics.complete_reply(request.code, request.cursor_pos)
            case "inspect_request":
                answer = magics.inspect_reply(request.code, request.cursor_pos)
            case _:
                answer = magics.is_complete_reply(request.code)
        if answer is None:
            return False
        self._answer(idents, header, parts, answer)
        return True

    def place_taken(self, pending: Pending, facts: ReplyFacts) -> None:
        """The comment that holds the place of one of our cells was executed, or aborted with the queue."""
        parts, attempts = self._places.pop(pending.msg_id, ([], PLACE_ATTEMPTS))
        if facts.status == "aborted" and attempts < PLACE_ATTEMPTS:
            self._hold_place(parts[CONTENT], attempts + 1)

    def _begin(self, idents: list[bytes], header: Header, parts: Parts, request: _Cell) -> OwnCell:
        state = self._state
        flags = ExecuteFlags(silent=request.silent, store_history=request.store_history, allow_stdin=request.allow_stdin)
        count = state.requests.next_count() if flags.counts else state.requests.last_count
        try:
            announces_cells = _metadata_decoder.decode(parts[METADATA]).cell_id is not None
        except msgspec.DecodeError:
            announces_cells = False
        cell = OwnCell(state, header.msg_id, parts[HEADER], idents, flags, request.code, count, announces_cells)
        cell.begin()
        comment = magics.comment_for(request.code, state.language)
        if flags.counts and comment is not None and state.phase is not Phase.DEAD:
            content = {
                "code": comment,
                "silent": False,
                "store_history": True,
                "user_expressions": {},
                "allow_stdin": False,
                "stop_on_error": False,
            }
            self._hold_place(msgspec.json.encode(content), 1)
        return cell

    def _hold_place(self, content: bytes, attempt: int) -> None:
        parts = self._state.private.message("execute_request", msgspec.Raw(content))
        header = read_header(parts[HEADER])
        self._places[header.msg_id] = (parts, attempt)
        pending = Pending(header.msg_id, header.session, "execute_request", parts[HEADER], [], "shell", ExecuteFlags(), private=True)
        self._shell.submit(pending, parts)

    def _answer(self, idents: list[bytes], header: Header, parts: Parts, content: object) -> None:
        publisher = self._state.publisher
        publisher.busy(parts[HEADER])
        kind = header.msg_type.removesuffix("_request") + "_reply"
        self._state.front.send_shell(idents, publisher.reply(kind, content, parent=parts[HEADER]))
        publisher.idle(parts[HEADER])

    def _execute(self, cell: OwnCell, ours: magics.Ours) -> None:
        match ours:
            case magics.Refused():
                cell.fail("UsageError", ours.reason)
            case magics.Ask():
                self._turns.ask(cell, ours.prompt)
            case magics.Do():
                self._do(cell, ours)

    def _do(self, cell: OwnCell, wanted: magics.Do) -> None:
        match wanted.command:
            case "help":
                cell.show(*magics.help_texts(wanted.argument))
                cell.finish()
            case "status":
                cell.show(*gather(self._state, self._turns, self._hangs))
                cell.finish()
            case "config":
                cell.show(*magics.config_texts(self._loaded))
                cell.finish()
            case "stop":
                self._stop(cell, wanted.argument)
            case "restart":
                self._restarting = asyncio.create_task(self._do_restart(cell))

    def _stop(self, cell: OwnCell, argument: str) -> None:
        number = TurnId(int(argument)) if argument else None
        if self._turns.stop(number):
            cell.finish()
            return
        running = ", ".join(map(str, self._turns.running))
        cell.fail("UsageError", f"no question {argument} is being answered; running: {running}" if running else "no question is being answered")

    async def _do_restart(self, cell: OwnCell) -> None:
        # The reply goes out first: clients drop what arrives for a cell after `status: restarting`.
        cell.say("stream", {"name": "stdout", "text": "The subkernel is being restarted; its variables are gone.\n"})
        cell.finish()
        try:
            await self._restart()
        except SupervisorMissing as error:
            self._state.notices.append(f"the restart failed: {error}")
