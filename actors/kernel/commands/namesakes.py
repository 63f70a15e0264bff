"""Notices that the session has magics with the names of ours, and says so, once, with the answer to a question.

An extension may define `%%ai` too, and a user who loaded it may have meant that one. So a question that comes by a magic asks for
help on its name, on control, where no cell waits for it: nothing is executed, and a session of another language is asked
nothing. Why not a look: most questions need none, and a look is an execution.
"""

import asyncio

import msgspec

from actors.kernel.looks.looking import Looking
from actors.kernel.questions.turns import Turns
from actors.kernel.sockets.subkernel_link import SubkernelGone, SubkernelLink
from actors.kernel.state.state import KernelState
from actors.runtime.actor import ActorContext
from actors.runtime.standstill import within
from beaker.kernel.cell_head import find_cell
from beaker.messages.base import TurnId
from beaker.messages.kernel import KernelMessage
from beaker.wire.parts import CONTENT, UNREADABLE


class _Inspected(msgspec.Struct, frozen=True):
    found: bool = False
    data: dict[str, object] = {}


_decoder = msgspec.json.Decoder(_Inspected)


class Namesakes:
    """Asks until it is said, or the user has decided."""

    def __init__(self, state: KernelState, context: ActorContext[KernelMessage], turns: Turns, looking: Looking) -> None:
        self._state = state
        self._context = context
        self._turns = turns
        self._looking = looking
        self._asking: asyncio.Task[object] | None = None
        self._said = False
        self._note = ""
        """What is to be said and is not yet: the answer came when the question was over."""

    def notice(self, code: str, number: TurnId) -> None:
        """A question came.

        Args:
            code: its cell.
            number: its turn.
        """
        cell, link = find_cell(code), self._state.ready_link()
        if cell is None or self._said or self._state.magics_decided:
            return
        if self._note:
            self._say(number)
        elif link is not None and (self._asking is None or self._asking.done()):
            self._asking = self._context.spawn(self._ask(link, cell.head.lstrip("%"), number), name=f"namesake-{number}")

    async def _ask(self, link: SubkernelLink, name: str, number: TurnId) -> None:
        try:
            # Kernels that take no help request on control never answer.
            async with within(self._state.settings.kernel.look_time_limit_s):
                found = await self._is_defined(link, name)
        except (TimeoutError, SubkernelGone, *UNREADABLE):
            return
        if found:
            self._note = (
                f"This session has a magic `{name}` of its own, and beaker has answered here all the same. "
                "`%beaker config magics=off` leaves `%%ai`, `%%ask` and `%ai` to the session, "
                "`%beaker config magics=beaker` keeps them for beaker."
            )
            self._state.log.info("magic.namesake", name=name)
            self._say(number)

    async def _is_defined(self, link: SubkernelLink, name: str) -> bool:
        asking = self._looking.language.has_magic(name)
        try:
            wanted = next(asking)
            while True:
                content = {"code": wanted.path, "cursor_pos": len(wanted.path), "detail_level": 0}
                inspected = _decoder.decode((await link.ask("control", "inspect_request", content))[CONTENT])
                text = inspected.data.get("text/plain", "")
                wanted = asking.send(str(text) if inspected.found else None)
        except StopIteration as end:
            return bool(end.value)

    def _say(self, number: TurnId) -> None:
        turn = self._turns.find(number)
        if turn is not None and not self._said and not self._state.magics_decided:
            self._said = True
            turn.note(self._note)
