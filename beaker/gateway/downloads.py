"""How a file is handed to a browser: as what, shown or saved, and under which rules.

Files come from anywhere, and their address is our own origin: a page or a drawing with a script in it could do there what the
user can. So only what cannot act is shown; all else is saved to disk, whatever a request wants, and what is shown all the same
is shut into a sandbox that may load and run nothing.

Source: RFC 6266 (Content-Disposition), RFC 8187 (names beyond ASCII), CSP level 3.
"""

import mimetypes
import re
from typing import Final, NamedTuple
from urllib.parse import quote

INERT: Final = frozenset(
    {
        "application/json",
        "application/x-ipynb+json",
        "audio/aac",
        "audio/flac",
        "audio/mpeg",
        "audio/ogg",
        "audio/wav",
        "audio/x-wav",
        "image/avif",
        "image/bmp",
        "image/gif",
        "image/jpeg",
        "image/png",
        "image/vnd.microsoft.icon",
        "image/webp",
        "text/csv",
        "text/plain",
        "text/tab-separated-values",
        "video/mp4",
        "video/ogg",
        "video/webm",
    }
)
"""What browsers show without running anything in it. SVG, HTML, XML and PDF are not among these."""

CODE: Final = frozenset(
    {"text/css", "text/javascript", "application/javascript", "text/x-python", "text/markdown", "text/x-sh", "text/x-c"}
)
"""What somebody wants to read, and is shown as plain text: as what it is, a page could take it in."""

SHOWING: Final = "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'"
"""A browser puts a page of its own around a picture or a film; more than showing it that page need not do."""

SANDBOX: Final = f"{SHOWING}; sandbox"
"""And it is of no origin. Sound and films are loaded by that page once more, which it then could not."""

UNKNOWN: Final = "application/octet-stream"

_NOT_PLAIN: Final = re.compile(r"[^A-Za-z0-9 !#$&+.^_`|~()\[\]{},;=@-]")
"""What a quoted name may not hold, or is read differently by different browsers."""


class Manner(NamedTuple):
    """What the answer's headers say of a file."""

    content_type: str
    disposition: str
    policy: str
    """For the page that shows it."""


def manner_of(name: str, *, save: bool) -> Manner:
    """How a file of this name is handed over.

    Args:
        name: of the file, without its folder.
        save: the client wants it saved rather than shown.

    >>> manner_of("plot.png", save=False)[:2]
    ('image/png', "inline; filename=plot.png; filename*=UTF-8''plot.png")
    >>> manner_of("evil.svg", save=False).disposition.partition(";")[0]
    'attachment'
    """
    kind = type_of(name)
    if kind in CODE:
        kind = "text/plain"
    shown = kind in INERT and not save
    policy = SHOWING if shown and kind.startswith(("audio/", "video/")) else SANDBOX
    if kind.startswith("text/") or kind in {"application/json", "application/x-ipynb+json"}:
        kind += "; charset=utf-8"
    return Manner(kind, disposition("inline" if shown else "attachment", name), policy)


def type_of(name: str) -> str:
    """The media type by a file's name; of what is compressed, that of the compression, since we do not unpack it."""
    if name.lower().endswith(".ipynb"):
        return "application/x-ipynb+json"
    kind, encoding = mimetypes.guess_type(f"/{name}")  # a slash in front: a name like `data:x` is no address
    match encoding:
        case None:
            return kind or UNKNOWN
        case "gzip":
            return "application/gzip"
        case _:
            return UNKNOWN


def disposition(manner: str, name: str) -> str:
    """The header with a file's name: once in ASCII for whoever knows no better, once as it is.

    >>> disposition("attachment", 'é".txt')
    "attachment; filename=__.txt; filename*=UTF-8''%C3%A9%22.txt"
    """
    plain = _NOT_PLAIN.sub("_", name)
    quoted = plain if re.fullmatch(r"[A-Za-z0-9._-]+", plain) else f'"{plain}"'
    return f"{manner}; filename={quoted}; filename*=UTF-8''{quote(name, safe='', errors='replace')}"
