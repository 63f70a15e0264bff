"""Looking at the session: its variables without touching them, its cells and outputs from what passed by.

The language says what to send (`beaker/languages/`), this room decides when and waits. While nothing of a client's is under way a
look may execute silently; while anything is, it never does: an execution fires the hooks by which matplotlib-inline
closes the figure that a cell is still drawing. Looks are made for whoever asks and at no other time. What cannot be
seen within the time-box is answered by the last look, with its age.
"""

import time
from collections import OrderedDict
from typing import NamedTuple, assert_never

from actors.kernel.looks.glancing import Glancing
from actors.kernel.looks.silent_look import LookBegun, LookFailed, SilentLook
from actors.kernel.sockets.subkernel_link import SubkernelLink
from actors.kernel.state.state import KernelState
from actors.runtime.actor import ActorContext, Asked
from beaker.kernel.hiding import Hiding
from beaker.languages.language import Language, Seen, Sight
from beaker.languages.registry import language_for
from beaker.messages.kernel import KernelMessage
from beaker.messages.look import CellsRead, OutputRead, ReadCells, ReadOutput, ShowVariable, VariableShown
from beaker.messages.turn import ListVariables, TurnFailure, Variable, Variables

REMEMBERED = 32
"""Variables whose last detail is kept: 200 kB at most."""
READ_CELLS = 20
"""At once: of them the tool shows as many as its result has room for."""
READ_OUTPUT_CHARS = 1900
"""Of each cell, so that with its mark it is no longer than what the model is shown of one."""
PART_CHARS = 6_000
"""Of an output that is read by its handle."""
NAMED_CELLS = 3
"""Handles that a wrong one is answered with."""


class _Moment(NamedTuple):
    """When a look was made: the wall clock is shown, the other one measures, whoever sets the first."""

    wall: float
    monotonic: float

    @property
    def words(self) -> str:
        return time.strftime("%H:%M:%S", time.localtime(self.wall))


class Sought(NamedTuple):
    """One variable that is looked for."""

    name: str
    link: SubkernelLink | None
    """None: there was no session."""
    look: LookBegun | LookFailed | None
    """None: it will be a glance."""

    @property
    def behind_cells(self) -> bool:
        """Whether something of a client's was under way: a cell ahead may be about to make the variable."""
        return self.link is not None and self.look is None


class Looking:
    """Answers looks.

    Args:
        folder: the kernel's runtime folder, where languages leave answers that cannot come over a channel.
        hiding: takes secrets out of what the agent is answered; what the user asks for herself is told as it is.
    """

    def __init__(self, state: KernelState, context: ActorContext[KernelMessage], folder: str, hiding: Hiding) -> None:
        self.hiding = hiding
        self._state = state
        self._context = context
        self._silent = SilentLook(state, folder)
        self._glancing = Glancing(state)
        self._language = Language()
        self._generation = 0
        self._seen: list[Seen] | None = None
        """The last list, of this life of the subkernel."""
        self._seen_at = _Moment(0.0, 0.0)
        self._details: OrderedDict[str, tuple[_Moment, str]] = OrderedDict()

    @property
    def language(self) -> Language:
        """The subkernel's."""
        if self._language.name != self._state.language:
            self._language = language_for(self._state.language)
        return self._language

    def look(self, message: ListVariables | ShowVariable | ReadCells | ReadOutput, asked: Asked | None) -> None:
        """Answer the agent."""
        if asked is None:
            return
        match message:
            case ListVariables(turn=turn):
                self._context.spawn(self._answer_list(asked), name=f"look-{turn}")
            case ShowVariable(turn=turn, name=name):
                self._context.spawn(self._answer_variable(name, asked), name=f"look-{turn}")
            case ReadCells():
                self._answer_cells(message, asked)
            case ReadOutput():
                self._answer_output(message, asked)
            case _:
                assert_never(message)

    def known_names(self) -> list[str]:
        """Names that the session may hold, without a look: of the last one, and of the cells that passed by."""
        self._forget_former_life()
        seen = [each.name for each in self._seen or []]
        assigned = [name for code in self._state.transcript.codes() for name in self.language.assigned(code)]
        return list(dict.fromkeys([*seen, *reversed(assigned)]))

    async def variables(self) -> Variables | TurnFailure:
        """All variables in a line each, or why they cannot be seen."""
        link = self._state.ready_link()
        if link is None:
            return self._no_session()
        self._forget_former_life()
        try:
            sight, note = await self._list(link)
        except LookFailed as failed:
            if self._seen is None:
                return TurnFailure(reason=str(failed))
            return Variables(variables=_told(self._seen), note=f"{failed}; this is the last look, {_age(self._seen_at)}")
        self._seen, self._seen_at = sight.variables, _now()
        notes = [note, f"{sight.more} more variables are not shown" if sight.more else ""]
        return Variables(variables=_told(sight.variables), note="; ".join(each for each in notes if each))

    async def variable(self, name: str) -> VariableShown | TurnFailure:
        """One variable in detail, or why it cannot be seen."""
        return await self.found(self.seek(name)) or TurnFailure(reason=f"the session has no variable {name}")

    def seek(self, name: str) -> Sought:
        """Begin to look for one variable. If the session is idle the look is sent here and now, ahead of all cells to come."""
        link = self._state.ready_link()
        if link is None or self._is_busy():
            return Sought(name, link, None)
        try:
            return Sought(name, link, self._silent.begin(link, self.language, name))
        except LookFailed as failed:
            return Sought(name, link, failed)

    async def found(self, sought: Sought) -> VariableShown | TurnFailure | None:
        """What became of it: the variable in detail, why it cannot be seen, or None if there is none of that name."""
        name, link, look = sought
        if link is None:
            return self._no_session()
        self._forget_former_life()
        last = self._details.get(name)
        try:
            if look is None:
                return await self._glance_at(link, name, last)
            if isinstance(look, LookFailed):
                raise look
            sight = await look.sight()
        except LookFailed as failed:
            if last is None:
                return TurnFailure(reason=str(failed))
            return VariableShown(name=name, text=last[1], note=f"{failed}; this is the last look, {_age(last[0])}")
        if sight.detail is None:
            self._details.pop(name, None)
            return None
        self._details[name] = (_now(), sight.detail)
        self._details.move_to_end(name)
        if len(self._details) > REMEMBERED:
            self._details.popitem(last=False)
        return VariableShown(name=name, text=sight.detail, line=sight.line)

    async def _list(self, link: SubkernelLink) -> tuple[Sight, str]:
        if not self._is_busy():
            return await self._silent.begin(link, self.language, None).sight(), ""
        if not self.language.glances:
            raise LookFailed(f"a cell is running, and a busy {self.language.name} session cannot be looked at")
        seen = await self._glancing.glance(link, self.language, self.known_names(), detail=False)
        before = {each.name: each for each in self._seen or []}
        whole = [each if each.summary or each.name not in before else before[each.name] for each in seen]
        note = f"as of {_now().words}, while a cell is running: names that no cell assigns in plain sight may be missing"
        return Sight(variables=whole), note

    async def _glance_at(self, link: SubkernelLink, name: str, last: tuple[_Moment, str] | None) -> VariableShown | None:
        if not self.language.glances:
            raise LookFailed(f"a cell is running, and a busy {self.language.name} session cannot be looked at")
        seen = await self._glancing.glance(link, self.language, [name], detail=True)
        if not seen:
            return None
        text = f"{seen[0].type}\n{seen[0].summary}".strip()
        if last is not None and not seen[0].plain:
            text += f"\n\nThe last look in detail, {_age(last[0])}:\n{last[1]}"
        note = f"as of {_now().words}, while a cell is running; more can be seen when it is done"
        return VariableShown(name=name, text=text, note=note, line=seen[0].summary if seen[0].plain else "")

    async def _answer_list(self, asked: Asked) -> None:
        seen = await self.variables()
        _give(self.hiding.variables(seen) if isinstance(seen, Variables) else seen, asked)

    async def _answer_variable(self, name: str, asked: Asked) -> None:
        seen = await self.variable(name)
        _give(self.hiding.variable(seen) if isinstance(seen, VariableShown) else seen, asked)

    def _answer_cells(self, message: ReadCells, asked: Asked) -> None:
        found, more = self._state.transcript.between(message.first, message.last, cells=READ_CELLS, output_chars=READ_OUTPUT_CHARS)
        if not found and (message.first is not None or message.last is not None):
            asked.fail(TurnFailure(reason="no cells with such numbers are remembered; read_cells without numbers gives the latest"))
            return
        asked.answer(CellsRead(cells=found, note=f"{more} earlier cells are left out" if more else ""))

    def _answer_output(self, message: ReadOutput, asked: Asked) -> None:
        transcript = self._state.transcript
        part = transcript.part(message.handle, max(message.offset, 0), chars=PART_CHARS)
        if part is None:
            newest = ", ".join(transcript.handles()[-NAMED_CELLS:]) or "none"
            asked.fail(TurnFailure(reason=f"there is no output {message.handle[:60]!r}; the newest are: {newest}"))
            return
        asked.answer(OutputRead(text=part.text, offset=max(message.offset, 0), size=part.size, handle=message.handle))

    def _is_busy(self) -> bool:
        """Whether code runs or waits there: the user's, or the model's, which the account of clients' requests does not know."""
        return not self._state.requests.undisturbed or self._state.granted.under_way

    def _no_session(self) -> TurnFailure:
        return TurnFailure(reason=f"there is no session to look at: the subkernel is {self._state.phase.value}")

    def _forget_former_life(self) -> None:
        if self._generation != self._state.generation:
            self._generation = self._state.generation
            self._seen = None
            self._details.clear()


def _give(reply: Variables | VariableShown | TurnFailure, asked: Asked) -> None:
    if isinstance(reply, TurnFailure):
        asked.fail(reply)
    else:
        asked.answer(reply)


def _told(seen: list[Seen]) -> list[Variable]:
    return [Variable(name=each.name, type=each.type, summary=each.summary) for each in seen]


def _now() -> _Moment:
    return _Moment(time.time(), time.monotonic())


def _age(at: _Moment) -> str:
    return f"of {at.words}, {time.monotonic() - at.monotonic:.0f} s ago"
