"""The one way to reach an actor: a `Ref`, typed by what the actor understands.

A ref is the same to its holder whether the actor lives in this process (messages go by reference) or behind a link. It
names the actor, not one life of it: after a restart the same ref reaches the new life. An actor's own
`context.ref` is bound to the life that it was given to: what it tells itself late is a dead letter to its successor.
"""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar, overload

from actors.runtime.down import Down

M = TypeVar("M", contravariant=True)
Reply = TypeVar("Reply")
ReplyOut = TypeVar("ReplyOut", covariant=True)


class Answerable(Protocol[ReplyOut]):
    """A request that says, to the type checker only, what answers it.

    A vocabulary declares `answered_by` under `TYPE_CHECKING` in the base class of its requests; nothing calls it.
    """

    def answered_by(self) -> ReplyOut:
        """Never called."""
        ...


class Ref(Protocol[M]):
    """Where to send messages of the union M."""

    @property
    def name(self) -> str:
        """Name of the actor on its node."""
        ...

    def tell(self, message: M) -> None:
        """Send and forget. Never waits, never raises: what cannot be taken is a dead letter, counted and logged."""
        ...

    @overload
    async def ask(self, message: Answerable[Reply], *, timeout_s: float) -> Reply: ...
    @overload
    async def ask(self, message: M, *, timeout_s: float) -> Any: ...  # Any: a request that does not say what answers it
    async def ask(self, message: Any, *, timeout_s: float) -> Any:  # Any: typed by the overloads
        """Send and wait for the answer, at most `timeout_s` seconds.

        Raises:
            AskFailed: the actor answered with a failure, which is in `.failure`.
            AskTimeout: no answer in time.
            Busy: the mailbox or the link is full; nothing was sent.
            Unreachable: no such actor, or the link is lost.
            Stopped, Crashed, Unanswered: what the actor did instead of answering.
            TooLarge: the message is too large for a link.
        """
        ...

    def watch(self, notify: Callable[[Down], None]) -> Callable[[], None]:
        """Hear of every death of the actor, at once if it is gone already. Returns what ends the watch."""
        ...
