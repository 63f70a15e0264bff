"""What a kernel host says to an agent host, the process that holds the conversations of many kernels.

A conversation itself goes by a link of its own, between its kernel and its AgentActor: see `beaker.messages.turn`.
"""

from beaker.messages.base import Event, Failure, Request
from beaker.messages.figures import FiguresTold, TellFigures
from beaker.messages.turn import Ping, Pong


class OpenConversation(Request["ConversationOpened"], frozen=True, kw_only=True, tag="agent_host.open"):
    """A kernel wants an agent, which links itself to the kernel and ends with that link."""

    kernel_id: str
    """Whose conversation it is."""
    folder: str
    """The kernel's runtime folder, where the agent is expected."""
    secret: bytes
    """What it must say there."""
    order: bytes
    """An `actors.agent.order.AgentOrder`, encoded as for an agent's own process: what holds in that kernel."""


class ConversationOpened(Event, frozen=True, kw_only=True, tag="agent_host.opened"):
    """Answers OpenConversation: the agent can be asked."""

    pid: int
    """Of the agent host."""


class AgentHostFailure(Failure, frozen=True, kw_only=True, tag="agent_host.failure"):
    """The conversation cannot be held here."""

    reason: str
    """A sentence."""


AgentHostRequest = OpenConversation | Ping | TellFigures
AgentHostReply = ConversationOpened | Pong | FiguresTold | AgentHostFailure
