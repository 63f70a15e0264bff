"""What the session holds, sorted for the tree of upstream's clients."""

import json

import msgspec
import pytest

from beaker.kernel.custom.session_state import session_state, state_info, state_reply
from beaker.messages.turn import Variable, Variables


def seen(name: str, kind: str, summary: str = "") -> Variables:
    return Variables(variables=[Variable(name=name, type=kind, summary=summary)], note="as of 12:00:00")


@pytest.mark.parametrize(
    ("kind", "where"),
    [("module", "modules"), ("function", "functions"), ("type", "classes"), ("DataFrame", "variables"), ("", "variables")],
)
def test_each_name_stands_under_its_kind(kind: str, where: str) -> None:
    state = json.loads(msgspec.json.encode(session_state(seen("x", kind))))
    assert {group for group, names in state.items() if names} == {where}


def test_type_and_value_are_the_labels() -> None:
    state = session_state(seen("df", "DataFrame", "10 rows"))
    assert msgspec.to_builtins(state.variables["df"]) == {"label": "df (DataFrame)", "children": [{"label": "10 rows", "children": []}]}


def test_the_reply_says_what_limits_the_look_and_the_info_is_upstreams() -> None:
    reply = json.loads(msgspec.json.encode(state_reply(seen("x", "int", "1"))))
    assert (reply["status"], reply["note"]) == ("ok", "as of 12:00:00")
    assert reply["variables"] == [{"name": "x", "type": "int", "summary": "1"}]
    info = json.loads(msgspec.json.encode(state_info(session_state(seen("x", "int", "1")))))
    assert info == {"x-application/beaker-subkernel-state": {"application/json": reply["return"]}}
