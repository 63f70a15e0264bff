"""What `%beaker trust` has recorded: folders by real path, each with a hash of its files as they were then.

One small file per folder in the state folder, so that two kernels never overwrite each other's. A file that changed ends the trust
in all of them. It only ever lets a folder set what is harmless, see `beaker.settings.trust`: code in a cell could write here too.
"""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from beaker.places import state_folder
from beaker.settings.reading import FileUnreadable, read_content, read_text

FILES = ("beaker.toml", ".env")
"""The files of a folder that settings are read from."""


def files_in(folder: str) -> list[str]:
    """Those that are there."""
    return [name for name in FILES if os.path.lexists(os.path.join(folder, name))]


def fingerprint(folder: str) -> str:
    """A hash of the folder's files and their names; one that cannot be read counts as such."""
    digest = hashlib.sha256()
    for name in FILES:
        try:
            content = read_content(os.path.join(folder, name))
        except FileUnreadable:
            digest.update(b"?")
            continue
        digest.update(b"-" if content is None else b"+" + len(content).to_bytes(8, "big"))
        if content is not None:
            digest.update(content)
            content[:] = bytes(len(content))  # a `.env` may hold the model's key, which this process must not keep
    return digest.hexdigest()


def is_recorded(environment: Mapping[str, str], folder: str) -> bool:
    """Whether the folder was trusted, in whatever state."""
    return os.path.exists(_path(environment, folder))


def matches(environment: Mapping[str, str], folder: str) -> bool:
    """Whether it was trusted as it is now."""
    try:
        recorded = read_text(str(_path(environment, folder)))
    except FileUnreadable:
        return False
    return recorded is not None and recorded.split("\n", 1)[0] == fingerprint(folder)


def record(environment: Mapping[str, str], folder: str, seen: str) -> None:
    """Trust the folder in the state with this fingerprint.

    Raises:
        OSError: nothing can be written there.
    """
    path = _path(environment, folder)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # The path is for people who look into the file.
    fresh = path.with_suffix(f".{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(f"{seen}\n{os.path.realpath(folder)}\n")
    os.replace(fresh, path)


def forget(environment: Mapping[str, str], folder: str) -> bool:
    """Trust the folder no more; False if it was not trusted."""
    try:
        os.unlink(_path(environment, folder))
    except FileNotFoundError:
        return False
    return True


def _path(environment: Mapping[str, str], folder: str) -> Path:
    name = hashlib.sha256(os.fsencode(os.path.realpath(folder))).hexdigest()[:32]
    return state_folder(environment) / "trust" / name
