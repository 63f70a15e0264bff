"""Pieces of tool calls and of text, put together as the several kinds of servers send them."""

from beaker.agent.assembly import Answer, CallAssembly


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


def test_a_new_part_begins_a_paragraph() -> None:
    answer = Answer(limit_chars=100)
    answer.new_part()
    assert answer.add("one") == "one"
    answer.new_part()
    assert answer.add("\n") == ""
    assert answer.add("two\n") == "\n\ntwo\n"
    answer.new_part()
    assert answer.add("three") == "\nthree"
    assert answer.text == "one\n\ntwo\n\nthree"


def test_a_giant_answer_is_cut_once_and_says_so() -> None:
    answer = Answer(limit_chars=10)
    added = answer.add("x" * 25)
    assert added.startswith("x" * 10 + "\n\n")
    assert "longer than 10 characters" in added
    assert answer.add("more") == ""
