"""The AgentHost: the conversations of many kernels in one process, each with its AgentActor.

It opens a conversation when a kernel host wants one, and has no say in it afterwards: the AgentActor speaks with its kernel by a link of
its own. Only our own code runs here. A kernel whose question wants the context of a plugin gets an agent process for itself: foreign
code may block or end its process, and what it keeps in its modules would be one for all kernels.
"""

import asyncio
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Final, assert_never

from actors.agent_host.conversation import Conversation
from actors.runtime.actor import Actor, Asked
from actors.runtime.clock import Timer
from actors.runtime.failures import RuntimeFault
from beaker.gateway.figures import CONVERSATIONS
from beaker.messages.agent_host import AgentHostFailure, AgentHostRequest, ConversationOpened, OpenConversation
from beaker.messages.figures import Figures, FiguresTold, Sample, TellFigures
from beaker.messages.turn import Ping, Pong

AWAITED_S: Final = 20.0
"""One that nobody has asked for anything yet is waited for so long, as it was started for somebody; however short its idle time is."""

OwnFigures = Callable[[Iterable[Sample], int], Figures]


class AgentHost(Actor[AgentHostRequest]):
    """All conversations of this process.

    Args:
        key: the model's.
        own_figures: gives the numbers of this process, with those that are passed; and the dead letters of all conversations.
        on_idle: called when there has been no conversation for so long.
        idle_s: how long (`gateway.agents_idle_s`).
    """

    def __init__(self, key: str | None, *, own_figures: OwnFigures, on_idle: Callable[[], None], idle_s: float) -> None:
        self._key = key
        self._own_figures = own_figures
        self._on_idle = on_idle
        self._idle_s = idle_s
        self._conversations: set[Conversation] = set()
        self._asked = False
        self._opened = 0
        """Conversations, since this process began."""
        self._dead_letters_before = 0
        """Of conversations that have ended."""
        self._timer: Timer | None = None

    async def on_start(self) -> None:
        self._look()

    def receive(self, message: AgentHostRequest, asked: Asked | None) -> None:
        if asked is None:
            self.context.log.warning("agent_host.told_instead_of_asked", message=type(message).__name__)
            return
        match message:
            case OpenConversation():
                made = Conversation(message, self._key, on_ended=self._ended)
                self._conversations.add(made)
                self._asked = True
                self._look()
                self.context.spawn(self._open(made, asked), name="open")
            case Ping():
                asked.answer(Pong())
            case TellFigures():
                asked.answer(FiguresTold(figures=self._figures()))
            case _:
                assert_never(message)

    async def on_stop(self) -> None:
        await asyncio.gather(*(conversation.ended() for conversation in [*self._conversations]))
        if self._timer is not None:
            self._timer.cancel()

    async def _open(self, made: Conversation, asked: Asked) -> None:
        try:
            await made.start()
        except RuntimeFault as error:
            await made.ended()
            asked.fail(AgentHostFailure(reason=f"the kernel could not be reached: {error}"))
        else:
            self._opened += 1
            asked.answer(ConversationOpened(pid=os.getpid()))

    def _ended(self, conversation: Conversation) -> None:
        self._conversations.discard(conversation)
        self._dead_letters_before += conversation.dead_letters
        self._look()

    def _figures(self) -> Figures:
        dead_letters = self._dead_letters_before + sum(conversation.dead_letters for conversation in self._conversations)
        return self._own_figures(self._samples(), dead_letters)

    def _samples(self) -> Iterator[Sample]:
        yield Sample(name=CONVERSATIONS, value=len(self._conversations))
        yield Sample(name="beaker_conversations_opened_total", value=self._opened)
        waiting = sum(conversation.waiting for conversation in self._conversations)
        yield Sample(name="beaker_mailbox_messages", value=waiting, labels={"actor": "agent"})

    def _look(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        idle_s = self._idle_s if self._asked else max(self._idle_s, AWAITED_S)
        self._timer = None if self._conversations else self.context.clock.call_later(idle_s, self._on_idle)
