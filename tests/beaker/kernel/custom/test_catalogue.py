"""The contents of our messages are public: their schemas are frozen, and each is documented.

After a change that only adds fields with defaults at the end: `python -m tests.beaker.kernel.custom.test_catalogue` from
the checkout writes the snapshot anew.
"""

import json
from pathlib import Path
from typing import Any

import msgspec

from beaker.kernel.custom.catalogue import CATALOGUE
from beaker.kernel.custom.kinds import OURS

SNAPSHOT = Path(__file__).with_name("schemas.json")
DOCS = Path(__file__).resolve().parents[4] / "docs" / "messages.md"


def any_json(_: type) -> dict[str, Any]:
    """The schema of a field that takes whatever comes."""
    return {"title": "JSON"}


def schemas() -> dict[str, Any]:
    """Of all contents, by type."""
    found = {}
    for entry in CATALOGUE:
        (schema,), components = msgspec.json.schema_components(
            [entry.content], ref_template="{name}", schema_hook=lambda _: {"title": "JSON"}
        )
        found[entry.msg_type] = {"way": entry.way, "schema": schema, "parts": components}
    return found


def test_the_schemas_are_those_of_the_snapshot() -> None:
    assert json.loads(json.dumps(schemas())) == json.loads(SNAPSHOT.read_text())


def test_every_type_is_documented() -> None:
    text = DOCS.read_text()
    types = [entry.msg_type for entry in CATALOGUE if " " not in entry.msg_type] + sorted(OURS)
    stems = {name.removesuffix("_request").removesuffix("_reply") for name in types}
    assert [stem for stem in sorted(stems) if f"`{stem}" not in text] == []


def test_every_field_of_a_message_of_ours_has_a_plain_name() -> None:
    names = [name for entry in schemas().values() for part in entry["parts"].values() for name in part.get("properties", {})]
    assert names
    assert all(name.isidentifier() and name == name.lower() for name in names)


if __name__ == "__main__":
    SNAPSHOT.write_text(json.dumps(schemas(), indent=1, sort_keys=True) + "\n")
