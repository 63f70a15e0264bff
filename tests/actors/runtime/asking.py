"""What the tests of actors share: what became of an ask, and who made an actor anew."""

import asyncio
from typing import Any

from actors.runtime.failures import (
    AskError,
)
from tests.actors.runtime.vocabulary import (
    Worker,
)


class Lives:
    """A factory that remembers what it made."""

    def __init__(self) -> None:
        self.made: list[Worker] = []

    def __call__(self) -> Worker:
        self.made.append(Worker())
        return self.made[-1]


async def outcome(asking: "asyncio.Future[Any]") -> object:
    """The answer, or the class of the error."""
    try:
        return await asking
    except AskError as error:
        return type(error)
