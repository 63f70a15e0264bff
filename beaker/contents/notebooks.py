"""Notebooks as they lie on disk and as clients handle them: the format's own library reads, checks and writes them.

Trust is Jupyter's: outputs that this user has made, or has said she trusts, are known by a signature in Jupyter's own store,
so that a notebook trusted in one frontend is trusted in the other. Where that store cannot be read or written, notebooks are
read and saved all the same, as untrusted ones.
"""

import contextlib
import sqlite3
from typing import Any, Final

import msgspec
import nbformat
from nbformat import ValidationError
from nbformat.reader import NotJSONError

from beaker.contents.failures import NotAllowed, NotThat
from beaker.contents.models import as_json_bytes

_nbformat: Any = nbformat  # Any: it is untyped

AS_VERSION = 4
"""Of the format; older notebooks are upgraded as they are read."""

_UNSIGNED: Final = (sqlite3.Error, OSError, UnicodeEncodeError)
"""Why trust cannot be looked up or kept: Jupyter's store fails, or the notebook holds half a character, of which no signature is made."""


class _Looks(msgspec.Struct):
    """What every version has."""

    nbformat: int
    metadata: dict[str, Any]  # Any: JSON


class _LooksNew(msgspec.Struct):
    """What it has since version 4."""

    cells: list[dict[str, Any]]  # Any: JSON


def read_notebook(data: bytes, name: str, notary: Any) -> Any:  # Any: nbformat's
    """The notebook in a file, upgraded, with its trust in its cells' metadata.

    Raises:
        NotThat: it is no notebook.
    """
    notebook = _parsed(data, name)
    trusted = False
    with contextlib.suppress(*_UNSIGNED):
        trusted = notary.check_signature(notebook)
    notary.mark_cells(notebook, trusted)
    return notebook


def sign_notebook(data: bytes, name: str, notary: Any) -> None:  # Any: as above
    """Write down that a notebook is trusted as it is.

    Raises:
        NotThat: it is no notebook, or holds what cannot be signed.
        NotAllowed: it could not be written down.
    """
    notebook = _parsed(data, name)
    try:
        notary.sign(notebook)
    except UnicodeEncodeError:
        raise NotThat(f"{name!r} cannot be trusted: it holds half a character, and Jupyter's signatures are made of whole ones") from None
    except (sqlite3.Error, OSError) as error:
        raise NotAllowed(f"that {name!r} is trusted could not be written down: {_short(error)}") from None


def write_notebook(content: object, name: str, notary: Any) -> bytes:  # Any: nbformat's
    """What a client's notebook becomes on disk; signed, if all its cells are trusted.

    Raises:
        NotThat: it is no notebook.
    """
    _must_look_like_one(content, f"{name!r} was not saved: it is no notebook")
    try:
        notebook = _nbformat.from_dict(content)
        if notary.check_cells(notebook):
            with contextlib.suppress(*_UNSIGNED):
                notary.sign(notebook)
        text: str = _nbformat.writes(notebook, version=nbformat.NO_CONVERT)
    except (ValidationError, ValueError, AttributeError, KeyError, TypeError, ImportError, RecursionError) as error:
        raise NotThat(f"{name!r} was not saved: it is no notebook: {_short(error)}") from None
    return as_json_bytes(text) + (b"" if text.endswith("\n") else b"\n")


def empty_notebook() -> Any:  # Any: as above
    """A new one, without cells."""
    return _nbformat.v4.new_notebook()


def _parsed(data: bytes, name: str) -> Any:  # Any: as above
    try:
        notebook = _nbformat.reads(data.decode(), as_version=AS_VERSION)
    except (NotJSONError, ValidationError, ValueError, AttributeError, KeyError, TypeError, ImportError, RecursionError) as error:
        raise NotThat(f"{name!r} is no notebook that can be read: {_short(error)}. Open it as text to mend it") from None
    _must_look_like_one(notebook, f"{name!r} is no notebook that can be read")
    return notebook


def _must_look_like_one(content: object, words: str) -> None:
    """What the format's library would stumble over. What it merely finds wrong is kept: a notebook with a strange cell is not lost."""
    try:
        looks = msgspec.convert(content, _Looks)
        if looks.nbformat >= AS_VERSION:
            msgspec.convert(content, _LooksNew)
    except msgspec.ValidationError as error:
        raise NotThat(f"{words}: {_short(error)}") from None


def _short(error: Exception) -> str:
    lines = str(error).splitlines()
    return (lines[0] if lines else type(error).__name__)[:200]
