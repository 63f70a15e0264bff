"""The text of an answer: paragraphs between its parts, and the place where it no longer fits."""

from beaker.agent.answer import Added, Answer


def test_a_new_part_begins_a_paragraph() -> None:
    answer = Answer(limit_chars=100)
    answer.new_part()
    assert answer.add("one") == Added("one", "")
    answer.new_part()
    assert answer.add("\n") == Added("", "")
    assert answer.add("two\n") == Added("\n\ntwo\n", "")
    answer.new_part()
    assert answer.add("three") == Added("\nthree", "")
    assert answer.text == "one\n\ntwo\n\nthree"


def test_a_giant_answer_is_parted_at_the_limit_and_nothing_of_it_is_lost() -> None:
    answer = Answer(limit_chars=10)
    pieces = ["x" * 7, "y" * 7]
    added = [answer.add(piece) for piece in pieces]
    answer.new_part()
    added.append(answer.add("more"))
    assert added == [Added("x" * 7, ""), Added("yyy", "yyyy"), Added("", "\n\nmore")]
    assert answer.text == "xxxxxxxyyy"


def test_a_notice_stands_below_what_is_shown_whatever_the_limit() -> None:
    answer = Answer(limit_chars=3)
    answer.add("abcdef")
    assert answer.note("cut") == "\n\n*cut*"
    assert answer.text == "abc\n\n*cut*"
