"""The session as the functions of a context see it: each wish goes to the KernelActor as a tool of the model's does."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

import msgspec

from actors.runtime.failures import AskError, AskFailed
from actors.runtime.ref import Ref
from beaker.agent.tools.built_in import BUILT_IN
from beaker.agent.tools.function import FunctionTool
from beaker.agent.tools.session import Session, ToolFailed
from beaker.agent.tools.tool import Asking, BadCall
from beaker.messages.base import TurnId
from beaker.messages.kernel import KernelMessage
from beaker.messages.turn import ListVariables, TurnFailure, Variable

NO_TURN = TurnId(0)
"""Who looks though no question is being answered: a preview. Turns count from 1."""

LOOK_TIMEOUT_S = 5.0
"""As of the tools that look."""


class KernelSession(Session):
    """One session.

    Args:
        kernel: who is asked.
        asking: on whose behalf.
        while_asked: holds the turn's clock while the user is waited for.
    """

    def __init__(
        self, kernel: Ref[KernelMessage], asking: Asking, while_asked: Callable[[], AbstractContextManager[None]] = nullcontext
    ) -> None:
        self.language = asking.language
        self._kernel = kernel
        self._asking = asking
        self._while_asked = while_asked

    async def variables(self) -> list[Variable]:
        """See `Session.variables`.

        Raises:
            ToolFailed: they cannot be seen now.
        """
        try:
            seen = await self._kernel.ask(ListVariables(turn=self._asking.turn), timeout_s=LOOK_TIMEOUT_S)
        except AskError as error:
            raise ToolFailed(_reason(error)) from None
        return seen.variables

    async def use(self, tool: str, /, **arguments: object) -> str:
        """See `Session.use`.

        Raises:
            ToolFailed: there is no such tool, it takes other arguments, or the session refuses.
        """
        read = BUILT_IN.decode(tool, msgspec.json.encode(arguments).decode())
        if isinstance(read, BadCall):
            raise ToolFailed(read.text)
        known = BUILT_IN.tool(tool)
        if isinstance(known, FunctionTool):
            raise ToolFailed(f"{tool} cannot be used from here")
        try:
            with self._while_asked() if known.waits_for_user else nullcontext():
                reply = await self._kernel.ask(known.request(read, self._asking), timeout_s=known.timeout_s)
        except AskError as error:
            raise ToolFailed(_reason(error)) from None
        if not isinstance(reply, known.reply):
            raise ToolFailed("the session gave no proper answer")
        return BUILT_IN.describe(tool, reply)


def _reason(error: AskError) -> str:
    if isinstance(error, AskFailed) and isinstance(error.failure, TurnFailure):
        return error.failure.reason
    return "the session did not answer; it may be busy or restarting"
