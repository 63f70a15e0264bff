"""A turn on a terminal: `jupyter console`, `jupyter run`, a program with jupyter_client. They print what comes, and nothing twice.

Such clients drop updates of displays, so that a display could only be shown whole, at the end. Instead the text is a stream, and what the
turn waits for a line of its own on stderr, where it is in nobody's way who keeps the output.
"""

import asyncio
from collections.abc import Sequence

from actors.kernel.channels.own_cell import OwnCell
from actors.kernel.questions.cell_face import CellFace
from actors.kernel.questions.face import Outcome
from actors.kernel.state.state import KernelState
from beaker.kernel.asked_back import AskedBack
from beaker.kernel.harmless import visible
from beaker.kernel.panes import Pane, panes, waiting_words
from beaker.kernel.roll import Roll
from beaker.kernel.turn_display import RunBlock, TurnDisplay
from beaker.messages.turn import Ended, TurnEvent
from beaker.wire import compose

WORDS_AFTER_S = 0.5
"""A shorter wait is over before its words are read; what is printed stays."""


class TerminalFace(CellFace):
    """One cell of a client that prints."""

    def __init__(self, state: KernelState, cell: OwnCell, *, background: bool) -> None:
        super().__init__(state, cell, background=background)
        self._streams = True
        self._roll = Roll()
        self._words = ""
        """That were printed, or are about to be."""
        self._speaking: asyncio.TimerHandle | None = None

    def heard(self, event: TurnEvent) -> None:
        """Before its end the text is whole: code in it may become cells then."""
        super().heard(event)
        if isinstance(event, Ended):
            self._cancel_drawing()
            self._draw()

    def flush(self) -> None:
        """All but what the prompt says: it stands right below."""
        self._cancel_drawing()
        display = self._opened()
        wanted = panes(display, ending=[])
        asks = bool(display.part) and isinstance(display.part[-1], (RunBlock, AskedBack))
        self._show(wanted[:-1] if asks else wanted)
        self._end_line()
        self._roll.pass_over([pane.plain for pane in wanted])

    def redraw(self, block: RunBlock) -> None:
        """What stands further above cannot be changed."""
        self._print_line(f"{block.name} {block.words}")

    def park(self, words: str) -> None:
        """The way back is the last line."""
        self._cancel_drawing()
        display = self._opened()
        self._show(panes(display, ending=[]))
        if not any(isinstance(segment, RunBlock) and segment.below == words for segment in display.part):
            self._print_line(f"*{words}*")
        self._end_line()
        self._parked = True
        self._cell.finish()

    def _draw(self) -> None:
        self._drawing = None
        if self._display is not None:
            self._show(panes(self._display, ending=[]))
            self._speak_soon(waiting_words(self._display))

    def _show(self, wanted: list[Pane]) -> None:
        if more := self._roll.more([pane.plain for pane in wanted]):
            self._print(more)

    def _show_last(self, outcome: Outcome, ending: Sequence[str]) -> None:
        del outcome
        last = panes(self._opened(), ending=[])
        if self._roll.begins_with_printed([pane.plain for pane in last]):
            self._show(last)  # else code in the text has become cells: it is there
        for line in ending:
            self._print_line(f"*{line}*")
        self._end_line()

    def _end_part(self) -> None:
        super()._end_part()
        self._end_line()
        self._roll.begin_part()

    def _cancel_drawing(self) -> None:
        super()._cancel_drawing()
        self._speak_soon("")

    def _speak_soon(self, words: str) -> None:
        """Print these words if they still hold in a moment."""
        if words == self._words:
            return
        self._words = words
        if self._speaking is not None:
            self._speaking.cancel()
        self._speaking = asyncio.get_running_loop().call_later(WORDS_AFTER_S, self._speak) if words else None

    def _speak(self) -> None:
        self._speaking = None
        self._end_line()
        self._print(self._roll.line(f"({visible(self._words)})"), name="stderr")

    def _print_line(self, words: str) -> None:
        self._print(self._roll.line(visible(words)))

    def _end_line(self) -> None:
        if end := self._roll.ended():
            self._print(end)

    def _print(self, text: str, *, name: str = "stdout") -> None:
        self._cell.say("stream", compose.stream(text, name=name))

    def _opened(self) -> TurnDisplay:
        assert self._display is not None, "a turn is opened before anything is shown of it"
        return self._display


def face_of(state: KernelState, cell: OwnCell, *, background: bool) -> CellFace:
    """What the client of a cell can show."""
    return (TerminalFace if cell.prints else CellFace)(state, cell, background=background)
