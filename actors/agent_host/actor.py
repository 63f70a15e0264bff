"""The AgentHost: the conversations of many kernels in one process, each with its AgentActor.

It opens a conversation when a kernel host wants one, and has no say in it afterwards: the AgentActor speaks with its kernel by a link of
its own. Only our own code runs here. A kernel whose question wants the context of a plugin gets an agent process for itself: foreign
code may block or end its process, and what it keeps in its modules would be one for all kernels.
"""

import asyncio
import os
from collections.abc import Callable
from typing import Final, assert_never

from actors.agent_host.conversation import Conversation
from actors.runtime.actor import Actor, Asked
from actors.runtime.clock import Timer
from actors.runtime.failures import RuntimeFault
from beaker.messages.agent_host import AgentHostFailure, AgentHostRequest, ConversationOpened, OpenConversation
from beaker.messages.turn import Ping, Pong

IDLE_S: Final = 60.0
"""A process without any conversation leaves after this long: the next question costs its start, and half a minute is soon over."""


class AgentHost(Actor[AgentHostRequest]):
    """All conversations of this process.

    Args:
        key: the model's.
        on_idle: called when there has been no conversation for so long.
        idle_s: how long.
    """

    def __init__(self, key: str | None, *, on_idle: Callable[[], None], idle_s: float = IDLE_S) -> None:
        self._key = key
        self._on_idle = on_idle
        self._idle_s = idle_s
        self._conversations: set[Conversation] = set()
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
                self._look()
                self.context.spawn(self._open(made, asked), name="open")
            case Ping():
                asked.answer(Pong())
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
            asked.answer(ConversationOpened(pid=os.getpid()))

    def _ended(self, conversation: Conversation) -> None:
        self._conversations.discard(conversation)
        self._look()

    def _look(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if self._conversations else self.context.clock.call_later(self._idle_s, self._on_idle)
