"""What is one gateway's own on disk: a runtime folder with a lock, so that there is one at each address; a state folder with its secrets.

The runtime folder is named by the address, so that the next gateway there finds what the last one has left.
"""

import fcntl
import hashlib
import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from actors.guardian.token import Token
from beaker import places
from beaker.errors import BeakerError
from beaker.gateway.exposure import LOCAL_NAME
from beaker.settings.gateway import GatewaySettings

SECRET_BYTES: Final = 32
"""Of each of the two."""
_HASH_DIGITS: Final = 8
"""Of an address: a user has a handful of gateways, and socket paths have to be short."""
TOKEN_FILE: Final = "token"
"""In the runtime folder, where there is no terminal to print it on."""
_LOOPBACK: Final = "127.0.0.1"


class AnotherGateway(BeakerError):
    """One runs at this address; the sentence says which."""


class StateUnusable(BeakerError):
    """The state folder, or the secret in it, cannot be used; the sentence says why."""


class Secret(msgspec.Struct, frozen=True):
    """What stays the same over all starts of a gateway."""

    kernel: bytes
    """From which the secrets of single kernels are made."""
    cookie: bytes
    """What browsers' sessions are signed with."""

    def __repr__(self) -> str:
        """Nothing of it."""
        return "Secret()"


class Instance:
    """The folders of a gateway at one address, and the lock that makes it the only one there.

    Args:
        settings: of the gateway.
        port: where it listens; 0 for a unix socket.

    Raises:
        AnotherGateway: one runs there.
        PlaceError: there is no place for sockets.
        StateUnusable: nothing can be written in the state folder.
    """

    def __init__(self, environment: Mapping[str, str], settings: GatewaySettings, port: int) -> None:
        address = _address(settings, port)
        self.folder = places.runtime_root(environment, uid=os.getuid()) / _folder_name(address)
        """For sockets and what else lasts no longer than the machine runs."""
        places.make_private(self.folder, uid=os.getuid())
        self._lock = _take_lock(self.folder / "lock", address)
        self.state = places.state_folder(environment) / _state_name(address, port)
        """For the journal."""
        try:
            self.state.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.secret = _read_or_make_secret(self.state / "secret")
        except StateUnusable:
            os.close(self._lock)
            raise
        except OSError as error:
            os.close(self._lock)
            raise StateUnusable(f"{error.filename or self.state}: {error.strerror}. Set XDG_STATE_HOME to a folder of your own.") from None

    def clear(self) -> None:
        """Remove what the roles of a gateway that was killed have left, before new ones are started."""
        names = ("seen-*", "stderr-*", "open.html", TOKEN_FILE)
        for leftover in (*(path for name in names for path in self.folder.glob(name)), *self.state.glob("seen-*")):
            leftover.unlink(missing_ok=True)

    def token_place(self, token: Token, settings: GatewaySettings) -> str:
        """The file in which the user finds the token; for one that was made for this start it is written now.

        Raises:
            OSError: it cannot be written.
        """
        if not token.is_new or token.value is None:
            return settings.token_file if token.from_file else ""
        path = self.folder / TOKEN_FILE
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{token.value}\n")
        return str(path)

    def leave(self, *, forget: bool) -> None:
        """Let the next gateway in.

        Args:
            forget: nobody will look for the state again.
        """
        self.clear()
        # A host goes without taking anything down, its socket neither; by now nobody is left who listens in this folder.
        for left in self.folder.glob("*.sock"):
            left.unlink(missing_ok=True)
        if forget:
            shutil.rmtree(self.state, ignore_errors=True)
            shutil.rmtree(self.folder, ignore_errors=True)
        os.close(self._lock)


def is_left(environment: Mapping[str, str], settings: GatewaySettings) -> bool:
    """Whether a gateway that was killed has left its folder at this address: its roles may still be leaving."""
    name = _folder_name(_address(settings, settings.port))
    path = places.runtime_root(environment, uid=os.getuid()) / name / "lock"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def _address(settings: GatewaySettings, port: int) -> str:
    """The same for all names of one address."""
    if settings.unix_socket:
        return os.path.realpath(settings.unix_socket)
    return f"{_LOOPBACK if settings.host == LOCAL_NAME else settings.host}:{port}"


def _folder_name(address: str) -> str:
    return f"gw-{_digest(address)}"


def _state_name(address: str, port: int) -> str:
    """The port where that is enough: gateways of other addresses may share it."""
    if address == f"{_LOOPBACK}:{port}":
        return f"gateway-{port}"
    return f"gateway-{port}-{_digest(address)}" if port else f"gateway-{_digest(address)}"


def _digest(address: str) -> str:
    return hashlib.sha256(os.fsencode(address)).hexdigest()[:_HASH_DIGITS]


def _take_lock(path: Path, address: str) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 32).decode("ascii", "replace")
        os.close(descriptor)
        raise AnotherGateway(
            f"A gateway runs at {address} already, process {holder or 'unknown'}. End it, or choose another address."
        ) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, str(os.getpid()).encode(), 0)
    return descriptor


def _read_or_make_secret(path: Path) -> Secret:
    """The file has mode 0600 from its first moment, and is there whole or not at all."""
    if not path.exists():
        fresh = path.with_name(f"{path.name}.{os.getpid()}")
        fresh.unlink(missing_ok=True)
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, secrets.token_bytes(2 * SECRET_BYTES))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        fresh.replace(path)
    status, content = path.lstat(), path.read_bytes()
    if status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise StateUnusable(f"{path} is not yours alone: others may know it. Remove it; sessions of browsers begin anew then.")
    if len(content) != 2 * SECRET_BYTES:
        raise StateUnusable(f"{path} is damaged. Remove it; sessions of browsers begin anew then, and kernels that still run are lost.")
    return Secret(kernel=content[:SECRET_BYTES], cookie=content[SECRET_BYTES:])
