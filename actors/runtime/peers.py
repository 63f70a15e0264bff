"""Platform door: who is at the other end of a unix socket, as the operating system says.

Linux has SO_PEERCRED. macOS has LOCAL_PEERCRED (uid) and LOCAL_PEERPID, which Python's socket module does not name.
"""

import os
import socket
import struct
import subprocess
import sys

import msgspec

from actors.runtime.failures import RuntimeFault

_SOL_LOCAL = 0
_LOCAL_PEERCRED = 1
_LOCAL_PEERPID = 2
"""From macOS <sys/un.h>."""

_HAS_PROC = sys.platform == "linux"

_UCRED = struct.Struct("3i")
"""Linux `struct ucred`: pid, uid, gid."""
_XUCRED = struct.Struct("IIh16I")
"""macOS `struct xucred`: version, uid, number of groups, groups."""


class Credentials(msgspec.Struct, frozen=True):
    """The process at the other end."""

    uid: int
    pid: int


class NoCredentialsError(RuntimeFault):
    """This platform does not say who is at the other end."""


def credentials_of(connection: socket.socket) -> Credentials:
    """Ask the operating system; what it says was true when the connection was made.

    Raises:
        NoCredentialsError: on a platform that this door does not know.
    """
    if sys.platform == "linux":
        pid, uid, _ = _UCRED.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))
    elif sys.platform == "darwin":
        uid = _XUCRED.unpack(connection.getsockopt(_SOL_LOCAL, _LOCAL_PEERCRED, _XUCRED.size))[1]
        (pid,) = struct.unpack("i", connection.getsockopt(_SOL_LOCAL, _LOCAL_PEERPID, 4))
    else:
        raise NoCredentialsError(f"no peer credentials on {sys.platform}")
    return Credentials(uid=uid, pid=pid)


def parent_of(pid: int) -> int | None:
    """The parent of a process; None if there is no such process."""
    if _HAS_PROC:
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
                return int(file.read().rpartition(") ")[2].split()[1])
        except OSError:
            return None
    command = ["ps", "-o", "ppid=", "-p", str(pid)]
    found = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, env={"PATH": os.defpath}, check=False)
    return int(found.stdout) if found.stdout.strip().isdigit() else None


def own_uid() -> int:
    """The uid that a peer of ours must have."""
    return os.getuid()
