"""The one actor of a worker: it tells the worker's numbers to the Registry, which gathers those of all processes for a scrape.

A worker is asked by nobody else, and does all else in the handlers of requests.
"""

from collections.abc import Callable
from typing import Final

from actors.runtime.actor import Actor, Asked
from beaker.messages.figures import Figures, FiguresTold, TellFigures

NAME: Final = "worker"


class Teller(Actor[TellFigures]):
    """Tells.

    Args:
        look: gives the numbers as they are now.
    """

    def __init__(self, look: Callable[[], Figures]) -> None:
        self._look = look

    def receive(self, message: TellFigures, asked: Asked | None) -> None:
        if asked is None:
            self.context.log.warning("worker.told_instead_of_asked", message=type(message).__name__)
        else:
            asked.answer(FiguresTold(figures=self._look()))
