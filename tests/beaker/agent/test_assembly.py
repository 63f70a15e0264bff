"""Pieces of tool calls and of text, put together as the several kinds of servers send them, and never more than can be meant."""

import pytest

from beaker.agent.assembly import (
    CALL_LIMIT_CHARS,
    CALLS_LIMIT,
    CALLS_LIMIT_CHARS,
    ID_LIMIT_CHARS,
    NAME_LIMIT_CHARS,
    TEXT_LIMIT_CHARS,
    THOUGHT_LIMIT_CHARS,
    CallAssembly,
    Endless,
)
from beaker.agent.tools.built_in import BUILT_IN
from beaker.agent.tools.tool import BadCall
from beaker.agent.tools.toolbox import ARGUMENTS_LIMIT_CHARS


def calls(assembly: CallAssembly) -> list[tuple[str, str, str]]:
    return [(call.id, call.function.name, call.function.arguments) for call in assembly.calls(step=3)]


def test_fragments_of_interleaved_calls_find_their_own() -> None:
    assembly = CallAssembly()
    assembly.add_fragment(0, call_id="a", name="one", arguments="")
    assembly.add_fragment(1, call_id="b", name="two", arguments="{")
    assembly.add_fragment(0, call_id="", name="", arguments='{"x"')
    assembly.add_fragment(1, call_id="", name="", arguments="}")
    assembly.add_fragment(0, call_id="", name="", arguments=": 1}")
    assert calls(assembly) == [("a", "one", '{"x": 1}'), ("b", "two", "{}")]


def test_whole_calls_that_all_claim_index_0_stay_apart() -> None:
    assembly = CallAssembly()
    assembly.add_fragment(0, call_id="a", name="one", arguments="{}")
    assembly.add_fragment(0, call_id="b", name="two", arguments="{}")
    assert calls(assembly) == [("a", "one", "{}"), ("b", "two", "{}")]


def test_a_call_without_an_id_gets_one_that_differs_by_step() -> None:
    assembly = CallAssembly()
    assembly.add_fragment(0, call_id="", name="one", arguments="{}")
    assert calls(assembly) == [("call-3-0", "one", "{}")]


def test_calls_that_claim_one_id_get_ids_of_their_own() -> None:
    assembly = CallAssembly()
    assembly.add_fragment(0, call_id="x", name="one", arguments="{}")
    assembly.add_fragment(1, call_id="x", name="two", arguments="{}")
    assembly.add_fragment(2, call_id="call-3-3", name="three", arguments="{}")
    assembly.add_fragment(3, call_id="", name="four", arguments="{}")
    assert calls(assembly) == [("x", "one", "{}"), ("call-3-1", "two", "{}"), ("call-3-3", "three", "{}"), ("call-3-3-again", "four", "{}")]


def test_an_id_that_is_too_long_is_cut() -> None:
    assembly = CallAssembly()
    for index in range(2):
        assembly.add_fragment(index, call_id="x" * 1_000_000, name="one", arguments="{}")
    assert [len(call_id) for call_id, _, _ in calls(assembly)] == [ID_LIMIT_CHARS, len("call-3-1")]


def test_of_a_text_without_end_the_beginning_is_kept_and_the_rest_counted() -> None:
    assembly = CallAssembly()
    for _ in range(100):
        assembly.add_text("x" * 1000)
        assembly.add_thought("y" * 1000)
    assert assembly.text == "x" * TEXT_LIMIT_CHARS + f" … [{100_000 - TEXT_LIMIT_CHARS} more characters left out]"
    assert assembly.thought.startswith("y" * THOUGHT_LIMIT_CHARS + " … [")


def test_arguments_without_end_are_kept_until_no_tool_would_read_them() -> None:
    assembly = CallAssembly()
    for _ in range(1000):
        assembly.add_fragment(0, call_id="a", name="n" * 100, arguments="x" * 10_000)
    [(_, name, arguments)] = calls(assembly)
    assert (len(name), len(arguments)) == (NAME_LIMIT_CHARS, ARGUMENTS_LIMIT_CHARS + 1)
    bad = BUILT_IN.decode("propose_cell", arguments)
    assert isinstance(bad, BadCall)
    assert "Make them shorter" in bad.text


def test_calls_that_together_are_longer_than_can_be_meant_are_an_end() -> None:
    assembly = CallAssembly()
    for index in range(CALLS_LIMIT_CHARS // 100_000):
        assembly.add_fragment(index, call_id="", name="propose_cell", arguments="x" * 100_000)
    with pytest.raises(Endless, match="tool calls of more than"):
        assembly.add_fragment(99, call_id="", name="propose_cell", arguments="x")


def test_a_call_that_does_not_end_is_ended() -> None:
    assembly = CallAssembly()
    piece = "x" * (CALL_LIMIT_CHARS // 10)
    for _ in range(10):
        assembly.add_text(piece)
    with pytest.raises(Endless, match="without coming to an end"):
        assembly.add_thought("x")


def test_more_tool_calls_than_can_be_meant_are_an_end() -> None:
    assembly = CallAssembly()
    for index in range(CALLS_LIMIT):
        assembly.add_fragment(index, call_id=f"c{index}", name="list_variables", arguments="{}")
    assembly.add_fragment(0, call_id="c0", name="", arguments=" ")
    with pytest.raises(Endless, match="tool calls at once"):
        assembly.add_fragment(CALLS_LIMIT, call_id="one more", name="list_variables", arguments="{}")
