"""Where beaker keeps things: the runtime folder of each kernel, the state and configuration folders.

Pure functions of an environment mapping and of the file system; nothing is read at import. A kernel's folder is named by
a hash of its connection file's identity, never by a pid, so that whoever comes after a crash finds it again. Everything
in it is ours alone: sockets, the record of the living subkernel, the lock of the one Supervisor.
"""

import errno
import hashlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path

import msgspec

from beaker.errors import BeakerError
from beaker.messages.base import KernelId

SOCKET_PATH_LIMIT = 100
"""Bytes. Linux takes 107 in a `sockaddr_un`, macOS 103; ZeroMQ and tools that append a suffix want a few of them."""

_ID_LENGTH = 12
"""Hex digits of a kernel id: 48 bits, so that ten thousand kernels collide with a chance of 2 in 10 million."""

_LONGEST_INSIDE = len("/supervisor.sock")
"""The longest socket path below a kernel's folder; a subkernel's own are `/<life>/s-5`, shorter for 10 million lives."""

FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
"""There is no room in a folder, or no more of it for this user."""


class PlaceError(BeakerError):
    """A folder that cannot be used; the sentence names its path, what is wrong and what to do."""


class KernelFolder(msgspec.Struct, frozen=True):
    """The runtime folder of one kernel and the names in it."""

    path: Path

    @property
    def supervisor_socket(self) -> Path:
        """Where the Supervisor listens for the kernel process."""
        return self.path / "supervisor.sock"

    @property
    def kernel_socket(self) -> Path:
        """Where the kernel process listens for the agent."""
        return self.path / "kernel.sock"

    @property
    def supervisor_lock(self) -> Path:
        """Held by flock as long as a Supervisor lives; its content is that Supervisor's pid."""
        return self.path / "supervisor.lock"

    @property
    def record(self) -> Path:
        """Who the living subkernel is, for a Supervisor that comes later."""
        return self.path / "subkernel.json"

    @property
    def living(self) -> Path:
        """One line `pid start-time` per process group that must not outlive the lease; read by the watcher."""
        return self.path / "living"

    def life(self, generation: int) -> Path:
        """The folder of one life of the subkernel: its connection file, sockets and stderr."""
        return self.path / str(generation)


def kernel_id(connection_file: str, key: bytes) -> KernelId:
    """Name a kernel by its connection file: the same file with the same key is the same kernel, whoever serves it.

    Example:
        >>> kernel_id("/nowhere/kernel-1.json", b"key") == kernel_id("/nowhere/../nowhere/kernel-1.json", b"key")
        True
    """
    identity = os.fsencode(os.path.realpath(connection_file)) + b"\0" + key
    return KernelId(hashlib.sha256(identity).hexdigest()[:_ID_LENGTH])


def runtime_candidates(environment: Mapping[str, str], *, uid: int) -> list[Path]:
    """Where runtime folders may lie, best first; only places whose socket paths stay within `SOCKET_PATH_LIMIT`."""
    candidates: list[Path] = []
    if (given := environment.get("XDG_RUNTIME_DIR", "")).startswith("/"):
        candidates.append(Path(given) / "beaker")
    if (given := environment.get("TMPDIR", "")).startswith("/"):
        candidates.append(Path(given) / f"beaker-{uid}")
    candidates.append(Path(f"/tmp/beaker-{uid}"))
    room = SOCKET_PATH_LIMIT - _LONGEST_INSIDE - 1 - _ID_LENGTH
    return [candidate for candidate in candidates if len(os.fsencode(candidate)) <= room]


def runtime_root(environment: Mapping[str, str], *, uid: int) -> Path:
    """Make or find the folder that holds all kernels' folders of this user, private to her.

    The first usable candidate wins; one that does not fit (too long a path, another user's `XDG_RUNTIME_DIR` kept by
    `su`) gives way to the next, so the answer is the same for every process of one environment.

    Raises:
        PlaceError: none can be used; the reason for each.
    """
    refusals: list[str] = []
    for candidate in runtime_candidates(environment, uid=uid):
        try:
            make_private(candidate, uid=uid)
        except PlaceError as error:
            refusals.append(str(error))
        else:
            return candidate
    raise PlaceError("there is no place for sockets: " + "; ".join(refusals) + ". Set XDG_RUNTIME_DIR to a folder of your own")


def kernel_folder(environment: Mapping[str, str], kernel: KernelId, *, uid: int) -> KernelFolder:
    """Make or find the folder of one kernel.

    Raises:
        PlaceError: no place can be used.
    """
    path = runtime_root(environment, uid=uid) / kernel
    make_private(path, uid=uid)
    return KernelFolder(path)


def renew(folder: Path, *, uid: int) -> None:
    """Make a kernel's folder again, with the root that it lies in: somebody may have cleaned them away.

    Raises:
        PlaceError: it cannot be made or used.
    """
    for path in (folder.parent, folder):
        make_private(path, uid=uid)


def make_private(path: Path, *, uid: int) -> None:
    """Make a folder with mode 0700, or check that the one found is the user's own; a mode of ours is tightened.

    Raises:
        PlaceError: it cannot be made, is a symlink or no folder, or belongs to another user.
    """
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        pass  # whose it is, and what, is looked at below
    except OSError as error:
        raise PlaceError(f"{path} cannot be made ({error.strerror})") from None
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        raise PlaceError(f"{path} is a symbolic link, which others may have planted; remove it")
    if not stat.S_ISDIR(status.st_mode):
        raise PlaceError(f"{path} is not a folder; remove it")
    if status.st_uid != uid:
        raise PlaceError(f"{path} belongs to user {status.st_uid}, not to you ({uid})")
    if stat.S_IMODE(status.st_mode) != 0o700:
        path.chmod(0o700)


def state_folder(environment: Mapping[str, str]) -> Path:
    """Logs, journal and trust: `$XDG_STATE_HOME/beaker`. Whoever writes there makes it."""
    return _home_folder(environment, "XDG_STATE_HOME", ".local/state")


def config_folder(environment: Mapping[str, str]) -> Path:
    """The user's `beaker.toml`: `$XDG_CONFIG_HOME/beaker`."""
    return _home_folder(environment, "XDG_CONFIG_HOME", ".config")


def _home_folder(environment: Mapping[str, str], variable: str, default: str) -> Path:
    """A folder by the XDG base directory specification: a relative value counts as unset."""
    given = environment.get(variable, "")
    if given.startswith("/"):
        return Path(given) / "beaker"
    home = environment.get("HOME", "")
    return (Path(home) if home.startswith("/") else Path("~").expanduser()) / default / "beaker"
