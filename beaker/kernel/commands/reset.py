"""`%beaker reset`: the conversation begins anew."""

from beaker.kernel.commands.command import Command, Entry, Order, taking_nothing
from beaker.kernel.conversation import Forgotten


class ResetConversation(Order, frozen=True, kw_only=True):
    """Forget the conversation."""


RESET = Command(
    "reset",
    Entry(
        "%beaker reset",
        "forget the conversation: the next question begins a new one",
        "Forgets the questions that are over, their answers and the cells they proposed. Your variables and the notebook's cells stay, and "
        "the next question still sees the latest cells; `%beaker restart` is for the session. A question that is being answered goes on.",
    ),
    taking_nothing("reset", ResetConversation()),
)


def reset_words(forgotten: Forgotten, running: int) -> str:
    """Say what was forgotten.

    >>> reset_words(Forgotten(questions=2, proposals=1), 0)
    'Forgot 2 questions with their answers and 1 proposed cell. The next question begins a new conversation.'
    """
    goes_on = f" {_count(running, 'question')} being answered {'goes' if running == 1 else 'go'} on." if running else ""
    if not forgotten.questions:
        return "There was no conversation to forget." + goes_on
    cells = f" and {_count(forgotten.proposals, 'proposed cell')}" if forgotten.proposals else ""
    answers = "its answer" if forgotten.questions == 1 else "their answers"
    forgot = f"Forgot {_count(forgotten.questions, 'question')} with {answers}{cells}."
    return f"{forgot} The next question begins a new conversation.{goes_on}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
