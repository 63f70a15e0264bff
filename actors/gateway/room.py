"""The clients of one kernel on this worker, and the stream to its host that they share.

What the host tells everybody comes once and is handed to each client here. When the link to the host was lost, all clients are
opened at the next one, each with the number of the last message that it has; its websocket stays.
"""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from actors.gateway.framing import Message
from actors.gateway.socket_client import NORMAL, SocketClient
from actors.runtime.bulk import Piece
from actors.runtime.clock import Clock
from actors.runtime.failures import Busy, TooLarge, Unreachable
from actors.runtime.link import Link
from actors.runtime.log import Log, SparseLog
from actors.runtime.trace import current_trace
from beaker.gateway.stream import (
    Close,
    Fetch,
    FromHost,
    FromWorker,
    Hold,
    Open,
    Opened,
    Over,
    Reached,
    Release,
    Said,
    Superseded,
    Told,
    decode_from_host,
    encode_head,
)
from beaker.wire.parts import BUFFERS, HEADER, WireError, read_header
from beaker.wire.websocket import OnChannel

TOO_LARGE: Final = 1009
"""The code of closing for a message that no link takes."""

BUSY_S: Final = 0.05
"""Between two tries to send while the host has a hundred MB of others to read."""

DOCUMENTS: Final = BUFFERS
"""The fewest parts of a message."""


class KernelRoom:
    """One kernel.

    Args:
        kernel_id: which one.
        stream: the number of its stream, on every link to its host.
        link: gives the link to the host; None while there is none.
        on_over: told when the host says that the kernel is over, or not there.
        is_traced: each message of a client is put down, for which it has to be read.
    """

    def __init__(
        self,
        kernel_id: str,
        stream: int,
        *,
        link: Callable[[], Link | None],
        on_over: Callable[["KernelRoom", str], None],
        clock: Clock,
        log: Log,
        is_traced: bool = False,
    ) -> None:
        self.kernel_id = kernel_id
        self.clients: dict[str, SocketClient] = {}
        """By session."""
        self._stream = stream
        self._link = link
        self._on_over = on_over
        self._clock = clock
        self._log = log.bind(kernel=kernel_id) if is_traced else None
        self._junk = SparseLog(log.bind(kernel=kernel_id), "host.junk")

    def join(self, client: SocketClient) -> None:
        """A websocket was opened; a former one of its session makes room."""
        former = self.clients.get(client.session)
        if former is not None:
            # Closed first, so that the host supersedes nobody: it could not say which of the two it means.
            former.forget_slot()
            self._send(Close(session=former.session))
            former.end(NORMAL, "replaced by a newer connection of this session")
        self.clients[client.session] = client
        self._open(client)

    def leave(self, client: SocketClient) -> None:
        """A websocket is gone."""
        if self.clients.get(client.session) is client:
            del self.clients[client.session]
            client.forget_slot()
            self._send(Close(session=client.session))

    def reopen(self) -> None:
        """There is a new link to the host, or the kernel is there after all."""
        for client in self.clients.values():
            self._open(client)

    def lost(self) -> None:
        """The link to the host is gone: nobody speaks until there is another."""
        for client in self.clients.values():
            client.may_speak.clear()

    def over(self, words: str) -> None:
        """The kernel has ended: close all websockets."""
        for client in list(self.clients.values()):
            client.end(NORMAL, words, is_heard_out=False)

    def took(self, frames: Sequence[memoryview]) -> None:
        """Something has come from the host."""
        try:
            head = decode_from_host(frames[0])
        except (msgspec.DecodeError, IndexError) as error:
            self._junk.warning(reason=str(error))
            return
        if isinstance(head, Told):
            self._told(head, [bytes(frame) for frame in frames[1:]])
        elif isinstance(head, Over):
            self._on_over(self, head.reason)
        elif (client := self.clients.get(head.session)) is not None:
            self._of_one(client, head)

    def fetch(self, client: SocketClient) -> None:
        """See `socket_client.Room`."""
        client.delivery.fetch()
        self._send(Fetch(session=client.session, after=client.delivery.last))

    async def say(self, client: SocketClient, message: OnChannel) -> None:
        """See `socket_client.Room`."""
        if self._log is not None:
            _put_down(self._log, client, message)
        head = encode_head(Said(session=client.session, channel=message.channel))
        while True:
            await client.may_speak.wait()
            link = self._link()
            if link is None:
                client.may_speak.clear()
                continue
            try:
                await link.send_bytes(self._stream, [head, *message.parts])
            except Unreachable:
                client.may_speak.clear()  # not all of it was taken: said again to the next one
            except Busy:
                await self._clock.sleep(BUSY_S)
            except TooLarge as error:
                client.end(TOO_LARGE, str(error))
                return
            else:
                return

    def _open(self, client: SocketClient) -> None:
        client.may_speak.clear()
        client.delivery.open()
        self._send(Open(kernel_id=self.kernel_id, session=client.session, slot=client.slot))
        self._send(Fetch(session=client.session, after=client.delivery.last))

    def _told(self, head: Told, parts: list[bytes]) -> None:
        if len(parts) < DOCUMENTS:
            self._junk.warning(reason=f"a message of {len(parts)} parts")
            return
        message = Message(head.channel, parts)
        if not head.session:
            for client in self.clients.values():
                client.told(head.number, message, alone=False)
        elif (one := self.clients.get(head.session)) is not None:
            one.told(head.number, message, alone=True)

    def _of_one(self, client: SocketClient, head: FromHost) -> None:
        delivery = client.delivery
        match head:
            case Opened():
                delivery.opened()
                client.may_speak.set()
            case Reached():
                delivery.reached(head.number, live=head.live)
                client.wake()
            case Hold():
                client.may_speak.clear()
            case Release():
                if delivery.phase != "opening":
                    client.may_speak.set()
            case Superseded():
                if delivery.phase != "opening":  # else one before this one is meant
                    client.forget_slot()
                    client.end(NORMAL, "replaced by a newer connection of this session")
            case Told() | Over():
                raise AssertionError("these are for all")

    def _send(self, head: FromWorker, *parts: Piece) -> None:
        link = self._link()
        if link is None:
            return  # whoever is here is opened at the next one
        try:
            link.send_bytes(self._stream, [encode_head(head), *parts])
        except (Unreachable, Busy):
            # A host that has not read so much does not read: with the link all of this begins anew.
            link.abort("the host reads nothing")


def _put_down(log: Log, client: SocketClient, message: OnChannel) -> None:
    """That a message has come by this worker, under its own trace."""
    try:
        header = read_header(message.parts[HEADER])
    except WireError:
        return  # the host says what is wrong with it
    outer = current_trace.set(header.msg_id)
    log.debug("message.taken", kind=header.msg_type, channel=message.channel, session=client.session)
    current_trace.reset(outer)
