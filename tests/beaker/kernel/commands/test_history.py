"""How the conversation reads, and what a reset says."""

import pytest

from beaker.kernel.commands.history import history_words
from beaker.kernel.commands.reset import reset_words
from beaker.kernel.conversation import Forgotten, Talk
from beaker.messages.base import TurnId

TALKS = [
    Talk(number=TurnId(1), question="what is x?\nand y?", answer="**41**", model="gpt_5"),
    Talk(number=TurnId(2), question="plot", answer="", model="gpt_5", status="stopped"),
    Talk(number=TurnId(3), question="why?", answer="half", status="error", reason="no more credit"),
]


def test_each_question_stands_over_its_answer() -> None:
    words = history_words(TALKS)
    assert "**Question 1** (gpt\\_5)\n\n> what is x?\n> and y?\n\n**41**\n\n---\n\n**Question 2** (gpt\\_5, stopped)" in words.markdown
    assert "Question 3 (no model, failed: no more credit): why?\n\nhalf\n" in words.plain
    assert "> plot\n\n*no answer*" in words.markdown


def test_an_empty_conversation_is_said_to_be_one() -> None:
    assert history_words([]).plain == "No question was asked yet.\n"


@pytest.mark.parametrize(
    ("questions", "proposals", "running", "says"),
    [
        (1, 0, 0, "Forgot 1 question with its answer. The next question begins a new conversation."),
        (3, 2, 1, "Forgot 3 questions with their answers and 2 proposed cells. The next question begins a new conversation. "),
        (0, 0, 0, "There was no conversation to forget."),
        (0, 0, 2, "There was no conversation to forget. 2 questions being answered go on."),
        (3, 2, 1, "1 question being answered goes on."),
    ],
)
def test_a_reset_says_what_it_forgot(questions: int, proposals: int, running: int, says: str) -> None:
    assert says in reset_words(Forgotten(questions=questions, proposals=proposals), running)
