"""What the answer to a question is made of."""

import time

import pytest

from beaker.kernel.code_blocks import fenced
from beaker.kernel.turn_display import TurnDisplay, cell_named


def test_a_fence_is_longer_than_any_run_of_backticks_inside() -> None:
    assert fenced("s = '```'", "python") == "````python\ns = '```'\n````"


def test_code_in_the_text_counts_as_proposed_when_the_answer_is_whole() -> None:
    display = TurnDisplay(3)
    display.add_text("First\n```python\nx = 1\n```\nthen\n```text\nout\n```\nand\n```py\ny = 2\n```")
    adopted = display.adopt_blocks("python")
    assert [(each.number, each.code) for each in adopted] == [(1, "x = 1"), (2, "y = 2")]
    assert display.proposals == adopted
    assert display.part == ["First\n", adopted[0], "then\n```text\nout\n```\nand\n", adopted[1]]
    assert display.adopt_blocks("python") == [], "once is enough"


def test_beside_a_proposal_code_in_the_text_is_an_explanation_and_a_repetition_is_left_out() -> None:
    display = TurnDisplay(3)
    display.propose("x = 1\n", "python")
    display.add_text("As in\n```python\nx = 1\n```\nor\n```python\nz\n```")
    assert display.adopt_blocks("python") == []
    assert display.part == [display.proposals[0], "As in\n", "or\n", "```python\nz\n```"]


def test_code_that_ran_is_not_proposed_again() -> None:
    display = TurnDisplay(3)
    display.run("A1", "x.head()", "python")
    display.add_text("I ran\n```python\nx.head()\n```\nNow run\n```python\nx.tail()\n```")
    assert [each.code for each in display.adopt_blocks("python")] == ["x.tail()"]


def test_the_answer_is_remembered_with_its_code() -> None:
    display = TurnDisplay(1)
    display.add_text("Let me see.")
    display.run("A1", "1 + 1\n", "python").words = "runs as `[2]`"
    display.begin_part()
    display.add_text("It is 2.")
    display.propose("df.plot()", "python")
    code = "**A1** runs as `[2]`\n\n```python\n1 + 1\n```"
    assert display.answer == f"Let me see.\n\n{code}\n\nIt is 2.\n\n```python\ndf.plot()\n```"
    assert display.text == "Let me see.\n\nIt is 2."


def test_text_behind_a_part_never_joins_the_text_before_it() -> None:
    display = TurnDisplay(1)
    display.add_text("one")
    display.begin_part()
    display.add_text("two")
    assert display.part == ["two"]


def test_code_that_is_shown_again_is_remembered_once() -> None:
    display = TurnDisplay(1)
    block = display.run("A1", "1", "python")
    display.begin_part(again=block)
    assert display.part == [block]
    assert display.answer == "**A1**\n\n```python\n1\n```"
    display.begin_part()
    assert display.part == []


def test_a_block_that_was_left_open_swallows_nothing_of_what_is_remembered() -> None:
    display = TurnDisplay(1)
    display.add_text("Look:\n~~~text\nnothing to see")
    display.propose("x", "python")
    assert display.answer == "Look:\n~~~text\nnothing to see\n~~~\n\n```python\nx\n```"


@pytest.mark.parametrize(
    ("named", "session", "other"),
    [("r", "python", True), ("R", "r", False), ("Python 3", "python", False), ("r", "", False), ("bash", "python", True)],
)
def test_of_a_proposal_in_another_language_than_the_sessions_no_cell_is_made(named: str, session: str, other: bool) -> None:
    display = TurnDisplay(3)
    assert display.propose("x <- 1", named, session=session).session == (session if other else "")
    assert [proposal.code for proposal in display.cells] == ([] if other else ["x <- 1"])
    assert (display.insert_hint(first_comes=False) == "") is other


def test_the_language_of_a_block_is_a_name() -> None:
    assert fenced("1", "py\n```\n<script>") == "```pyscript\n1\n```"
    assert fenced("1", "c++") == "```c++\n1\n```"


@pytest.mark.parametrize("name", [" " * 50_000 + "x", "in" + " " * 50_000 + "[", "3" * 100_000])
def test_a_name_of_any_length_is_read_at_once(name: str) -> None:
    began = time.process_time()
    assert len(cell_named(name)) <= 100
    assert time.process_time() - began < 5.0
