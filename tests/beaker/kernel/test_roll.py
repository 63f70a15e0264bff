"""An answer on a terminal, where nothing that was printed can be changed."""

from beaker.kernel.roll import Roll


def printed(*states: list[str]) -> str:
    roll = Roll()
    return "".join(roll.more(state) for state in states) + roll.ended()


def test_text_that_grows_is_printed_once() -> None:
    assert printed(["It"], ["It is"], ["It is"], ["It is 3."]) == "It is 3.\n"


def test_what_stands_apart_in_the_answer_stands_apart_there() -> None:
    assert printed(["Let me see."], ["Let me see.", "· Looked at `a`"], ["Let me see.", "· Looked at `a`\n· Looked at `b`", "So."]) == (
        "Let me see.\n\n· Looked at `a`\n· Looked at `b`\n\nSo.\n"
    )


def test_of_what_has_changed_further_above_the_new_lines_are_printed() -> None:
    asks, runs = "**A1** wants to run this\n\n```python\nx\n```", "**A1** was not run\n\n```python\nx\n```"
    assert printed(["a", asks], ["a", runs, "So."]) == f"a\n\n{asks}\n\n**A1** was not run\n\nSo.\n"
    assert printed([asks, "b"], [asks.replace("```python", "``` python"), "b"]) == f"{asks}\n\nb\n\n``` python\n"


def test_words_stand_on_a_line_of_their_own_in_the_middle_of_a_text() -> None:
    roll = Roll()
    assert roll.line("(thinking ...)") == "(thinking ...)\n"
    assert roll.more(["one two"]) == "\none two"
    assert roll.line("(no data for 15 s)") == "\n(no data for 15 s)\n"
    assert roll.more(["one two three"]) == " three"
    assert (roll.ended(), roll.ended()) == ("\n", "")


def test_below_outputs_the_answer_begins_anew() -> None:
    roll = Roll()
    roll.more(["one"])
    roll.ended()
    roll.begin_part()
    assert roll.more(["two"]) == "\ntwo"


def test_an_answer_whose_code_became_cells_is_told_from_one_that_grew() -> None:
    roll = Roll()
    roll.more(["First\n```python\nx\n```"])
    assert roll.begins_with_printed(["First\n```python\nx\n```\nthen", "[1]"])
    assert not roll.begins_with_printed(["First", "[1] x"])
    assert not roll.begins_with_printed([])
