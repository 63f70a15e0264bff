"""What the model asked the user in the middle of an answer, and what she said: a piece of that answer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(slots=True)
class AskedBack:
    """One question back."""

    question: str
    """Markdown, by the model."""
    choices: Sequence[str] = ()
    answer: str | None = None
    """None while she has not answered, and for good if she never did."""

    def quoted(self, text: Callable[[str], str] = str) -> str:
        """The question with its choices, as a quotation.

        Args:
            text: makes of the model's words what they may be where this stands.

        >>> print(AskedBack("Which colour?", ["red", "blue"]).quoted())
        > Which colour?
        >
        > 1. red
        > 2. blue
        """
        listed = [f"{number}. {' '.join(choice.split())}" for number, choice in enumerate(self.choices, start=1)]
        lines = text("\n".join([self.question.strip(), *([""] if listed else []), *listed])).split("\n")
        return "\n".join(f"> {line}".rstrip() for line in lines)

    def remembered(self) -> str:
        """Question and answer, as the conversation keeps them.

        >>> print(AskedBack("Which colour?", answer="blue").remembered())
        > Which colour?
        <BLANKLINE>
        The user answered: blue
        """
        said = "The user did not answer." if self.answer is None else f"The user answered: {self.answer.strip() or '(nothing)'}"
        return f"{self.quoted()}\n\n{said}"
