"""The tool that asks the user back."""

from typing import Annotated

import msgspec

from beaker.agent.cutting import cut
from beaker.agent.tools.deed import Deed
from beaker.agent.tools.readable import is_readable
from beaker.agent.tools.tool import RESULT_LIMIT_CHARS, Arguments, Asking, WaitingTool
from beaker.messages.running import AskUser, UserAnswered
from beaker.messages.turn import TurnFailure, TurnRequest

QUESTION_LIMIT_CHARS = 2_000
"""A question that fits on a screen."""

CHOICES_LIMIT = 20
"""More than that nobody chooses from."""

CHOICE_LIMIT_CHARS = 200
"""Two lines of a prompt."""


class AskUserArguments(Arguments, frozen=True, kw_only=True):
    """Ask the user one question and wait for her answer. Use it only when you cannot go on without knowing."""

    question: Annotated[str, msgspec.Meta(description="The question, in the user's language.")]
    choices: Annotated[list[str], msgspec.Meta(description="Answers to choose from; leave it out for a free answer.")] = []


class AskUserTool(WaitingTool[AskUserArguments, UserAnswered]):
    """`ask_user`."""

    name = "ask_user"
    arguments = AskUserArguments
    reply = UserAnswered

    def problem(self, arguments: AskUserArguments, /) -> str | None:
        """A question, and choices that can be shown."""
        if not arguments.question.strip():
            return "The question of ask_user is empty."
        if len(arguments.question) > QUESTION_LIMIT_CHARS:
            return f"The question of ask_user is longer than {QUESTION_LIMIT_CHARS} characters. Ask it in a few sentences."
        if not all(map(is_readable, (arguments.question, *arguments.choices))):
            return "The question of ask_user holds control characters. Ask it in plain text."
        if len(arguments.choices) > CHOICES_LIMIT or any(
            not choice.strip() or len(choice) > CHOICE_LIMIT_CHARS or "\n" in choice for choice in arguments.choices
        ):
            return (
                f"The choices of ask_user are at most {CHOICES_LIMIT} lines of at most {CHOICE_LIMIT_CHARS} characters, none of them empty."
            )
        return None

    def request(self, arguments: AskUserArguments, asking: Asking, /) -> TurnRequest:
        """The question."""
        return AskUser(turn=asking.turn, question=arguments.question.strip(), choices=arguments.choices)

    def describe(self, reply: UserAnswered, /) -> str:
        """Her answer, as she wrote it."""
        return f"The user answered: {cut(reply.text, RESULT_LIMIT_CHARS - 40)}" if reply.text.strip() else "The user gave no answer."

    def deed(self, arguments: AskUserArguments, /) -> Deed:
        """Question and answer stand in the answer."""
        del arguments
        return Deed("", "", "Could not ask you")

    def unmet(self, arguments: AskUserArguments, failure: TurnFailure, /) -> str:
        """The question, since not every model states it: the reason tells the model to."""
        del failure
        choices = f" ({' / '.join(arguments.choices)})" if arguments.choices else ""
        return f"{arguments.question.strip()}{choices}"
