"""The user's session as a context's tools and previews see it: what the model can do there, and no more."""

from abc import ABC, abstractmethod

from beaker.errors import BeakerError
from beaker.messages.turn import Variable


class ToolFailed(BeakerError):
    """A tool could not do what was asked; the text is what the model would be told."""


class Session(ABC):
    """One session, on behalf of one question."""

    language: str
    """Of the subkernel, as its kernelspec names it: `python`, `R`."""

    @abstractmethod
    async def variables(self) -> list[Variable]:
        """List the user's variables, each with name, type and a short value. Runs no code.

        Raises:
            ToolFailed: they cannot be listed.
        """

    @abstractmethod
    async def use(self, tool: str, /, **arguments: object) -> str:
        """Use one of beaker's own tools, such as `propose_cell`, as the model would; code runs only with the user's consent.

        Returns:
            What the model would be told.

        Raises:
            ToolFailed: it could not be done, or there is no such tool.
        """
