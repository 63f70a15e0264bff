"""Files that a question mentions: text within the notebook's folder, cut to what a model is shown.

Only what lies within the folder, wherever links lead; a user who wants another file copies it, or reads it in a cell. Files in which
keys stand are left out even where they are named: what is in a question goes to the model's endpoint.
"""

import os
import re
import stat
from collections.abc import Iterator

import msgspec

from beaker.kernel.commands.words import size_words

SHOWN_BYTES = 16_000
"""Of a file; twice what an output gets, since the user asked for this one."""
PROBED_BYTES = 8_192
"""In which a byte 0 tells a binary file, as git and grep do."""
COMPLETIONS = 200
"""Some screens of a menu; who has more goes on typing."""

_KEYS = re.compile(r"(?i)\.env(\..*)?|.*\.(pem|key|p12|pfx|keystore)|id_(rsa|dsa|ecdsa|ed25519)|\.netrc|\.pgpass|credentials(\.json)?")


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """A file as it is shown."""

    text: str
    size_bytes: int


def read_mentioned(path: str, folder: str) -> Read | str:
    """Read a file's text.

    Args:
        path: as the user wrote it, relative to the folder.
        folder: the notebook's.

    Returns:
        The text, or a sentence about why it is not shown.
    """
    home = os.path.realpath(folder)
    try:
        real = os.path.realpath(os.path.join(home, os.path.expanduser(path)))
        if real != home and not real.startswith(home.rstrip("/") + "/"):
            return f"`{path}` lies outside of the notebook's folder, so it was not read"
        if _KEYS.fullmatch(os.path.basename(real)) or _KEYS.fullmatch(os.path.basename(path)):
            return f"`{path}` was not read: files with such names hold keys"
        return _read(path, real)
    except FileNotFoundError:
        return f"there is no file `{path}` in the notebook's folder"
    except (OSError, ValueError) as error:
        return f"`{path}` could not be read: {getattr(error, 'strerror', None) or 'it is no path'}"


def file_matches(typed: str, folder: str) -> list[str]:
    """Paths within the folder that begin as typed; folders end with a slash.

    Args:
        typed: the path so far.
        folder: the notebook's.
    """
    place, _, begun = typed.rpartition("/")
    home = os.path.realpath(folder)
    real = os.path.realpath(os.path.join(home, place))
    if real != home and not real.startswith(home.rstrip("/") + "/"):
        return []
    return sorted(_entries(real, place, begun))[:COMPLETIONS]


def _read(path: str, real: str) -> Read | str:
    # Never waits for a writer, should it be a pipe.
    descriptor = os.open(real, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        facts = os.fstat(descriptor)
        if stat.S_ISDIR(facts.st_mode):
            return f"`{path}` is a folder"
        if not stat.S_ISREG(facts.st_mode):
            return f"`{path}` is no ordinary file"
        with open(descriptor, "rb", closefd=False) as file:
            data = file.read(SHOWN_BYTES + 1)
    finally:
        os.close(descriptor)
    if b"\0" in data[:PROBED_BYTES]:
        return f"`{path}` is a binary file of {size_words(facts.st_size)}, so it was not read"
    text = data[:SHOWN_BYTES].decode(errors="replace")
    if text.count("\ufffd") > 0.05 * len(text) + 1:  # a cut character is one; other encodings have many
        return f"`{path}` is no text in UTF-8, so it was not read"
    if len(data) > SHOWN_BYTES:
        text += f"\n... {size_words(max(facts.st_size - SHOWN_BYTES, 1))} more are left out ..."
    return Read(text=text, size_bytes=facts.st_size)


def _entries(real: str, place: str, begun: str) -> Iterator[str]:
    try:
        with os.scandir(real) as entries:
            for entry in entries:
                if entry.name.startswith(begun) and (begun.startswith(".") or not entry.name.startswith(".")):
                    path = f"{place}/{entry.name}" if place else entry.name
                    yield f"{path}/" if entry.is_dir() else path
    except OSError:
        return
