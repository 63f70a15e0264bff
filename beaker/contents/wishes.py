"""What a client wants of the contents interface: queries, bodies and conditions, read strictly where a guess could cost a file.

Kinds that nobody knows are taken for files, as Jupyter's own server does: clients have kinds of their own.

Source: jupyter_server documentation, "Contents API" (2.21); RFC 9110 section 13.1 for conditions.
"""

import json
from collections.abc import Mapping
from typing import Any, cast, get_args

import msgspec

from beaker.contents.failures import NotThat
from beaker.contents.models import Format, Given, Kind
from beaker.contents.whole_file import ABSENT
from beaker.wire.parts import UNREADABLE


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What of a file or folder is to be shown."""

    kind: Kind | None = None
    """None: whatever it is."""
    form: Format | None = None
    """None: whichever fits."""
    content: bool = True
    """What is in it, too."""
    hashed: bool = False
    """And its fingerprint."""


class New(msgspec.Struct, frozen=True, kw_only=True):
    """Something without a name is to be made in a folder."""

    kind: Kind = "file"
    extension: str = ""
    """With its dot."""


class Copy(msgspec.Struct, frozen=True, kw_only=True):
    """A copy is to be made in a folder."""

    source: str
    """Path of the file."""


def read_look(query: Mapping[str, str]) -> Look:
    """What a GET asks for.

    Raises:
        NotThat: it asks for what there is not.
    """
    form = _form(query.get("format"))
    if form == "json" and query.get("type") != "notebook":
        raise NotThat("A file is asked for as text or base64, not as 'json'.")
    return Look(
        kind=_kind(query["type"]) if query.get("type") else None,
        form=None if form == "json" else form,
        content=_flag(query, "content", "1"),
        hashed=_flag(query, "hash", "0"),
    )


def read_given(body: bytes, path: str) -> Given:
    """What a PUT wants saved; what it does not say follows from the path: `a.ipynb` is a notebook.

    Raises:
        NotThat: it cannot be meant.
    """
    sent = _object(body)
    if sent.get("copy_from"):
        raise NotThat("A copy is made by POST to the folder where it shall lie; PUT saves what it is sent.")
    kind = _kind(sent.get("type") or ("notebook" if path.endswith(".ipynb") else "file"))
    form, chunk = _form(sent.get("format")), sent.get("chunk")
    if chunk is not None and (not isinstance(chunk, int) or isinstance(chunk, bool)):
        raise NotThat("Pieces of a file are numbered 1, 2, ... and -1 for the last.")
    if kind == "file" and form == "json":
        raise NotThat("The format of a file is text or base64, not 'json'.")
    return Given(type=kind, format=form, content=sent.get("content"), chunk=chunk)


def read_new(body: bytes) -> New | Copy:
    """What a POST to a folder wants made; without a body, an empty file.

    Raises:
        NotThat: it cannot be meant.
    """
    sent = _object(body)
    source, extension = sent.get("copy_from"), sent.get("ext") or ""
    if source:
        return Copy(source=_text(source, "copy_from"))
    return New(kind=_kind(sent.get("type") or "file"), extension=_text(extension, "ext"))


def read_rename(body: bytes) -> str:
    """Where a PATCH wants a file to be.

    Raises:
        NotThat: it does not say.
    """
    path = _text(_object(body).get("path") or "", "path")
    if not path:
        raise NotThat('Say where to: {"path": "folder/name"}.')
    return path


def read_condition(headers: Mapping[str, str]) -> str | None:
    """The fingerprint of what the client has seen, from `If-Match: "..."`; ABSENT for `If-None-Match: *`; None if it does not say.

    Args:
        headers: by any spelling of their names.

    Raises:
        NotThat: it is another condition.
    """
    seen, unseen = headers.get("If-Match"), headers.get("If-None-Match")
    if seen is not None:
        # A proxy that compresses makes a tag weak; ours names the file and not how it was sent.
        tag = seen.strip().removeprefix("W/")
        if len(tag) < 2 or tag[0] != '"' or tag[-1] != '"' or '"' in tag[1:-1]:
            raise NotThat('If-Match is one fingerprint in quotes: If-Match: "<hash>".')
        return tag[1:-1]
    if unseen is not None:
        if unseen.strip() != "*":
            raise NotThat("If-None-Match is understood as '*' alone: save only what is not there yet.")
        return ABSENT
    return None


def _kind(name: object) -> Kind:
    return cast("Kind", name) if name in get_args(Kind) else "file"


def _form(name: object) -> Format | None:
    match name:
        case None:
            return None
        case "json":
            return "json"
        case "text":
            return "text"
        case "base64":
            return "base64"
        case _:
            raise NotThat(f"There is no format {str(name)[:100]!r}: a notebook is json, a file text or base64.")


def _flag(query: Mapping[str, str], name: str, usual: str) -> bool:
    value = query.get(name, usual)
    if value not in {"0", "1"}:
        raise NotThat(f"{name} is 0 or 1, not {value[:100]!r}.")
    return value == "1"


def _object(body: bytes) -> dict[str, Any]:  # Any: JSON
    if not body.strip():
        return {}
    try:
        sent = msgspec.json.decode(body)
    except UNREADABLE as error:
        try:
            # Which reads what a notebook's file may hold: halves of surrogate pairs, NaN, numbers beyond all bounds.
            sent = json.loads(body.decode())
        except (ValueError, RecursionError):
            raise NotThat(f"The body is no JSON: {str(error)[:200]}.") from None
    if sent is None:
        return {}
    if not isinstance(sent, dict):
        raise NotThat("The body is JSON, but no object.")
    return cast("dict[str, Any]", sent)  # Any: JSON


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise NotThat(f"{name} is a text.")
    return value
