"""The sockets where clients come in: made once by the guardian and inherited by workers, so that a new one costs no connection.

TCP at each address that the name stands for (localhost: both of this machine's), or a unix socket that only its owner can use.
"""

import contextlib
import errno
import os
import socket
import stat
import sys
from pathlib import Path
from typing import Final

from actors.runtime.private_socket import bind_privately, somebody_answers
from beaker.errors import BeakerError
from beaker.gateway.exposure import LOCAL_NAME
from beaker.settings.gateway import GatewaySettings

BACKLOG: Final = 1024
"""Connections that may wait to be accepted, while a worker is replaced for example; the system may allow fewer."""
_PORT_TRIES: Final = 20
"""How often another free port is looked for when the one that IPv4 gave is taken on IPv6."""
_LOOPBACKS: Final = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))
PATH_BYTES: Final = 108 if sys.platform == "linux" else 104
"""What the system has for a socket's path and the byte that ends it."""
_ABSENT: Final = frozenset({errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT})
"""This machine has no IPv6, or none that is switched on."""


class CannotListen(BeakerError):
    """The sentence says at which address, why not, and what would do."""


class PortTaken(CannotListen):
    """Somebody listens there."""


def listen(settings: GatewaySettings) -> list[socket.socket]:
    """Open the sockets; all of one port.

    Raises:
        PortTaken: somebody listens there already.
        CannotListen: another reason.
    """
    if settings.unix_socket:
        return [_listen_at_path(settings.unix_socket)]
    for last in range(_PORT_TRIES - 1, -1, -1):
        try:
            return _listen_at(_addresses(settings.host), settings.port)
        except PortTaken:
            if settings.port or not last:
                raise
    raise AssertionError("the last try returns or raises")


def identify(path: str) -> tuple[int, int] | None:
    """Which file is there, to know it again; None: none is, or the path is empty."""
    try:
        facts = os.lstat(path)
    except (OSError, ValueError):
        return None
    return facts.st_dev, facts.st_ino


def leave(sockets: list[socket.socket], path: str, file: tuple[int, int] | None) -> None:
    """Close the sockets, and remove the file of a unix socket if it is still the one that was made: others may have put theirs there.

    Args:
        path: of the unix socket; empty: there is none.
        file: what `identify` said of it.
    """
    # While it is listened at nobody else takes its place.
    if file is not None and identify(path) == file:
        with contextlib.suppress(OSError):
            os.unlink(path)
    for opened in sockets:
        opened.close()


def port_of(sockets: list[socket.socket]) -> int:
    """Where that is; 0 for a unix socket."""
    name = sockets[0].getsockname()
    return int(name[1]) if isinstance(name, tuple) else 0


def _addresses(host: str) -> list[tuple[socket.AddressFamily, str]]:
    """Each as text; one that is of a single interface names that behind a %."""
    if host == LOCAL_NAME:
        return list(_LOOPBACKS)
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        raise CannotListen(f"--host {host}: there is no address of this name. Name one of this machine's, such as 127.0.0.1.") from None
    texts = [(family, str(address[0]), address[3] if len(address) == 4 else 0) for family, _, _, _, address in found]
    return list(dict.fromkeys((family, f"{text}%{scope}" if scope and "%" not in text else text) for family, text, scope in texts))


def _listen_at(addresses: list[tuple[socket.AddressFamily, str]], port: int) -> list[socket.socket]:
    sockets: list[socket.socket] = []
    try:
        for family, address in addresses:
            try:
                sockets.append(_open(family, address, port))
            except OSError as error:
                if error.errno in _ABSENT and len(addresses) > 1:
                    continue
                raise _explained(error, address, port) from None
            port = port_of(sockets)
        if not sockets:
            raise CannotListen(f"This machine has none of the addresses {', '.join(address for _, address in addresses)}.")
    except BaseException:  # whatever it was, none must stay open
        for opened in sockets:
            opened.close()
        raise
    return sockets


def _open(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            # "::" stands for every address, IPv4's too; any other means itself.
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(address != "::"))
        text, _, scope = address.partition("%")
        opened.bind((text, port, 0, int(scope)) if scope else (address, port))
        opened.listen(BACKLOG)
    except BaseException:  # as above
        opened.close()
        raise
    opened.setblocking(False)
    return opened


def _explained(error: OSError, address: str, port: int) -> CannotListen:
    if error.errno == errno.EADDRINUSE:
        return PortTaken(
            f"Port {port} at {address} is taken{_holder_words(port)}. Choose another by --port, or --port 0 for one that is free."
        )
    if error.errno == errno.EACCES:
        return CannotListen(f"Port {port} is for the system's own services: choose one from 1024 on, and put a proxy in front of it.")
    if error.errno == errno.EADDRNOTAVAIL:
        return CannotListen(f"--host {address} is no address of this machine: see `ip addr`, or leave it out.")
    if error.errno == errno.EINVAL and address.lower().startswith("fe80:"):
        return CannotListen(f"--host {address} is an address of one interface: name that too, as in {address}%eth0.")
    return CannotListen(f"Cannot listen at {address} port {port}: {error.strerror or error}.")


def _listen_at_path(path: str) -> socket.socket:
    """Only its owner may connect, from the first moment; a file that nobody answers at is replaced."""
    if (folder := _open_folder(path)) is not None:
        raise CannotListen(
            f"--unix-socket {path}: everybody may write in {folder}, and could put a socket of his own in its place. "
            f"Name a path in a folder of yours, or run chmod o-w on it."
        )
    with contextlib.suppress(OSError):
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            raise CannotListen(f"--unix-socket {path}: something else than a socket is there. Remove it, or name another path.")
        if somebody_answers(path):
            raise PortTaken(f"Somebody listens at {path} already, perhaps another gateway. Name another path by --unix-socket.")
        os.unlink(path)
    try:
        opened = bind_privately(path)
    except OSError as error:
        reason = "the path is too long" if "too long" in str(error) else error.strerror or str(error)
        raise CannotListen(f"--unix-socket {path}: {reason}. Name a path of less than {PATH_BYTES} bytes in a folder of yours.") from None
    opened.listen(BACKLOG)
    return opened


def _open_folder(path: str) -> str | None:
    """A folder above this path where everybody may rename what is in it, as it is named or as its links lead."""
    for way in (os.path.abspath(path), os.path.realpath(path)):
        for folder in Path(way).parents:
            with contextlib.suppress(OSError):
                mode = os.stat(folder).st_mode
                if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
                    return str(folder)
    return None


def _holder_words(port: int) -> str:
    """Who that could be, as far as this user may look."""
    if sys.platform == "linux" and (holder := _holder(port)) is not None:
        pid, name = holder
        return f" by process {pid} ({name})"
    return ", perhaps by another gateway, or by a Jupyter; see: ss -ltnp"


def _holder(port: int) -> tuple[int, str] | None:
    inodes = {f"socket:[{inode}]" for table in ("tcp", "tcp6") for inode in _listening_inodes(Path("/proc/net", table), port)}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal():
            continue
        with contextlib.suppress(OSError):  # another user's, undumpable, or gone
            for descriptor in (folder / "fd").iterdir():
                if os.readlink(descriptor) in inodes:
                    return int(folder.name), (folder / "comm").read_text(errors="replace").strip()
    return None


def _listening_inodes(table: Path, port: int) -> list[str]:
    try:
        lines = [line.split() for line in table.read_text().splitlines()[1:]]
    except OSError:
        return []
    return [words[9] for words in lines if words[3] == "0A" and int(words[1].rpartition(":")[2], 16) == port]
