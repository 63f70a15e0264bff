"""Platform door: how much of what was written to a connection the other side has not taken yet.

libzmq tells nothing about its queues, but it tells the descriptor of the connection that a subscription came by. What the
operating system still holds for that connection falls to 0 when the client has taken all that libzmq had.
"""

import os
import socket
import struct
import sys

_SIOCOUTQ = 0x5411
"""Linux <linux/sockios.h>, the number of TIOCOUTQ; for tcp and unix sockets."""
_SO_NWRITE = 0x1024
"""macOS <sys/socket.h>."""
_INT = struct.Struct("i")
_BYTES_ACKED = struct.Struct("=120xQ")
"""Linux `struct tcp_info` up to tcpi_bytes_acked (since 4.1)."""


def unsent_bytes(descriptor: int) -> int | None:
    """What waits in the operating system for the other side; None when it cannot be said."""
    try:
        if sys.platform == "linux":
            import fcntl

            found: int = _INT.unpack(fcntl.ioctl(descriptor, _SIOCOUTQ, bytes(_INT.size)))[0]
            return found
        elif sys.platform == "darwin":
            with copy_of(descriptor) as copy:
                return copy.getsockopt(socket.SOL_SOCKET, _SO_NWRITE)
    except OSError:
        pass  # closed meanwhile, or no socket any more: whoever was there has left
    return None


def taken_bytes(descriptor: int) -> int | None:
    """How much the other side has taken in all; None when it cannot be said, as on a unix socket.

    What is unsent looks the same all the time when a client reads slowly and libzmq fills up after it; this does not.
    """
    if sys.platform != "linux":
        return None
    try:
        with copy_of(descriptor) as copy:
            if copy.family not in {socket.AF_INET, socket.AF_INET6}:
                return None
            return acknowledged_bytes(copy)
    except OSError:
        return None


def acknowledged_bytes(connection: socket.socket) -> int | None:
    """How much the other side of a tcp connection has acknowledged in all; None when it cannot be said."""
    if sys.platform != "linux":
        return None
    try:
        told = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _BYTES_ACKED.size)
    except OSError:
        return None
    return int(_BYTES_ACKED.unpack(told)[0]) if len(told) == _BYTES_ACKED.size else None


def copy_of(descriptor: int) -> socket.socket:
    """A connection once more, to be closed by whoever wanted it.

    Raises:
        OSError: it is closed, or something else has its number by now, or no number is left.
    """
    number = os.dup(descriptor)
    try:
        return socket.socket(fileno=number)
    except OSError:
        os.close(number)
        raise


def connection_of(descriptor: int) -> tuple[int, int] | None:
    """What tells this connection from a later one with the same descriptor; None when it is closed."""
    try:
        found = os.fstat(descriptor)
    except OSError:
        return None
    return found.st_dev, found.st_ino
