"""`%beaker allow` and `%beaker reject` as they are typed."""

import pytest

from beaker.kernel.commands.allow import Decide, OpenApproval, ShowOpen, TakeAlwaysBack, open_words
from beaker.kernel.commands.assistance import complete
from beaker.kernel.commands.command import Order, Refused
from beaker.kernel.magics import parse


@pytest.mark.parametrize(
    ("code", "order"),
    [
        ("%beaker allow A3", Decide(approval="A3", decision="allow")),
        ("%beaker allow a12", Decide(approval="A12", decision="allow")),
        ("%beaker allow 3", Decide(approval="A3", decision="allow")),
        ("%beaker allow A3 always", Decide(approval="A3", decision="always")),
        ("%beaker reject A3", Decide(approval="A3", decision="reject")),
        ("%beaker reject always", TakeAlwaysBack()),
    ],
)
def test_a_name_decides(code: str, order: Order) -> None:
    assert parse(code) == order


@pytest.mark.parametrize("words", ["A0", "everything", "A3 forever", "A3 always now", "A3 A4", "3.5"])
@pytest.mark.parametrize("command", ["allow", "reject"])
def test_everything_else_is_refused_with_the_form_that_is_right(command: str, words: str) -> None:
    refused = parse(f"%beaker {command} {words}")
    assert isinstance(refused, Refused)
    assert f"`%beaker {command} A3`" in refused.reason


@pytest.mark.parametrize("command", ["allow", "reject"])
def test_without_a_name_they_ask_what_waits(command: str) -> None:
    assert parse(f"%beaker {command}") == ShowOpen()


def test_what_waits_is_shown_with_its_code_and_the_way_to_decide() -> None:
    parked = OpenApproval(name="A1", turn=1, kind="code", code="x = '```'", language="python", warning="it starts programs")
    asked = OpenApproval(name="A2", turn=2, kind="restart", code="", language="python", asked=True)
    words = open_words([parked, asked])
    assert words.plain == (
        "A1 wants to run this (it starts programs); put off, question 1\n\nx = '```'\n\n"
        "%beaker allow A1 / %beaker reject A1 / %beaker edit A1\n\n"
        "A2 wants to restart the session: all variables are lost; asked at the prompt of question 2\n\n"
        "%beaker allow A2 / %beaker reject A2\n"
    )
    assert "````python\nx = '```'\n````" in words.markdown


def test_that_nothing_waits_is_said() -> None:
    assert open_words([]).plain == "Nothing waits to be allowed or rejected.\n"


def test_reject_takes_no_always() -> None:
    assert isinstance(parse("%beaker reject A3 always"), Refused)


def test_names_that_wait_are_completed_and_then_always() -> None:
    def matches(typed: str) -> list[str]:
        found = complete(typed, len(typed), lambda command: ["A1", "A12"] if command in {"allow", "reject"} else [])
        return [] if found is None else list(found.matches)

    assert matches("%beaker allow ") == ["A1", "A12"]
    assert matches("%beaker reject A1") == ["A1", "A12"]
    assert matches("%beaker reject ") == ["A1", "A12", "always"]
    assert matches("%beaker allow A1 ") == ["always"]


def test_a_language_as_a_model_wrote_it_leaves_the_block_of_its_code_whole() -> None:
    waiting = OpenApproval(name="A1", turn=1, kind="code", code="1", language="py\n```\n<script>")
    assert "```pyscript\n1\n```" in open_words([waiting]).markdown
