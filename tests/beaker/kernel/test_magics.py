"""Which cells are ours, and what they say."""

import json
import time

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from beaker.kernel.cell_head import find_cell, might_be_ours
from beaker.kernel.commands.command import Refused
from beaker.kernel.commands.config import ShowConfig
from beaker.kernel.commands.help import ShowHelp
from beaker.kernel.commands.history import ShowHistory
from beaker.kernel.commands.insert import InsertProposal
from beaker.kernel.commands.reset import ResetConversation
from beaker.kernel.commands.restart import RestartAgent, RestartSubkernel
from beaker.kernel.commands.status import ShowStatus
from beaker.kernel.commands.stop import StopTurns
from beaker.kernel.habits import taken_for_command
from beaker.kernel.magics import Ours, is_complete, parse
from beaker.kernel.question import Ask
from beaker.prompt_limit import PROMPT_LIMIT_BYTES


@pytest.mark.parametrize(
    ("code", "ours"),
    [
        ("%%ai what?", Ask(prompt="what?")),
        ("%%ask what?", Ask(prompt="what?")),
        ("%ai what?", Ask(prompt="what?")),
        ("%%ai\twhat?  \n", Ask(prompt="what?")),
        ("\n \n\r\n%%ai what?", Ask(prompt="what?")),
        ("%%ai\nwhat\n\nelse?\n\n", Ask(prompt="what\n\nelse?")),
        ("%%ai first\n  second", Ask(prompt="first\n  second")),
        ("%%ai\n\n  \n    indented\nmore", Ask(prompt="    indented\nmore")),
        ("%%ai a\r\nb", Ask(prompt="a\r\nb")),
        ("%%ai ?? why", Ask(prompt="?? why")),
        ("%%ai? why", Ask(prompt="? why")),
        ("%%ai\n?", Ask(prompt="?")),
        ("%%ai %%ai", Ask(prompt="%%ai")),
        ("%%ai 5 - 3 --model", Ask(prompt="5 - 3 --model")),
        ("%%ai -5 or --5 or --?", Ask(prompt="-5 or --5 or --?")),
        ("%%ai --5", Ask(prompt="--5")),
        ("%%ai --- x", Ask(prompt="--- x")),
        ("%%ai --=x", Ask(prompt="--=x")),
        ("%%ai é\U0001f600 x", Ask(prompt="é\U0001f600 x")),
        ("%%ai \x1b[31mred\x1b[0m", Ask(prompt="\x1b[31mred\x1b[0m")),
        ("%%ai one odd \ufffd in a longer text", Ask(prompt="one odd \ufffd in a longer text")),
        ("%%ai --model gpt-x what?", Ask(prompt="what?", model="gpt-x")),
        ("%%ai --model=org/gpt-x\nwhat?", Ask(prompt="what?", model="org/gpt-x")),
        ("%%ai --model\tgpt-x\twhat?", Ask(prompt="what?", model="gpt-x")),
        ("%%ai --model=m --model=n what?", Ask(prompt="what?", model="n")),
        ("%%ai --mode plan --model m what?", Ask(prompt="what?", mode="plan", model="m")),
        ("%%ai --mode=auto what?", Ask(prompt="what?", mode="auto")),
        ("%%ai --background what?", Ask(prompt="what?", background=True)),
        ("%ai --background --model m what?", Ask(prompt="what?", background=True, model="m")),
        ("%%ai --background -- --model is what?", Ask(prompt="--model is what?", background=True)),
        ("%%ai --background --\n--model is what?", Ask(prompt="--model is what?", background=True)),
        ("%%ai\n--model is what?", Ask(prompt="--model is what?")),
        ("%%ai?", ShowHelp(topic="%%ai")),
        ("%%ask??\n", ShowHelp(topic="%%ai")),
        ("%ai ?", ShowHelp(topic="%%ai")),
        ("%%ai --help", ShowHelp(topic="%%ai")),
        ("%beaker", ShowHelp()),
        ("\n%beaker  \n\n", ShowHelp()),
        ("%beaker?", ShowHelp()),
        ("%beaker ??", ShowHelp()),
        ("%beaker help", ShowHelp()),
        ("%beaker help?", ShowHelp(topic="help")),
        ("%beaker help restart", ShowHelp(topic="restart")),
        ("%beaker help %%ask", ShowHelp(topic="%%ai")),
        ("%beaker help ai", ShowHelp(topic="%%ai")),
        ("%beaker restart?", ShowHelp(topic="restart")),
        ("%beaker stop 3 ?", ShowHelp(topic="stop")),
        ("%beaker status", ShowStatus()),
        ("%beaker\tstatus ", ShowStatus()),
        ("%beaker restart", RestartSubkernel()),
        ("%beaker restart agent", RestartAgent()),
        ("%beaker config", ShowConfig()),
        ("%beaker stop", StopTurns()),
        ("%beaker stop 12", StopTurns(number=12)),
        ("%beaker insert 2", InsertProposal(number=2)),
        ("%beaker insert 2 5", InsertProposal(number=2, question=5)),
        ("%beaker history", ShowHistory()),
        ("%beaker history 3", ShowHistory(last=3)),
        ("%beaker reset", ResetConversation()),
    ],
)
def test_what_a_cell_wants(code: str, ours: Ours) -> None:
    assert parse(code) == ours


@pytest.mark.parametrize(
    "code",
    [
        "",
        " \n ",
        "x = 1",
        "x = 1\n%%ai what?",
        "# %%ai what?",
        " %%ai what?",
        "\n  %%ai what?",
        "\f%beaker",
        "%",
        "%%",
        "%%aim what?",
        "%%AI what?",
        "%%ai_x",
        "%aid",
        "%ask what?",
        "%%beaker status",
        "%beakers",
        "%beaker-x",
        "%ai one\ntwo",
        "%ai\ntwo",
        "%beaker status\nx = 1",
        "%beaker\n\nx = 1",
        "%matplotlib inline",
        "%%time\n%%ai x",
        "?%beaker",
        '"""\n%%ai x\n"""',
    ],
)
def test_every_other_cell_is_the_subkernels(code: str) -> None:
    assert parse(code) is None
    assert is_complete(code) is None


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("%%ai", "There is no question."),
        ("%%ai \n \n", "There is no question."),
        ("%ai", "There is no question."),
        ("%%ai --background", "There is no question."),
        ("%%ai --", "There is no question."),
        ("%%ai --modl x y", "'--modl' is not an option of %%ai. Did you mean '--model'? There are: --model, --mode, --background."),
        ("%%ai --verbose is what?", "A question that begins with two dashes goes behind `--`."),
        ("%%ai --model", "`--model` needs a value behind it, as in `--model M`."),
        ("%%ai --model --background x", "`--model` needs a value"),
        ("%%ai --model= x", "`--model` needs a value"),
        ("%%ai --model\nx", "`--model` needs a value"),
        ("%%ai --mode fast x", "'fast' is not a mode of %%ai. There are: ask, auto, plan."),
        ("%%ai --mode", "`--mode` needs a value behind it, as in `--mode ask|auto|plan`."),
        ("%%ai --background=yes x", "`--background` takes no value, and there is 'yes'."),
        ("%%ai PK\x03\x04\x00\x00", "The question holds binary data"),
        ("%%ai half a character \ud83d", "The question holds binary data"),
        ("%%ai \ufffd\ufffd\ufffdPNG\ufffd", "The question holds binary data"),
        ("%%ai " + "x" * (PROMPT_LIMIT_BYTES + 1), "The question is 256.0 kB long, and 256.0 kB is the most."),
        ("%%ai " + "é" * (PROMPT_LIMIT_BYTES // 2 + 1), "The question is 256.0 kB long"),
        ("%%ai\n" + "x" * 30_000_000, "The question is 30.0 MB long"),
        ("%beaker statsu", "'statsu' is not a command of %beaker. Did you mean 'status'? There are: help, status, restart, config, stop"),
        ("%beaker undo", "'undo' is not a command of %beaker."),
        ("%beaker statsu?", "'statsu' is not a command"),
        ("%beaker Status", "Did you mean 'status'?"),
        ("%beaker config x", "`%beaker config` takes nothing, `magics=off` or `magics=beaker`, and there is 'x'."),
        ("%beaker help nothing", "'nothing' is not something that `%beaker help` knows."),
        ("%beaker stop all", "`%beaker stop` takes the number of a question, as in `%beaker stop 2`, and there is 'all'."),
        ("%beaker stop 0", "there is '0'."),
        ("%beaker stop -1", "there is '-1'."),
        ("%beaker stop 1 2", "there is '1 2'."),
        ("%beaker stop ٣", "takes the number"),
        ("%beaker stop " + "9" * 5000, "takes the number"),
        ("%beaker insert", "`%beaker insert` takes the number of a proposed cell"),
        ("%beaker insert x", "and there is 'x'."),
        ("%beaker insert 1 0", "and there is '1 0'."),
        ("%beaker insert 1 2 3", "as in `%beaker insert 2` or `%beaker insert 2 5`, and there is '1 2 3'."),
        ("%beaker history all", "`%beaker history` takes a number of questions, as in `%beaker history 3`, and there is 'all'."),
        ("%beaker reset now", "`%beaker reset` takes nothing behind it"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(code: str, words: str) -> None:
    ours = parse(code)
    assert isinstance(ours, Refused)
    assert words in ours.reason
    assert len(ours.reason) < 400


def test_a_question_of_the_largest_size_passes() -> None:
    assert parse("%%ai " + "x" * PROMPT_LIMIT_BYTES) == Ask(prompt="x" * PROMPT_LIMIT_BYTES)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("%beaker", "complete"),
        ("%beaker status", "complete"),
        ("%beaker statsu", "complete"),
        ("%ai what?", "complete"),
        ("%%ai?", "complete"),
        ("%%ai what?", "incomplete"),
        ("%%ai what?\n", "complete"),
        ("%%ai what?\n  ", "complete"),
        ("%%ai what?\nmore", "incomplete"),
        ("%%ai what?\nmore\n", "complete"),
        ("%%ai what?\r\n", "complete"),
        ("%%ai", "incomplete"),
        ("%%ai\n", "incomplete"),
        ("%%ai\n\n", "complete"),
        ("%%ai\nwhat?", "incomplete"),
        ("%%ai\nwhat?\n", "complete"),
    ],
)
def test_a_console_runs_a_question_at_the_first_blank_line_behind_it(code: str, status: str) -> None:
    assert is_complete(code) == status


def _escaped_throughout(code: str) -> bytes:
    escaped = "".join(f"\\u{ord(character):04x}" for character in code)
    return f'{{"code": "{escaped}"}}'.encode()


def _contents(code: str) -> list[bytes]:
    """The content of a request as clients write it, and in ways in which they might."""
    request = {"allow_stdin": True, "code": code, "cursor_pos": 3, "user_expressions": {"code": "1"}}
    return [
        json.dumps(request).encode(),
        json.dumps(request, ensure_ascii=False, separators=(",", ":")).encode(),
        json.dumps(request, indent=1, sort_keys=True).encode(),
        json.dumps({"user_expressions": {"code": "x"}, "code": code}).encode(),
        msgspec.json.encode(request),
        json.dumps(request).replace("%", "\\u0025").encode(),
        _escaped_throughout(code),
        _escaped_throughout(code).replace(b"\\u000a", b"\\u000A"),
    ]


@pytest.mark.parametrize("code", ["%%ai x", "%beaker", "\n\t \r\n\f\v\n%%ask x", "%bea", "%", '%%ai "code": "x"'])
def test_the_bytes_of_our_cells_are_recognised_however_they_are_written(code: str) -> None:
    for content in _contents(code):
        assert might_be_ours(content), content


@pytest.mark.parametrize(
    "code", ["x = 1", "", "\n\nprint('%%ai')", "x\n%%ai", '{"code": "%%ai"}', '\'"code": "%%ai\'', "a" * 100_000 + "%%ai"]
)
def test_the_bytes_of_ordinary_cells_are_passed_over(code: str) -> None:
    for content in _contents(code):
        assert not might_be_ours(content), content[:200]


def test_blanks_in_front_are_passed_over_up_to_a_limit() -> None:
    near, far = "\n" * 10_000 + "%beaker", "\n" * 10_001 + "%beaker"
    assert (parse(near), might_be_ours(json.dumps({"code": near}).encode())) == (ShowHelp(), True)
    assert (parse(far), might_be_ours(json.dumps({"code": far}).encode())) == (None, False)


def test_the_largest_request_costs_a_search_and_no_walk() -> None:
    for code in ("\n" * 10_000_000, '"code"' * 1_000_000, "x" * 10_000_000):
        content = json.dumps({"silent": False, "code": code}).encode()
        began = time.process_time()
        assert not might_be_ours(content)
        assert time.process_time() - began < 0.5  # takes 0.005; a walk over the bytes takes seconds


@pytest.mark.parametrize("content", [b"", b"{}", b'{"code', b'{"code": 5}', b'"code" "code"', b"\xff\xfe", b'{"code": "\\'])
def test_bytes_that_are_no_request_are_passed_over(content: bytes) -> None:
    assert not might_be_ours(content)


_pieces = st.sampled_from(
    [
        "%",
        "%%",
        "ai",
        "ask",
        "%%ai",
        "%ai",
        "%beaker",
        "help",
        "stop",
        "status",
        "--model",
        "--background",
        "--",
        "=",
        "?",
        " ",
        "\n",
        "\r",
        "\f",
        "x",
        "1",
        "\ud800",
        "\0",
    ]
)
_codes = st.one_of(st.text(max_size=60), st.lists(_pieces, max_size=12).map("".join))


@given(_codes)
@example("%%ai --model")
def test_no_cell_raises_and_what_is_ours_is_found_in_its_bytes(code: str) -> None:
    ours = parse(code)
    assert (ours is None) == (find_cell(code) is None) == (is_complete(code) is None)
    if ours is None:
        return
    assert might_be_ours(json.dumps({"code": code}).encode())
    if isinstance(ours, Ask):
        assert ours.prompt.strip()
        msgspec.msgpack.encode(ours)


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1)
    .map(str.strip)
    .filter(lambda text: text and text[0] not in "-?\ufffd" and taken_for_command(text, "") is None)
)
def test_a_question_arrives_as_it_was_written(prompt: str) -> None:
    ours = parse(f"%%ai {prompt}")
    assert ours == Ask(prompt=prompt) or prompt.count("\ufffd") > len(prompt) / 20
