"""The schema of all messages is frozen in `schema.json`: a changed tag or field is seen in review.

When `test_the_schema_is_that_of_the_snapshot` fails after a change that you meant: let `beaker.messages.base.PROTOCOL` grow (a
process of another age refuses a field or a message that it does not know, and may still live when the user upgrades), then
`python -m tests.beaker.messages.test_schema` from the checkout writes the snapshot anew. Commit both with the change.

Never allowed, and not written: a tag that stood for another message, or for one that is gone; a new field anywhere but at the
end; a new field without a default. The tags of messages that are gone stay in the snapshot, under `retired`.
"""

import json
import sys
from pathlib import Path
from typing import TypedDict

import msgspec
import pytest
from msgspec import inspect

from beaker.messages.base import PROTOCOL, Message
from tests.beaker.messages.vocabulary import KINDS, fields_of, messages, parts, structs

SNAPSHOT = Path(__file__).with_name("schema.json")
HOW = "If you meant this, see the top of tests/beaker/messages/test_schema.py for how to go on."

Fields = dict[str, str]
"""By name and in their order, each as its type, with ` = default` where it may be left out."""


class Shape(TypedDict):
    """One message."""

    name: str
    kind: str
    lane: str
    droppable: bool
    fields: Fields


class Schema(TypedDict):
    """All of them."""

    protocol: int
    messages: dict[str, Shape]
    """By their tags."""
    parts: dict[str, Fields]
    """What stands within messages, by name."""
    retired: list[str]
    """Tags of messages that are gone."""


def schema() -> Schema:
    """As the code has it."""
    return {
        "protocol": PROTOCOL,
        "messages": {tag: _shape(message) for tag, message in messages().items()},
        "parts": {name: _fields(part) for name, part in parts().items()},
        "retired": [],
    }


def _shape(message: type[msgspec.Struct]) -> Shape:
    (kind,) = [kind.__name__ for kind in KINDS if issubclass(message, kind)]
    assert issubclass(message, Message)
    return {
        "name": message.__name__,
        "kind": kind,
        "lane": message.lane,
        "droppable": message.droppable,
        "fields": _fields(message),
    }


def _fields(struct: type[msgspec.Struct]) -> Fields:
    return {field.name: _type(field.type) + _default(field) for field in fields_of(struct)}


def _type(described: inspect.Type) -> str:
    match described:
        case inspect.LiteralType(values=words):
            return " | ".join(map(repr, words))
        case inspect.UnionType(types=types):
            return " | ".join(map(_type, types))
        case inspect.ListType(item_type=item):
            return f"list[{_type(item)}]"
        case inspect.VarTupleType(item_type=item):
            return f"tuple[{_type(item)}, ...]"
        case inspect.DictType(key_type=key, value_type=value):
            return f"dict[{_type(key)}, {_type(value)}]"
        case inspect.StructType(cls=struct):
            return struct.__name__
        case _:
            return type(described).__name__.removesuffix("Type").lower()


def _default(field: inspect.Field) -> str:
    if field.required:
        return ""
    default = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
    return f" = {default!r}"


def never(old: Schema, new: Schema) -> list[str]:
    """What of the change from old to new is never allowed, in sentences."""
    found = [f"The tag {tag!r} stood for a message that is gone: choose another." for tag in new["messages"] if tag in old["retired"]]
    pairs: list[tuple[str, Fields, Fields]] = []
    for tag, shape in new["messages"].items():
        if (before := old["messages"].get(tag)) is None:
            continue
        pairs.append((tag, before["fields"], shape["fields"]))
        if before["name"] != shape["name"]:
            found.append(
                f"The tag {tag!r} stood for {before['name']}, not for {shape['name']}: choose another. "
                "Where the class was only renamed, write the new name into the snapshot by hand."
            )
    pairs += [(name, old["parts"][name], fields) for name, fields in new["parts"].items() if name in old["parts"]]
    for place, before_, after in pairs:
        kept = [name for name in after if name in before_]
        if kept != [name for name in before_ if name in after] or list(after)[: len(kept)] != kept:
            found.append(f"The fields of {place!r} were {', '.join(before_)}: a new one goes to the end, and they keep their order.")
        found += [
            f"The new field {name!r} of {place!r} has no default: an older process does not send it."
            for name, words in after.items()
            if name not in before_ and " = " not in words
        ]
    return found


def changed(old: Schema, new: Schema) -> list[str]:
    """The tags and names of all that is not as it was."""
    before = old["messages"] | old["parts"]
    after = new["messages"] | new["parts"]
    alike = {name for name in before.keys() & after.keys() if json.dumps(before[name]) == json.dumps(after[name])}
    return sorted((before.keys() | after.keys()) - alike)


def renewed(old: Schema, new: Schema) -> Schema:
    """The next snapshot.

    Raises:
        ValueError: that may not be, or the protocol's number did not grow.
    """
    if wrong := never(old, new):
        raise ValueError("\n".join(wrong))
    if (names := changed(old, new)) and new["protocol"] <= old["protocol"]:
        raise ValueError(f"{', '.join(names)} changed: let beaker.messages.base.PROTOCOL grow beyond {old['protocol']}.")
    gone = old["messages"].keys() - new["messages"].keys()
    return {**new, "retired": sorted({*old["retired"], *gone})}


def snapshot() -> Schema:
    """What was frozen."""
    frozen: Schema = json.loads(SNAPSHOT.read_text())
    return frozen


def test_nothing_changed_that_never_may() -> None:
    assert never(snapshot(), schema()) == []


def test_the_schema_is_that_of_the_snapshot() -> None:
    assert changed(snapshot(), schema()) == [], HOW
    assert snapshot()["protocol"] == PROTOCOL, HOW


def test_every_tag_belongs_to_one_message_and_is_a_noun_and_a_verb() -> None:
    tags = [str(struct.__struct_config__.tag) for struct in structs() if struct.__struct_config__.tag is not None]
    assert sorted(tags) == sorted(set(tags))
    assert [tag for tag in tags if tag != tag.lower() or tag.count(".") != 1 or not tag.replace(".", "").replace("_", "").isalpha()] == []


def one(tag: str = "cell.ask", name: str = "AskCell", *, protocol: int = 1, **fields: str) -> Schema:
    """A vocabulary of one message."""
    shape: Shape = {"name": name, "kind": "Event", "lane": "ordinary", "droppable": False, "fields": fields}
    return {"protocol": protocol, "messages": {tag: shape}, "parts": {"Cell": {"code": "str"}}, "retired": ["cell.gone"]}


@pytest.mark.parametrize(
    ("new", "words"),
    [
        (one(turn="int", code="str", lines="int"), "has no default"),
        (one(turn="int", lines="int = 0", code="str"), "a new one goes to the end"),
        (one(code="str", turn="int"), "they keep their order"),
        (one(name="CellAsked", turn="int", code="str"), "stood for AskCell"),
        (one("cell.gone", turn="int", code="str"), "is gone"),
        ({**one(turn="int", code="str"), "parts": {"Cell": {"code": "str", "lines": "int"}}}, "has no default"),
    ],
)
def test_what_is_never_allowed_is_not_written(new: Schema, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        renewed(one(turn="int", code="str"), {**new, "protocol": 2})


@pytest.mark.parametrize("new", [one(turn="int", lines="int = 0"), one(turn="int | none"), one("cell.other", turn="int")])
def test_any_other_change_is_written_once_the_protocols_number_has_grown(new: Schema) -> None:
    old = one(turn="int")
    with pytest.raises(ValueError, match="beyond 1"):
        renewed(old, new)
    assert renewed(old, {**new, "protocol": 2})["messages"] == new["messages"]


def test_the_tag_of_a_message_that_went_is_kept_for_ever() -> None:
    assert renewed(one(turn="int"), one("cell.other", turn="int", protocol=2))["retired"] == ["cell.ask", "cell.gone"]


if __name__ == "__main__":
    try:
        SNAPSHOT.write_text(json.dumps(renewed(snapshot(), schema()), indent=1) + "\n")
    except ValueError as refused:
        sys.exit(str(refused))
