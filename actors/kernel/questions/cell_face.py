"""A turn as a `%%ai` cell shows it: a markdown display that is updated as text streams in, and one for each code that asks to be run.

Clients that do not announce cells (nbclient, consoles) get it once, whole, because they drop or cannot show updates. What a
display cannot hold (thoughts, tool calls, counts) is published beside it once any client has shown that it knows us.
"""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from actors.kernel.channels.own_cell import OwnCell
from actors.kernel.questions.face import Asks, Outcome
from actors.kernel.sockets.client import Client
from actors.kernel.state.state import KernelState
from beaker.kernel.panes import EMPTY, Pane, panes, run_pane
from beaker.kernel.turn_display import Proposal, RunBlock, TurnDisplay
from beaker.messages.turn import Began, Delta, ToolAnswered, ToolCalled, TurnEvent, Waiting
from beaker.wire import compose

if TYPE_CHECKING:
    from beaker.kernel.custom.news import TurnNews

SHOWN = frozenset({"llm_delta", "llm_waiting"})
"""News that the display shows."""

NO_ANSWER = "*no answer*"


class _Shown(NamedTuple):
    """A display of the part that is shown now, as it was last drawn."""

    display_id: str
    pane: Pane


class CellFace:
    """One cell and its displays.

    Args:
        cell: busy until the turn is over.
        background: the cell is done at once, and its display goes on.
    """

    def __init__(self, state: KernelState, cell: OwnCell, *, background: bool) -> None:
        self._state = state
        self._cell = cell
        self._background = background
        self._streams = cell.announces_cells or background
        self._display: TurnDisplay | None = None
        self._news: TurnNews | None = None
        self._name = f"beaker-{state.kernel_id}-{secrets.token_hex(4)}"
        """What the ids of the displays begin with."""
        self._displays = 0
        """How many were made so far."""
        self._shown: list[_Shown] = []
        self._runs: dict[str, str] = {}
        """Ids of the displays of code in parts further above, by its name."""
        self._alone = True
        """Nothing stands below the cell but this part."""
        self._parked = False
        self._spoke = False
        """Whether this part of the answer has text: the first is drawn at once."""
        self._drawing: asyncio.TimerHandle | None = None

    @property
    def client(self) -> Client:
        """Who asked."""
        cell = self._cell
        return Client(cell.msg_id, cell.idents, cell.header, "shell", bool(cell.flags.allow_stdin))

    @property
    def consent(self) -> Asks:
        """By stdin, while the cell is busy and its client allows that."""
        if not self._cell.flags.allow_stdin:
            return "never"
        return "parked" if self._cell.over or self._background else "stdin"

    def open(self, display: TurnDisplay) -> None:
        """The turn begins."""
        self._display = display
        if self._streams:
            self._draw()
        if self._background:
            self._cell.finish()

    def heard(self, event: TurnEvent) -> None:
        """The agent said something."""
        if isinstance(event, Delta) and self._streams and not self._spoke and event.text.strip():
            self._spoke = True
            self._cancel_drawing()
            self._draw()
        elif isinstance(event, (Began, Delta, Waiting, ToolCalled, ToolAnswered)):
            self._draw_soon()
        if self._state.known_to_clients and self._display is not None:
            if self._news is None:
                from beaker.kernel.custom.news import TurnNews  # not at the kernel's start: most clients want no news

                self._news = TurnNews(self._display.number)
            for kind, content in self._news.tell(event):
                if kind not in SHOWN:
                    self._cell.say(kind, content)

    def proposed(self, proposal: Proposal) -> None:
        """A cell was proposed: it is part of the display, and the first is the next cell at the end."""
        del proposal
        self._draw_soon()

    def wanted(self, block: RunBlock, warning: str) -> None:
        """A run is wanted, or its words have changed: it is part of the display."""
        del block, warning
        self._draw_soon()

    def flush(self) -> None:
        """Draw now; where no update would be shown, what there is becomes a part of its own."""
        if self._streams:
            self._cancel_drawing()
            self._draw()
        else:
            self._end_part()

    def ran(self, code: str, language: str, request: Mapping[str, object]) -> bool:
        """Outputs follow, below this part of the answer."""
        del code, language, request
        self._end_part()
        return False

    def redraw(self, block: RunBlock) -> None:
        """In its own display, where that can be updated."""
        if self._streams and (display_id := self._runs.get(block.name)) is not None:
            pane = run_pane(block)
            self._cell.say("update_display_data", compose.markdown(pane.markdown, plain=pane.plain, display_id=display_id))

    def park(self, words: str) -> None:
        """The way back stands below the code, or below the answer where the code was shown before; the cell is done."""
        self._cancel_drawing()
        assert self._display is not None, "a turn is opened before it is parked"
        if self._streams or not self._parked:
            there = any(isinstance(segment, RunBlock) and segment.below == words for segment in self._display.part)
            self._show(panes(self._display, ending=[] if there else [words]))
        self._parked = True
        self._cell.finish()

    def close(self, outcome: Outcome, reason: str) -> None:
        """The last state of the display, and the reply."""
        self._cancel_drawing()
        display = self._display
        assert display is not None, "a turn is opened before it is closed"
        stopped = "stopped" if outcome == "stopped" else ""
        hint = display.insert_hint(first_comes=outcome != "error" and not self._cell.over)
        cut = reason if self._parked and outcome == "error" else ""
        if not self._parked or self._streams:  # else it was shown whole, and no update would be
            self._show_last(outcome, [line for line in (stopped, cut, hint) if line])
        if self._parked:
            return  # it has its reply
        if outcome == "error":
            self._cell.fail("AgentError", reason)
        else:
            self._cell.finish(payload=[compose.set_next_input(proposal.code) for proposal in display.cells[:1]])

    def _show_last(self, outcome: Outcome, ending: Sequence[str]) -> None:
        """The last state of the answer, with lines below it."""
        assert self._display is not None, "a turn is opened before its end is shown"
        last = panes(self._display, ending=ending)
        if last or not self._shown:
            self._show(last)
        elif outcome != "error":
            self._show([Pane(NO_ANSWER, NO_ANSWER)])
        elif self._alone:
            # What it was waiting for is all that stands below the cell, and the error takes its place, in one step.
            self._cell.say("clear_output", {"wait": True})
        else:
            self._show([])

    def _end_part(self) -> None:
        """Show what there is for good; what comes is shown below it, with whatever is published in between."""
        self._cancel_drawing()
        if self._display is None:
            return
        self._show(panes(self._display, ending=[]))
        for block in self._display.part:
            if isinstance(block, RunBlock):
                self._runs.update((block.name, shown.display_id) for shown in self._shown if shown.pane == run_pane(block))
        self._display.begin_part()
        self._shown, self._spoke, self._alone = [], False, False

    def _cancel_drawing(self) -> None:
        if self._drawing is not None:
            self._drawing.cancel()
            self._drawing = None

    def _draw_soon(self) -> None:
        if self._streams and self._drawing is None:
            loop = asyncio.get_running_loop()
            self._drawing = loop.call_later(self._state.settings.kernel.display_interval_s, self._draw)

    def _draw(self) -> None:
        self._drawing = None
        if self._display is not None:
            self._show(panes(self._display))

    def _show(self, wanted: list[Pane]) -> None:
        """Make the displays of this part look so; one that is wanted no more is emptied, as none can be taken away."""
        wanted = wanted + [EMPTY] * (len(self._shown) - len(wanted))
        for at, pane in enumerate(wanted):
            if at == len(self._shown):
                self._displays += 1
                self._shown.append(_Shown(f"{self._name}-{self._displays}", pane))
                kind = "display_data"
            elif self._shown[at].pane != pane:
                self._shown[at] = _Shown(self._shown[at].display_id, pane)
                kind = "update_display_data"
            else:
                continue
            self._cell.say(kind, compose.markdown(pane.markdown, plain=pane.plain, display_id=self._shown[at].display_id))
