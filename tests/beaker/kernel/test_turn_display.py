"""What a question shows while and after it is answered."""

import time

import pytest

from beaker.kernel.turn_display import CURSOR, THINKING, TurnDisplay, cell_named, fenced


def test_nothing_yet_is_thinking_and_words_replace_it() -> None:
    display = TurnDisplay(1)
    assert display.markdown() == THINKING
    display.words = "waking the agent"
    assert display.markdown() == "*waking the agent*"


def test_text_grows_under_a_cursor_that_goes_at_the_end() -> None:
    display = TurnDisplay(1)
    display.add_text("The mean ")
    display.add_text("is 3.")
    assert display.markdown() == "The mean is 3." + CURSOR
    assert display.markdown(ending="") == "The mean is 3."
    assert display.markdown(ending="*stopped*") == "The mean is 3.\n\n*stopped*"


def test_proposals_stand_numbered_where_they_were_made() -> None:
    display = TurnDisplay(1)
    display.add_text("First")
    assert display.propose("df.describe()\n", "python").number == 1
    display.add_text("then")
    assert display.propose("df.plot()", "python").number == 2
    assert display.markdown(ending="") == (
        "First\n\n**[1]**\n\n```python\ndf.describe()\n```\n\nthen\n\n**[2]**\n\n```python\ndf.plot()\n```"
    )
    assert display.answer == "First\n\n```python\ndf.describe()\n```\n\nthen\n\n```python\ndf.plot()\n```"


def test_a_fence_is_longer_than_any_run_of_backticks_inside() -> None:
    assert fenced("s = '```'", "python") == "````python\ns = '```'\n````"


def test_code_in_the_text_counts_as_proposed_when_the_answer_is_whole() -> None:
    display = TurnDisplay(3)
    display.add_text("First\n```python\nx = 1\n```\nthen\n```text\nout\n```\nand\n```py\ny = 2\n```")
    adopted = display.adopt_blocks("python")
    assert [(each.number, each.code) for each in adopted] == [(1, "x = 1"), (2, "y = 2")]
    assert display.proposals == adopted
    shown = display.markdown(ending="")
    assert shown == ("First\n\n**[1]**\n\n```python\nx = 1\n```\n\nthen\n```text\nout\n```\nand\n\n**[2]**\n\n```python\ny = 2\n```")
    assert display.adopt_blocks("python") == [], "once is enough"


def test_beside_a_proposal_code_in_the_text_is_an_explanation_and_a_repetition_is_left_out() -> None:
    display = TurnDisplay(3)
    display.propose("x = 1\n", "python")
    display.add_text("As in\n```python\nx = 1\n```\nor\n```python\nz\n```")
    assert display.adopt_blocks("python") == []
    assert display.markdown(ending="") == "**[1]**\n\n```python\nx = 1\n```\n\nAs in\n\nor\n\n```python\nz\n```"


def test_code_that_ran_is_not_proposed_again() -> None:
    display = TurnDisplay(3)
    display.run("A1", "x.head()", "python")
    display.add_text("I ran\n```python\nx.head()\n```\nNow run\n```python\nx.tail()\n```")
    assert [each.code for each in display.adopt_blocks("python")] == ["x.tail()"]


def test_a_proposal_says_which_cell_it_is_for() -> None:
    display = TurnDisplay(3)
    display.propose("a", "python", replaces="4")
    display.propose("b", "python", after="c-1f")
    assert "**[1]** in place of cell [4]\n" in display.markdown(ending="")
    assert "**[2]** behind cell `c-1f`\n" in display.markdown(ending="")


@pytest.mark.parametrize(
    ("named", "session", "other"),
    [("r", "python", True), ("R", "r", False), ("Python 3", "python", False), ("r", "", False), ("bash", "python", True)],
)
def test_of_a_proposal_in_another_language_than_the_sessions_no_cell_is_made(named: str, session: str, other: bool) -> None:
    display = TurnDisplay(3)
    display.propose("x <- 1", named, session=session)
    assert [proposal.code for proposal in display.cells] == ([] if other else ["x <- 1"])
    note = f" *`{named}` as text: this session runs `python`*" if other else ""
    assert display.markdown(ending="") == f"**[1]**{note}\n\n```{named}\nx <- 1\n```"
    assert (display.insert_hint(first_comes=False) == "") is other


def test_a_note_stands_below_its_part_and_belongs_to_no_answer() -> None:
    display = TurnDisplay(1)
    display.note = "*note*"
    assert display.markdown() == f"{THINKING}\n\n*note*"
    display.add_text("text")
    assert display.markdown() == f"text{CURSOR}\n\n*note*"
    assert display.markdown(ending="end") == "text\n\nend\n\n*note*"
    assert display.answer == "text"
    display.begin_part()
    assert display.markdown(ending="end") == "end"


def test_a_run_stands_in_the_answer_with_its_words_and_what_follows_is_a_part_of_its_own() -> None:
    display = TurnDisplay(1)
    display.add_text("Let me see.")
    block = display.run("A1", "1 + 1\n", "python")
    block.words = "wants to run this"
    assert display.markdown(ending="") == "Let me see.\n\n**A1** wants to run this\n\n```python\n1 + 1\n```"
    display.begin_part()
    assert display.markdown() == THINKING
    display.add_text("It is 2.")
    assert display.markdown(ending="") == "It is 2."
    assert display.answer == "Let me see.\n\n**A1** wants to run this\n\n```python\n1 + 1\n```\n\nIt is 2."
    assert display.text == "Let me see.\n\nIt is 2."


def test_text_behind_a_part_never_joins_the_text_before_it() -> None:
    display = TurnDisplay(1)
    display.add_text("one")
    display.begin_part()
    display.add_text("two")
    assert display.markdown(ending="") == "two"


def test_a_block_that_the_model_left_open_does_not_swallow_the_code_that_is_asked_about() -> None:
    display = TurnDisplay(1)
    display.add_text("Look:\n~~~text\nnothing to see")
    display.run("A1", "evil()", "python").words = "wants to run this"
    assert display.markdown(ending="").endswith("nothing to see\n~~~\n\n**A1** wants to run this\n\n```python\nevil()\n```")


def test_while_a_block_is_streaming_the_cursor_stands_below_it() -> None:
    display = TurnDisplay(1)
    display.add_text("```python\nx = 1")
    assert display.markdown() == f"```python\nx = 1\n```\n{CURSOR}"


def test_the_language_of_a_block_is_a_name() -> None:
    assert fenced("1", "py\n```\n<script>") == "```pyscript\n1\n```"
    assert fenced("1", "c++") == "```c++\n1\n```"


@pytest.mark.parametrize("name", [" " * 50_000 + "x", "in" + " " * 50_000 + "[", "3" * 100_000])
def test_a_name_of_any_length_is_read_at_once(name: str) -> None:
    began = time.perf_counter()
    assert len(cell_named(name)) <= 100
    assert time.perf_counter() - began < 5.0
