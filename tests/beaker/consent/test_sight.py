"""Code that asks, as a person can read it: nothing of it stands out of sight."""

import time

import pytest

from beaker.consent.answers import prompt_text
from beaker.consent.sight import LINE_CHARS, sight
from beaker.kernel.code_blocks import fenced
from beaker.kernel.commands.allow import OpenApproval, open_words
from beaker.kernel.panes import panes
from beaker.kernel.turn_display import TurnDisplay

EVIL = "evil()"

USUAL = [
    "",
    "lake.describe()",
    "for x in y:\n\n\n    if x:\n\t\tprint('naïve, ok ⚠️')\n",
    "x = '" + "a" * 150 + "'",
    " " * 60 + "aligned,",
    "\n".join(["x += 1"] * 5),
]


@pytest.mark.parametrize("code", USUAL)
def test_usual_code_is_shown_as_it_is_without_a_word(code: str) -> None:
    assert sight(code) == (code, "")


HIDDEN = {
    "far to the right": f"x = 1{' ' * 15_000};{EVIL}",
    "behind tabs": f"x = 1{chr(9) * 15_000};{EVIL}",
    "behind blanks of other kinds": f"x = 1{chr(0x2003) * 15_000};{EVIL}",
    "far below": "x = 1" + "\n" * 15_000 + EVIL,
    "below lines of blanks": "x = 1" + "\n   \t" * 3_000 + f"\n{EVIL}",
    "below the same line again and again": "x = 1\n" + "#\n" * 7_000 + EVIL,
    "behind a long text": f"x = '{'a' * 15_000}';{EVIL}",
    "behind many short runs of blanks": "x = 1" + (" " * 79 + ";") * 180 + EVIL,
}


@pytest.mark.parametrize("code", HIDDEN.values(), ids=HIDDEN.keys())
def test_a_statement_out_of_sight_comes_into_sight_and_there_is_a_word_for_it(code: str) -> None:
    shown, notes = sight(code)
    assert EVIL in shown
    assert notes
    assert max(map(len, shown.split("\n"))) <= LINE_CHARS + 10
    assert shown.count("\n") < 120


def test_long_lines_and_many_lines_are_counted() -> None:
    assert "line 3 has 15,004 characters" in sight(f"a\nb\nx = {'1' * 15_000}").notes
    assert sight("\n".join(f"x{number}" for number in range(400))).notes == "400 lines"
    assert "2 more lines are as long" in sight("\n".join(f"{number}{'1' * 300}" for number in range(5))).notes


@pytest.mark.parametrize("sign", ["\u202e", "\u2066", "\u200b", "\u200d", "\u3164", "\x1b", "\r", "\u2028", "\U000e0041", "\ufeff"])
def test_signs_that_hide_are_named(sign: str) -> None:
    shown, notes = sight(f"a\nx = 'user{sign}'")
    assert sign not in shown
    assert shown == f"a\nx = 'user⟨U+{ord(sign):04X}⟩'"
    assert f"line 2 holds U+{ord(sign):04X}" in notes


@pytest.mark.parametrize(("begin", "end"), ["⟨⟩", "\u2329\u232a", "\u3008\u3009", "\u276c\u276d"])
def test_code_cannot_say_in_a_mark_of_its_own_that_a_line_goes_on(begin: str, end: str) -> None:
    shown, notes = sight(f"# a comment {'-' * 140}{begin}goes on{end}\n{EVIL}")
    assert begin not in shown.replace("⟨U+", "")
    assert f"⟨U+{ord(begin):04X}⟩goes on⟨U+{ord(end):04X}⟩" in shown.replace("⟨goes on⟩\n", "")
    assert f"line 1 holds U+{ord(begin):04X}, which looks like a mark of ours" in notes


def test_marks_that_are_piled_on_a_letter_are_counted_and_those_of_a_language_stay() -> None:
    assert sight(f"x = 'e{chr(0x301) * 90}'").code == "x = 'e⟨90 marks on one letter⟩'"
    assert sight("x = 'a\u0302\u0301'") == ("x = 'a\u0302\u0301'", "")


@pytest.mark.parametrize("sign", ["\U0001d173", "\U0001bca0", "\U00013430"])
def test_signs_beyond_the_first_plane_that_do_not_show_are_named(sign: str) -> None:
    assert sight(f"x{sign}").code == f"x⟨U+{ord(sign):04X}⟩"


def test_prompt_frame_and_list_show_it_so_and_the_words_stand_where_they_are_read() -> None:
    code = f"x = 1{' ' * 9_000};{EVIL}"
    shown, notes = sight(code)
    prompt = prompt_text("A1", "code", code, "")
    assert shown in prompt
    assert notes in prompt.split("\n\n")[-2], "below the code, beside the choices"
    display = TurnDisplay(1)
    display.run("A1", code, "python").words = "wants to run this"
    display.propose(code, "python")
    run, proposal = (pane.markdown for pane in panes(display, ending=[]))
    for frame in (run, proposal):
        assert fenced(shown, "python") in frame
        assert notes in frame
    listed = open_words([OpenApproval(name="A1", turn=1, kind="code", code=code, language="python")])
    for text in (listed.plain, listed.markdown):
        assert shown in text
        assert notes in text
    assert display.proposals[0].code == code, "what runs is exact"


def test_the_longest_code_is_read_in_no_time() -> None:
    began = time.process_time()
    for code in (" " * 100_000, "\n" * 100_000, "a \n" * 33_000, "\u202e" * 100_000, " a" * 50_000):
        sight(code)
    assert time.process_time() - began < 10
