"""What is kept of the questions that are over."""

from typing import Literal

from beaker.kernel.conversation import KEPT_BYTES, TOLD, TOLD_BYTES, Conversation, Forgotten, Talk
from beaker.kernel.turn_display import Proposal
from beaker.messages.base import TurnId


def talk(number: int, *, answer: str = "yes", proposals: int = 0, status: Literal["ok", "error", "stopped"] = "ok") -> Talk:
    cells = tuple(Proposal(each + 1, f"cell {each + 1} of {number}", "python") for each in range(proposals))
    return Talk(number=TurnId(number), question=f"question {number}", answer=answer, proposals=cells, status=status)


def test_the_agent_is_told_of_the_latest_ones_cut_to_what_a_message_holds() -> None:
    conversation = Conversation()
    for number in range(1, TOLD + 4):
        conversation.add(talk(number, answer="é" * TOLD_BYTES))
    told = conversation.exchanges()
    assert [told[0].question, told[-1].question] == ["question 4", f"question {TOLD + 3}"]
    assert len(told[-1].answer.encode()) <= TOLD_BYTES + len(" ...")


def test_a_part_of_an_answer_is_marked_for_the_model_and_kept_as_it_is() -> None:
    conversation = Conversation()
    conversation.add(talk(1, answer="half", status="error"))
    conversation.add(talk(2, answer="half", status="stopped"))
    conversation.add(talk(3, answer="", status="error"))
    assert [exchange.answer for exchange in conversation.exchanges()] == [
        "half\n\n[This answer was cut here, before it was finished.]",
        "half\n\n[The user stopped this answer here.]",
        "",
    ]
    assert [kept.answer for kept in conversation.talks] == ["half", "half", ""]


def test_the_oldest_go_when_all_together_are_too_large() -> None:
    conversation = Conversation(budget_bytes=1000)
    for number in range(1, 5):
        conversation.add(talk(number, answer="x" * 400))
    assert [kept.number for kept in conversation.talks] == [3, 4]
    conversation.add(talk(5, answer="x" * 5000))
    assert [kept.number for kept in conversation.talks] == [5], "the last one stays, whatever its size"
    conversation.add(talk(6, answer="x" * KEPT_BYTES * 2))
    assert len(conversation.talks[-1].answer) < KEPT_BYTES + 10


def test_only_questions_that_proposed_a_cell_have_proposals() -> None:
    conversation = Conversation()
    for number, proposals in ((1, 2), (2, 0), (3, 1)):
        conversation.add(talk(number, proposals=proposals))
    assert {number: [p.code for p in cells] for number, cells in conversation.proposals().items()} == {
        1: ["cell 1 of 1", "cell 2 of 1"],
        3: ["cell 1 of 3"],
    }


def test_a_reset_forgets_everything_and_says_how_much() -> None:
    conversation = Conversation()
    conversation.add(talk(1, proposals=2))
    conversation.add(talk(2))
    assert conversation.reset() == Forgotten(questions=2, proposals=2)
    assert (list(conversation.talks), conversation.exchanges(), conversation.proposals()) == ([], [], {})
    assert conversation.reset() == Forgotten(questions=0, proposals=0)
