"""One channel on which clients ask and are answered: shell, control or stdin. Each client has an account for what comes back.

A ROUTER keeps what a client does not read in memory, without a limit, or with one drops it in silence. So a client gets a
lane here as a listener of iopub does (`lane.py`): a window of what libzmq may hold for it, until the operating system says that it
has taken that; the rest waits on disk, and who reads gets all of it, however slowly. Who reads nothing for `stopped_s`, with much
waiting, misses replies from then on: each is named in the log, and on iopub, to the request that it answers. Nobody else is held up,
as would be if requests were not read while one client's replies pile up; closing its connection is nothing that libzmq offers.

Who cannot be seen is taken at its word and given everything: one that another process has asked for, until it asks for something
itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from actors.kernel.sockets.absent import Absent
from actors.kernel.sockets.connection import Connection, Progress
from actors.kernel.sockets.flushing import Flushing
from actors.kernel.sockets.lane import Lane, Rules
from actors.kernel.sockets.spill import cost_of
from actors.kernel.sockets.zmq_edge import EdgeSocket
from actors.kernel.sockets.zmq_sockets import FEW, NONE, Context, Curve


@dataclass(slots=True)
class _Client:
    """One identity."""

    lane: Lane
    connection: Connection | None = None
    """That its last request came by."""

    @property
    def gone(self) -> bool:
        return self.connection is None or self.connection.gone


class ClientChannel:
    """Reads requests, and writes replies to those who asked.

    Args:
        receive: called with the frames of each message; it says by `heard` that there is a client behind one.
        rules: of all accounts.
        max_message_bytes, curve: see `make_socket`.
    """

    def __init__(
        self,
        context: Context,
        receive: Callable[[list[bytes]], None],
        *,
        rules: Rules,
        max_message_bytes: int,
        curve: Curve | None,
    ) -> None:
        # Few, so that who asks waits while we do not read; none the other way, where the lanes count.
        self._socket = EdgeSocket(
            context, "router", receive, receive_limit=FEW, send_limit=NONE, max_message_bytes=max_message_bytes, curve=curve
        )
        self._rules = rules
        self._clients: dict[bytes, _Client] = {}
        self._flushing = Flushing(lambda: (client.lane for client in self._clients.values()))
        self._absent = Absent(self._socket.reach, rules.log)

    @property
    def count(self) -> int:
        """How many clients have an account."""
        return len(self._clients)

    def bind(self, address: str) -> int | None:
        """Begin to read; see `EdgeSocket.bind`."""
        return self._socket.bind(address)

    def pause(self) -> None:
        """Read no requests; clients wait."""
        self._socket.pause()

    def resume(self) -> None:
        """Read on."""
        self._socket.resume()

    def heard(self, identity: bytes) -> None:
        """The message that is being received is of a client: what is sent to it leaves by the same connection."""
        client = self._clients.get(identity) or self._add(identity)
        descriptor, known = self._socket.speaker, client.connection
        # A client that connects again is likely to get the descriptor that it had.
        if descriptor is not None and (known is None or known.descriptor != descriptor or known.gone):
            client.connection = Connection(descriptor)
            if known is not None:
                client.lane.begin_anew()

    def send(self, frames: list[bytes]) -> None:
        """Send to the client whose identity is the first frame: at once, or as soon as it takes more, or is back."""
        client = self._clients.get(frames[0]) or self._add(frames[0])
        client.lane.put(frames, cost_of(frames))
        if client.lane.behind:
            self._flushing.wake()

    def close(self) -> None:
        """Give whoever reads what waits for them, and stop."""
        self._flushing.close()
        for client in self._clients.values():
            client.lane.end()
        self._clients.clear()
        self._absent.close()
        self._socket.close()

    def _add(self, identity: bytes) -> _Client:
        self._forget_the_gone()
        client = _Client(Lane(self._rules, self._give, partial(self._progress, identity)))
        self._clients[identity] = client
        return client

    def _forget_the_gone(self) -> None:
        for identity in [identity for identity, client in self._clients.items() if client.gone and not client.lane.behind]:
            del self._clients[identity]

    def _progress(self, identity: bytes) -> Progress:
        connection = self._clients[identity].connection
        return Progress() if connection is None else connection.progress()

    def _give(self, frames: list[bytes]) -> None:
        if self._absent.awaits(frames[0]) or not self._socket.reach(frames):
            self._absent.keep(frames)
