"""One request that beaker answers itself and that is no cell: busy first, its messages, its one reply, idle last."""

import time
from dataclasses import dataclass, field

from actors.kernel.channels.owed import send_on
from actors.kernel.sockets.client import Client
from actors.kernel.state.state import KernelState
from beaker.kernel.custom.replies import Aborted, Failed
from beaker.kernel.pending import Channel, Pending, reply_type
from beaker.wire.parts import HEADER, Header, Parts


@dataclass(slots=True)
class OwnRequest:
    """A request between its arrival and its reply."""

    state: KernelState
    kind: str
    client: Client
    over: bool = False
    since: float = field(default_factory=time.monotonic)
    """Monotonic time at which it came."""

    @classmethod
    def begin(cls, state: KernelState, idents: list[bytes], header: Header, parts: Parts, channel: Channel) -> "OwnRequest":
        """A request arrived: say that it is being worked on."""
        state.inflight.begun(Pending(header.msg_id, header.session, header.msg_type, parts[HEADER], idents, channel, None, own=True))
        state.publisher.busy(parts[HEADER])
        return cls(state, header.msg_type, Client(header.msg_id, idents, parts[HEADER], channel, allows_stdin=False))

    def allow_stdin(self) -> None:
        """Its client answers questions on the stdin channel."""
        self.client = self.client._replace(allows_stdin=True)

    def say(self, msg_type: str, content: object) -> None:
        """Publish something about it."""
        self.state.publisher.say(msg_type, content, parent=self.client.header)

    def reply(self, content: object) -> None:
        """Reply with content of status ok."""
        self._reply(content, "ok")

    def fail(self, ename: str, evalue: str, *, turn: int | None = None) -> None:
        """Reply with an error: a sentence, never a traceback."""
        self._reply(Failed(ename=ename, evalue=evalue, turn=turn), "error")

    def abort(self, *, turn: int | None = None) -> None:
        """Reply that it was ended before it was met."""
        self._reply(Aborted(turn=turn), "aborted")

    def _reply(self, content: object, status: str) -> None:
        if self.over:
            return
        self.over = True
        state, client = self.state, self.client
        reply = state.publisher.reply(reply_type(self.kind), content, parent=client.header)
        send_on(state, client.channel, client.idents, reply)
        state.publisher.idle(client.header)
        state.answered(client.msg_id, client.channel)
        took_ms = round((time.monotonic() - self.since) * 1000, 1)
        state.log.info("request.replied", trace=client.trace, msg_type=self.kind, status=status, took_ms=took_ms)
