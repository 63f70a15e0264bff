"""Completion and help in cells of ours."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beaker.kernel.commands.assistance import complete, complete_reply, inspect_help, inspect_reply, is_complete_reply
from beaker.kernel.commands.help import COMMAND_NAMES, help_words
from beaker.kernel.question import OPTIONS

COMMANDS = list(COMMAND_NAMES)


@pytest.mark.parametrize(
    ("typed", "matches", "start"),
    [
        ("%be", ["%beaker"], 0),
        ("%bea", ["%beaker"], 0),
        ("%beaker", ["%beaker"], 0),
        ("\n\n%beak", ["%beaker"], 2),
        ("%%a", ["%%ai", "%%ask"], 0),
        ("%%as", ["%%ask"], 0),
        ("%%ai", ["%%ai"], 0),
        ("%ai", ["%ai"], 0),
        ("%beaker ", COMMANDS, 8),
        ("%beaker\t", COMMANDS, 8),
        ("%beaker st", ["status", "stop"], 8),
        ("%beaker  re", ["restart", "reject", "reset"], 9),
        ("%beaker insert ", [], 15),
        ("%beaker zz", [], 8),
        ("%beaker help ", [*COMMANDS, "%%ai"], 13),
        ("%beaker help co", ["config", "context"], 13),
        ("%beaker status ", [], 15),
        ("%beaker stop ", [], 13),
        ("%%ai ", list(OPTIONS), 5),
        ("%%ask -", list(OPTIONS), 6),
        ("%%ai --mo", ["--model", "--mode"], 5),
        ("%%ai --mode ", ["ask", "auto", "plan"], 12),
        ("%%ai --mode a", ["ask", "auto"], 12),
        ("%ai --ba", ["--background"], 4),
        ("%%ai --model ", [], 13),
        ("%%ai --model --", [], 13),
        ("%%ai --model m --", ["--mode", "--background"], 15),
        ("%%ai --model=m ", ["--model", "--mode", "--background"], 15),
        ("%%ai --background ", ["--model", "--mode"], 18),
        ("%%ai --verbose --", [], 15),
        ("%%ai why", [], 5),
        ("%%ai why --", [], 9),
        ("%%ai why\nnot --mo", [], 17),
        ("%%ai \n", [], 6),
        ("%%ai --é\U0001f600", [], 5),
    ],
)
def test_what_fits_at_the_end(typed: str, matches: list[str], start: int) -> None:
    found = complete(typed, len(typed))
    assert found is not None
    assert (found.matches, found.cursor_start, found.cursor_end) == (matches, start, len(typed))


@pytest.mark.parametrize(
    "typed", ["", "%", "%%", "%a", "%b", "%bx", "%%time", "%%aix", "x = %bea", "x\n%bea", " %bea", "%beaker_", "pri", "%beaker\nx"]
)
def test_what_may_be_the_subkernels_is_left_to_it(typed: str) -> None:
    assert complete(typed, len(typed)) is None


def test_the_word_up_to_the_cursor_counts_and_the_rest_stays() -> None:
    found = complete("%beaker st and more", 10)
    assert found is not None
    assert (found.matches, found.cursor_start, found.cursor_end) == (["status", "stop"], 8, 10)


def test_a_command_is_completed_with_what_exists_for_it_now() -> None:
    exist = {"stop": ["2", "12", "13"], "status": ["x"]}
    for typed, matches in (("%beaker stop ", ["2", "12", "13"]), ("%beaker stop 1", ["12", "13"]), ("%beaker stop 2 ", [])):
        found = complete(typed, len(typed), lambda name: exist[name])
        assert found is not None
        assert found.matches == matches


def test_positions_count_code_points() -> None:
    found = complete("\n%%ai --model \U0001f600 --ba", 20)
    assert found is not None
    assert (found.matches, found.cursor_start) == (["--background"], 16)


def test_no_command_is_offered_above_other_lines() -> None:
    assert complete("%bea\nx = 1", 4) is None
    assert complete("%bea\n\n", 4) is not None


@pytest.mark.parametrize(("code", "cursor"), [("%bea", -5), ("%bea", 500), ("", 3)])
def test_positions_outside_count_as_the_ends(code: str, cursor: int) -> None:
    assert complete(code, cursor) == complete(code, min(max(cursor, 0), len(code)))


@pytest.mark.parametrize(
    ("code", "cursor", "topic"),
    [
        ("%beaker", 7, ""),
        ("%beaker status", 3, ""),
        ("%beaker status", 9, "status"),
        ("%beaker status", 14, "status"),
        ("%beaker restart?", 16, "restart"),
        ("%beaker help stop", 17, "stop"),
        ("%beaker help ai", 15, "%%ai"),
        ("%beaker help", 12, "help"),
        ("%beaker nothing", 12, ""),
        ("\n%beaker stop 3", 12, "stop"),
        ("%%ai what?", 2, "%%ai"),
        ("%%ai?", 5, "%%ai"),
        ("%ai", 3, "%%ai"),
        ("%%ai --model m x", 8, "%%ai"),
        ("%%ask --model=m x", 9, "%%ai"),
    ],
)
def test_help_at_the_cursor(code: str, cursor: int, topic: str) -> None:
    assert inspect_help(code, cursor) == help_words(topic)


@pytest.mark.parametrize(
    ("code", "cursor"), [("x = 1", 2), ("%%ai what is df", 14), ("%%ai what\nis df", 14), ("%matplotlib", 3), ("\n\n%beaker", 0)]
)
def test_words_of_a_question_and_other_cells_are_the_subkernels_to_look_at(code: str, cursor: int) -> None:
    assert inspect_help(code, cursor) is None


def test_replies_have_what_the_protocol_asks_for() -> None:
    assert complete_reply("%be", 3) == {"status": "ok", "metadata": {}, "matches": ["%beaker"], "cursor_start": 0, "cursor_end": 3}
    assert is_complete_reply("%%ai x") == {"status": "incomplete", "indent": ""}
    assert is_complete_reply("%beaker") == {"status": "complete"}
    words = help_words("status")
    data = {"text/plain": words.plain, "text/markdown": words.markdown}
    assert inspect_reply("%beaker status", 10) == {"status": "ok", "found": True, "data": data, "metadata": {}}


def test_a_long_text_with_many_references_costs_no_more_than_a_short_one() -> None:
    cell = "%%ai " + "(@file:a" * 20_000 + " "
    began = time.process_time()
    assert complete(cell, len(cell)) is not None
    assert time.process_time() - began < 2.0  # it took 30 s


def test_cells_of_others_get_no_reply_of_ours() -> None:
    assert (complete_reply("x", 1), inspect_reply("x", 1), is_complete_reply("x")) == (None, None, None)


_pieces = st.sampled_from(
    [
        "%",
        "%%",
        "ai",
        "%%ai",
        "%ai",
        "%beaker",
        "help",
        "stop",
        "--model",
        "--model=",
        "--background",
        "--",
        "?",
        " ",
        "\t",
        "\n",
        "\r",
        "x",
        "\U0001f600",
        "\ud800",
    ]
)


@given(st.text(max_size=30) | st.lists(_pieces, max_size=8).map("".join), st.integers(-3, 40))
def test_no_cell_and_no_position_raises(code: str, cursor: int) -> None:
    inspect_help(code, cursor)
    found = complete(code, cursor)
    if found is not None:
        assert 0 <= found.cursor_start <= found.cursor_end <= len(code)
        typed = code[found.cursor_start : found.cursor_end]
        assert all(match.startswith(typed) for match in found.matches)
