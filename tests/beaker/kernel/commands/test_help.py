"""What can be typed, and its help."""

import pytest

from beaker.kernel.commands.command import Refused
from beaker.kernel.commands.help import ALL, COMMAND_NAMES, TOPICS, ShowHelp, help_words
from beaker.kernel.magics import parse
from beaker.kernel.question import OPTIONS


def test_the_list_names_every_command_and_the_question() -> None:
    words = help_words()
    for command in ALL.values():
        assert command.entry.usage in words.plain
        assert f"`{command.entry.usage}`" in words.markdown
    assert "%%ai QUESTION" in words.plain


def test_what_does_not_exist_yet_is_not_advertised() -> None:
    every = " ".join(help_words(topic).plain for topic in ("", *TOPICS))
    for name in ("undo",):
        assert name not in every


@pytest.mark.parametrize("topic", TOPICS)
def test_every_topic_has_a_help_of_its_own(topic: str) -> None:
    assert help_words(topic) != help_words()
    assert parse(f"%beaker help {topic}") == ShowHelp(topic=topic)


def test_an_unknown_topic_gets_the_list() -> None:
    assert help_words("nothing") == help_words()


@pytest.mark.parametrize("name", COMMAND_NAMES)
def test_every_command_can_be_typed(name: str) -> None:
    ours = parse(f"%beaker {name}")
    assert not isinstance(ours, Refused) or f"`%beaker {name}` takes" in ours.reason
    assert parse(f"%beaker {name}?") == ShowHelp(topic=name)


def test_the_help_of_questions_has_every_option() -> None:
    assert all(option in help_words("%%ai").plain for option in OPTIONS)


@pytest.mark.parametrize("topic", ["", *TOPICS])
def test_plain_text_has_no_markup(topic: str) -> None:
    assert "`" not in help_words(topic).plain
    assert "| " not in help_words(topic).plain
