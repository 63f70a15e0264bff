"""A file or folder as the contents interface shows it.

Source: jupyter_server documentation, "Contents API", "Data Model" (2.21).
"""

import json
import mimetypes
import os
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

Kind = Literal["notebook", "file", "directory"]
Format = Literal["json", "text", "base64"]


class Model(msgspec.Struct, kw_only=True):
    """One entry; `content`, `format` and the hash are None where they were not asked for."""

    name: str
    path: str
    type: Kind
    created: datetime
    last_modified: datetime
    writable: bool
    size: int | None = None
    """Bytes; None for a folder."""
    mimetype: str | None = None
    format: Format | None = None
    content: Any = None  # Any: a notebook, a text, or a list of such models
    hash: str | None = None
    hash_algorithm: str | None = None


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What a client sends to be saved."""

    type: Kind
    format: Format | None = None
    content: Any = None  # Any: as above
    chunk: int | None = None
    """Of a large file that comes in pieces: 1, 2, ... and -1 for the last."""


def describe(path: str, real: str, kind: Kind) -> Model:
    """The model of what is there, without its content.

    Raises:
        OSError: it cannot be looked at.
    """
    facts = os.stat(real)
    return Model(
        name=path.rpartition("/")[2],
        path=path,
        type=kind,
        created=_time(facts.st_ctime),
        last_modified=_time(facts.st_mtime),
        writable=os.access(real, os.W_OK),
        size=None if kind == "directory" else facts.st_size,
        mimetype=mimetypes.guess_type(path)[0] if kind == "file" else None,
    )


def written(model: Model) -> bytes:
    r"""A model as JSON.

    Of a notebook all is kept that Jupyter's own library reads in its file: NaN and Infinity, which are no JSON but what Python takes for
    it, numbers of any size, and halves of surrogate pairs, as their escapes. A null in the place of a number would be saved by and by.
    """
    if model.type == "notebook" and model.content is not None:
        text = json.dumps(model.content, ensure_ascii=False, separators=(",", ":"))
        model = msgspec.structs.replace(model, content=msgspec.Raw(as_json_bytes(text)))
    return msgspec.json.encode(model)


def as_json_bytes(text: str) -> bytes:
    r"""A JSON text in UTF-8; what that cannot hold stands in the strings as its escape.

    >>> as_json_bytes('"\u00fc \ud83d"')
    b'"\xc3\xbc \\ud83d"'
    """
    return text.encode(errors="backslashreplace")  # which writes them as JSON does


def kind_of(path: str, real: str) -> Kind:
    """What a path is taken for where nothing else is asked."""
    if os.path.isdir(real):
        return "directory"
    return "notebook" if path.endswith(".ipynb") else "file"


def _time(stamp_s: float) -> datetime:
    try:
        return datetime.fromtimestamp(stamp_s, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)  # some disks hold impossible times; a listing must not fail by one
