"""What users of other assistants mean as a command gets a sentence with ours; a question stays one."""

import pytest

from beaker.kernel import magics
from beaker.kernel.commands.command import Refused
from beaker.kernel.commands.help import ShowHelp
from beaker.kernel.question import ASK_TOPIC, Ask


@pytest.mark.parametrize(
    ("code", "named"),
    [
        ("%ai help", "`%beaker help`"),
        ("%%ai help", "`%beaker help`"),
        ("%%ask Help\n", "`%beaker help`"),
        ("%ai list", "`%beaker model`"),
        ("%ai list openai", "`%beaker model`"),
        ("%ai reset", "`%beaker reset`"),
        ("%%ai\n/clear", "`%beaker reset`"),
        ("%ai /clear", "`%beaker reset`"),
        ("%ai history", "`%beaker history`"),
        ("%ai alias mine openai/gpt-4", "`%%ai --model NAME`"),
        ("%ai dealias mine", "`%%ai --model NAME`"),
        ("%ai version", "`%beaker status`"),
        ("%ai error", "`%%ai explain the last error`"),
        ("%%ai openai-chat:gpt-4\nwhat is in df?", "`%%ai --model gpt-4`"),
        ("%%ai anthropic/claude-x\nwhat is in df?", "`%%ai --model claude-x`"),
        ("%%ai -m gpt why?", "`--model`"),
        ("%%ai -m=gpt why?", "`--model`"),
        ("%%ai -b why?", "`--background`"),
        ("%%ai -f code\nplot df", "--model"),
        ("%%ai --modle x why?", "--model"),
        ("%%ai --format code\nplot df", "--model"),
    ],
)
def test_a_habit_is_answered_with_the_right_command(code: str, named: str) -> None:
    wanted = magics.parse(code)
    assert isinstance(wanted, Refused)
    assert named in wanted.reason
    assert wanted.reason[0] in "ABCDEFGHIJKLMNOPQRSTUVWXYZ'`"


@pytest.mark.parametrize(
    ("code", "prompt"),
    [
        ("%ai help me plot df", "help me plot df"),
        ("%ai list the columns", "list the columns"),
        ("%ai list the columns of df", "list the columns of df"),
        ("%ai reset the index of df", "reset the index of df"),
        ("%ai history of this lake?", "history of this lake?"),
        ("%%ai help\nme", "help\nme"),
        ("%%ai data/a.csv\nwhat is in it?", "data/a.csv\nwhat is in it?"),
        ("%%ai openai/gpt-4", "openai/gpt-4"),
        ("%%ai -1 in df?", "-1 in df?"),
        ("%%ai - first point\n- second", "- first point\n- second"),
        ("%%ai --model m fix it", "fix it"),
        ("%ai -- help", "help"),
        ("%ai -- -m x", "-m x"),
    ],
)
def test_a_question_that_begins_so_is_a_question(code: str, prompt: str) -> None:
    wanted = magics.parse(code)
    assert isinstance(wanted, Ask)
    assert wanted.prompt == prompt


@pytest.mark.parametrize("code", ["%ai --help", "%%ai -h", "%ai -?", "%%ai --help why?"])
def test_who_asks_for_help_by_an_option_is_shown_it(code: str) -> None:
    assert magics.parse(code) == ShowHelp(topic=ASK_TOPIC)
