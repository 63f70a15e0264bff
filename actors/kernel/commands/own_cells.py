"""Cells that beaker answers: `%beaker ...`, `%%ai ...`, and completion and help for them.

They take a number in the subkernel like any cell, because tracebacks, `Out[n]` and the history live there: a comment with
the cell's first line is executed in their place. Until that has happened the number shown is the one that it will get, if
no cell ahead of it is aborted. One that is answered before such a queue fails keeps the number that it showed: to wait for
all cells ahead would hold its answer back.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from actors.kernel.channels import owed
from actors.kernel.channels.own_cell import OwnCell
from actors.kernel.channels.shell import Shell
from actors.kernel.commands.commands import Commands
from actors.kernel.commands.namesakes import Namesakes
from actors.kernel.looks.looking import Looking
from actors.kernel.questions.terminal_face import face_of
from actors.kernel.questions.turns import Turns
from actors.kernel.state.state import KernelState, Phase
from beaker.kernel import magics
from beaker.kernel.broken_text import without_broken_text
from beaker.kernel.commands.assistance import complete_reply, inspect_reply
from beaker.kernel.commands.restart import RestartSubkernel
from beaker.kernel.pending import ExecuteFlags, Pending, ReplyFacts
from beaker.kernel.question import Ask
from beaker.wire.parts import CONTENT, HEADER, METADATA, UNREADABLE, Header, Parts, read_header

PLACE_ATTEMPTS = 3
"""A comment behind a failing cell is aborted with the queue; it is sent so often at most."""


class _Cell(msgspec.Struct, frozen=True):
    """What we read of a request that carries a cell's text."""

    code: str = ""
    cursor_pos: int = 0
    silent: object = False
    store_history: object = True
    allow_stdin: object = True
    user_expressions: object = None


ALWAYS_OURS = "%b"
"""How whatever could be, or become, a `%beaker` cell begins: that stays ours when the other magics are not."""


class _Metadata(msgspec.Struct, frozen=True, rename="camel"):
    cell_id: str | None = None


_cell_decoder = msgspec.json.Decoder(_Cell)
_metadata_decoder = msgspec.json.Decoder(_Metadata)


def _read(content: bytes) -> _Cell | None:
    try:
        return _cell_decoder.decode(content)
    except UNREADABLE:
        pass  # a question that binary data was pasted into is to be told so by us, and not by a session that knows no `%%ai`
    try:
        return _cell_decoder.decode(without_broken_text(content))
    except (ValueError, *UNREADABLE):
        return None


class _Place(NamedTuple):
    """A comment on its way to the subkernel."""

    content: bytes
    cell: OwnCell
    attempt: int


class OwnCells:
    """Answers cells of ours."""

    def __init__(self, state: KernelState, shell: Shell, turns: Turns, commands: Commands, looking: Looking, namesakes: Namesakes) -> None:
        self._state = state
        self._shell = shell
        self._turns = turns
        self._commands = commands
        self._looking = looking
        self._namesakes = namesakes
        self._places: dict[str, _Place] = {}

    def take(self, idents: list[bytes], header: Header, parts: Parts) -> bool:
        """Answer a request if its cell is ours; False leaves it to the subkernel."""
        request = _read(parts[CONTENT])
        if request is None:
            return False
        if not self._state.magics_ours and not request.code.lstrip().startswith(ALWAYS_OURS):
            return False
        answer: object
        match header.msg_type:
            case "execute_request":
                ours = magics.parse(request.code)
                if ours is None:
                    return False
                cell = self._begin(idents, header, parts, request)
                try:
                    self._answer(cell, request, ours)
                except OSError as error:
                    # What is needed first by this cell is imported or read now; without a descriptor left, that fails.
                    self._state.log.error("cell.unanswerable", reason=str(error))
                    cell.fail("Unanswerable", f"beaker cannot answer this cell now: {error}")
                return True
            case "complete_request":
                answer = complete_reply(request.code, request.cursor_pos, self._commands.values, self._mentions, self._braces)
            case "inspect_request":
                answer = inspect_reply(request.code, request.cursor_pos)
            case _:
                said = magics.is_complete(request.code)
                answer = None if said is None else {"status": said, "indent": ""}
        if answer is None:
            return False
        owed.answer(self._state, "shell", idents, header.msg_type, parts[HEADER], answer)
        return True

    def place_taken(self, pending: Pending, facts: ReplyFacts) -> None:
        """The comment that holds the place of one of our cells was executed, or aborted with the queue."""
        place = self._places.pop(pending.msg_id, None)
        if place is None:
            return
        if facts.status == "aborted":
            if place.attempt < PLACE_ATTEMPTS:
                self._hold_place(place.content, place.cell, place.attempt + 1)
            else:
                self._state.log.warning("cell.without_place", count=place.cell.count)
        elif facts.execution_count is not None:
            place.cell.renumber(facts.execution_count)

    def _answer(self, cell: OwnCell, request: _Cell, ours: magics.Ours) -> None:
        if not isinstance(ours, RestartSubkernel):  # ends the session, in the middle of what it is sent now
            self._take_place(cell, request)
        if isinstance(ours, Ask):
            number = self._turns.ask(face_of(self._state, cell, background=ours.background), ours)
            self._namesakes.notice(request.code, number)
        else:
            self._commands.perform(cell, ours)

    def _mentions(self, typed: str) -> Sequence[str]:
        # Imported by the first that is completed: the kernel's start is measured.
        from actors.kernel.looks.mentioning import mention_matches

        return mention_matches(typed, self._state, self._looking)

    def _braces(self, typed: str) -> Sequence[str]:
        from actors.kernel.looks.mentioning import brace_matches

        return brace_matches(typed, self._state, self._looking)

    def _begin(self, idents: list[bytes], header: Header, parts: Parts, request: _Cell) -> OwnCell:
        state = self._state
        flags = ExecuteFlags(silent=request.silent, store_history=request.store_history, allow_stdin=request.allow_stdin)
        count = state.requests.next_count() if flags.counts else state.requests.last_count
        try:
            announces_cells = _metadata_decoder.decode(parts[METADATA]).cell_id is not None
        except UNREADABLE:
            announces_cells = False
        wanted = request.user_expressions
        expressions = tuple(map(str, wanted)) if isinstance(wanted, dict) else ()
        cell = OwnCell(state, header.msg_id, parts[HEADER], idents, flags, request.code, count, announces_cells, expressions)
        # A msg_id of jupyter_client's begins with the session's; nbclient, which keeps displays and no stream twice, allows no stdin.
        cell.prints = not announces_cells and bool(flags.allow_stdin) and header.msg_id.startswith(f"{header.session}_")
        cell.begin()
        return cell

    def _take_place(self, cell: OwnCell, request: _Cell) -> None:
        comment = self._looking.language.comment(request.code)
        if cell.flags.counts and comment is not None and self._state.phase is not Phase.DEAD:
            content = {
                "code": comment,
                "silent": False,
                "store_history": True,
                "user_expressions": {},
                "allow_stdin": False,
                "stop_on_error": False,
            }
            self._hold_place(msgspec.json.encode(content), cell, 1)

    def _hold_place(self, content: bytes, cell: OwnCell, attempt: int) -> None:
        parts = self._state.private.message("execute_request", msgspec.Raw(content))
        header = read_header(parts[HEADER])
        self._places[header.msg_id] = _Place(content, cell, attempt)
        pending = Pending(header.msg_id, header.session, "execute_request", parts[HEADER], [], "shell", ExecuteFlags(), private=True)
        self._shell.submit(pending, parts)
