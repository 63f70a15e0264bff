"""What answers hold and requests may hold, for the description of the interface: made of the types that answers are written from.

So the description cannot fall behind: a field that is added is described. What has no type of its own is written out here.
"""

from typing import Any, Final

import msgspec

from actors.gateway.models import KernelModel, SessionModel
from beaker.contents.checkpoints import Checkpoint
from beaker.contents.models import Model
from beaker.gateway.specs import SpecModel, SpecsModel

Schema = dict[str, Any]  # Any: JSON Schema

TYPES: Final = (KernelModel, SessionModel, SpecsModel, SpecModel, Model, Checkpoint)
"""What is answered; each is described by its own name, and so is what it holds."""

NOT_ALWAYS: Final = frozenset({"notebook"})
"""Fields that are left out where they say nothing."""

_MOMENTS: Final = frozenset({"created", "last_modified", "last_activity"})
"""Fields that hold one, in UTC with a Z."""

TEXT: Final[Schema] = {"type": "string"}
_NUMBER: Final[Schema] = {"type": "integer", "minimum": 0}
_MOMENT: Final[Schema] = {"type": "string", "format": "date-time"}
_FREE: Final[Schema] = {"type": "object"}
_KIND: Final[Schema] = {"enum": ["notebook", "file", "directory"]}


def ref(name: str) -> Schema:
    """A schema by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


def list_of(name: str) -> Schema:
    """A list of these."""
    return {"type": "array", "items": ref(name)}


def either(*ones: Schema) -> Schema:
    """One of these: behind a folder, what is a word of the interface elsewhere is a name."""
    return {"anyOf": list(ones)}


def schemas() -> Schema:
    """All of them, by their names."""
    _, named = msgspec.json.schema_components(TYPES, ref_template="#/components/schemas/{name}")
    for schema in named.values():
        if "properties" in schema:
            schema["required"] = [name for name in schema["properties"] if name not in NOT_ALWAYS]
            schema["additionalProperties"] = False
            schema["properties"].update({name: _MOMENT for name in schema["properties"] if name in _MOMENTS})
    return dict(sorted((named | _WRITTEN).items()))


def _answer(words: str, **fields: Schema) -> Schema:
    return {"type": "object", "description": words, "properties": fields, "required": [*fields], "additionalProperties": False}


def _wanted(words: str, **fields: Schema) -> Schema:
    return {"type": "object", "description": words, "properties": fields}


_WRITTEN: Final[dict[str, Schema]] = {
    "Error": _answer("Why a request is not met: a sentence for people, and its kind.", message=TEXT, reason=TEXT),
    "Version": _answer("Of the gateway.", version=TEXT),
    "Health": _answer("In a word.", status=TEXT),
    "Status": _answer(
        "How the gateway is. `not_saving` says why nothing is written down of kernels and sessions; empty: all is.",
        started=_MOMENT,
        last_activity=_MOMENT,
        connections=_NUMBER,
        kernels=_NUMBER,
        not_saving=TEXT,
        hosts={
            "type": "array",
            "items": _answer("A kernel host.", number=_NUMBER, kernels=_NUMBER, connections=_NUMBER, up={"type": "boolean"}),
        },
        agent_hosts={
            "type": "array",
            "items": _answer("Who answers questions, while any are asked.", number=_NUMBER, conversations=_NUMBER, up={"type": "boolean"}),
        },
    ),
    "Me": _answer("Whoever has the token is the one user.", identity=_FREE, permissions=_FREE),
    "KernelWanted": _wanted(
        "Which kernel; nothing: the default one. Of `env` the variables KERNEL_* and JPY_SESSION_NAME are taken.",
        name=TEXT,
        path=TEXT,
        kernel_id={"type": "string", "format": "uuid"},
        env=_FREE,
    ),
    "SessionWanted": _wanted(
        "A document and its kernel: one that runs by its `id`, or a new one by its `name`.",
        path=TEXT,
        name=TEXT,
        type=TEXT,
        kernel=_wanted("Which one.", id=TEXT, name=TEXT),
        notebook=_wanted("How older clients name the document; what stands beside it counts first.", path=TEXT, name=TEXT),
        env=_FREE,
    ),
    "ContentWanted": _wanted(
        "What is to be saved. Large files come in pieces: `chunk` counts 1, 2, ... and is -1 for the last.",
        type=_KIND,
        format={"enum": ["json", "text", "base64", None]},
        content={},
        chunk={"type": ["integer", "null"]},
    ),
    "NewWanted": _wanted("Something new, or a copy of a file.", type=_KIND, ext=TEXT, copy_from=TEXT),
    "RenameWanted": {**_wanted("Where it shall be.", path=TEXT), "required": ["path"]},
    "LoginWanted": {**_wanted("The token, and the page to go on to.", token=TEXT, next=TEXT), "required": ["token"]},
}
