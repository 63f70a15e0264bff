"""The heartbeat channel of the kernel: an echo from a thread, which stays silent when the event loop hangs.

A client that hears no echo says that the kernel does not respond. An echo that goes on while the loop is stuck would be
a lie, so the thread answers only if the loop turned within the last seconds; the loop proves that by a timer.
"""

import asyncio
import threading
import time

import zmq

from actors.kernel.sockets.zmq_sockets import Curve, bind_socket

FRESH_S = 2.0
"""How long ago the loop may have turned for an echo to be true; clients ask about once a second and give up after 3-10."""

PING_BYTES = 1000
"""What a peer may send in one frame; a longer one closes it. jupyter_client sends `ping`, and what is sent waits in memory."""


class Heartbeat:
    """Owns the thread, its socket and its own ZeroMQ context (the main one is never shared across threads).

    Raises:
        AddressError: the address cannot be bound.
    """

    def __init__(self, address: str, *, curve: Curve | None = None, fresh_s: float = FRESH_S) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context(io_threads=1)
        self._socket = self._context.socket(zmq.ROUTER)
        self._socket.linger = 0
        self._socket.setsockopt(zmq.MAXMSGSIZE, PING_BYTES)
        if curve is not None:
            curve.serve(self._socket)
        self.port = bind_socket(self._socket, address)
        self._fresh_s = fresh_s
        self._turned_at = time.monotonic()
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._turn()
        self._thread = threading.Thread(target=self._echo, name="heartbeat", daemon=True)
        self._thread.start()

    def _turn(self) -> None:
        self._turned_at = time.monotonic()
        self._timer = self._loop.call_later(self._fresh_s / 4, self._turn)

    def _echo(self) -> None:
        while True:
            try:
                frames = self._socket.recv_multipart()
                if time.monotonic() - self._turned_at <= self._fresh_s:
                    self._socket.send_multipart(frames)
            except zmq.ContextTerminated:
                # close() ended the context; sockets may only be closed by the thread that uses them.
                self._socket.close()
                return
            except zmq.ZMQError:
                continue  # one odd peer must not end the echo for all

    def close(self) -> None:
        """Silence it for good."""
        if self._timer is not None:
            self._timer.cancel()
        self._context.term()
        self._thread.join()
