"""How an answer is drawn: what beaker says in frames, what the model says never in one."""

import pytest

from beaker.kernel.panes import CURSOR, FRAME, STEP_FRAME, THINKING, Pane, panes
from beaker.kernel.turn_display import TurnDisplay

FORGED = "**A1** wants to run this\n\n```python\nlake.describe()\n```\n\n*waiting: `%beaker allow A1` / `%beaker reject A1`*"


def framed(markdown: str) -> str:
    return f"{FRAME}\n\n{markdown}\n\n</div>"


def drawn(display: TurnDisplay, *ending: str) -> list[str]:
    """The whole answer, as markdown."""
    return [pane.markdown for pane in panes(display, ending=ending)]


def growing(display: TurnDisplay) -> list[str]:
    return [pane.markdown for pane in panes(display)]


def test_nothing_yet_is_thinking_and_words_replace_it() -> None:
    display = TurnDisplay(1)
    assert growing(display) == [f"*{THINKING}*"]
    display.words = "waking the agent"
    assert growing(display) == ["*waking the agent*"]
    assert drawn(display) == []


def test_text_grows_under_a_cursor_that_goes_at_the_end() -> None:
    display = TurnDisplay(1)
    display.add_text("The mean ")
    display.add_text("is 3.")
    assert growing(display) == [f"The mean is 3. {CURSOR}"]
    assert drawn(display) == ["The mean is 3."]
    assert drawn(display, "stopped") == ["The mean is 3.\n\n*stopped*"]


def test_while_a_block_is_streaming_the_cursor_stands_below_it() -> None:
    display = TurnDisplay(1)
    display.add_text("```python\nx = 1")
    assert growing(display) == [f"```python\nx = 1\n```\n\n{CURSOR}"]


def test_proposals_stand_framed_and_numbered_where_they_were_made() -> None:
    display = TurnDisplay(1)
    display.add_text("First")
    display.propose("df.describe()\n", "python")
    display.add_text("then")
    display.propose("df.plot()", "python")
    one, two = (f"**[{at}]**\n\n```python\n{code}\n```" for at, code in ((1, "df.describe()"), (2, "df.plot()")))
    assert panes(display, ending=[]) == [Pane("First", "First"), Pane(framed(one), one), Pane("then", "then"), Pane(framed(two), two)]
    assert growing(display) == drawn(display), "no cursor in a frame"


def test_a_proposal_says_which_cell_it_is_for() -> None:
    display = TurnDisplay(3)
    display.propose("a", "python", replaces="4")
    display.propose("b", "python", after="c-1f")
    first, second = drawn(display)
    assert "**[1]** in place of cell [4]\n" in first
    assert "**[2]** behind cell `c-1f`\n" in second


def test_a_proposal_in_another_language_says_why_it_is_text() -> None:
    display = TurnDisplay(3)
    display.propose("x <- 1", "r", session="python")
    assert drawn(display) == [framed("**[1]** *`r` as text: this session runs `python`*\n\n```r\nx <- 1\n```")]


def test_a_note_stands_below_its_part_and_belongs_to_no_answer() -> None:
    display = TurnDisplay(1)
    display.note = "note"
    assert growing(display) == [f"*{THINKING}*\n\n*note*"]
    display.add_text("text")
    assert growing(display) == [f"text {CURSOR}\n\n*note*"]
    assert drawn(display, "end") == ["text\n\n*end*\n\n*note*"]
    assert display.answer == "text"
    display.begin_part()
    assert drawn(display, "end") == ["*end*"]


def test_a_run_has_a_pane_of_its_own_and_what_follows_it_another() -> None:
    display = TurnDisplay(1)
    display.add_text("Let me see.")
    block = display.run("A1", "1 + 1\n", "python")
    block.words, block.below = "wants to run this", "waiting: `%beaker allow A1`"
    run = "**A1** wants to run this\n\n```python\n1 + 1\n```\n\n*waiting: `%beaker allow A1`*"
    assert panes(display) == [Pane("Let me see.", "Let me see."), Pane(framed(run), run)], "no words, no cursor: it waits for the user"
    display.words = "no data for 20 s"
    assert growing(display)[2:] == ["*no data for 20 s*"]
    display.add_text("It is 2.")
    display.words = ""
    assert growing(display)[2:] == [f"It is 2. {CURSOR}"]


def test_code_that_was_decided_about_stands_at_the_head_of_the_part_that_goes_on() -> None:
    display = TurnDisplay(1)
    display.add_text("Let me see.")
    block = display.run("A1", "x = '```'", "python")
    block.words = "was allowed"
    display.begin_part(again=block)
    assert growing(display) == [framed("**A1** was allowed\n\n````python\nx = '```'\n````")]


HIDING = [
    "<!-- ",
    "```",
    "~~~~\n",
    "````python\n",
    "<div>\n",
    "<details>\n<summary>x",
    "<style>",
    "<?php ",
    "<![CDATA[",
    "`",
    "**",
    "$$\n",
    "- a\n  ```\n",
]


@pytest.mark.parametrize("hiding", HIDING)
def test_text_can_neither_imitate_what_asks_for_consent_nor_hide_it(hiding: str) -> None:
    display = TurnDisplay(1)
    display.add_text(f"{framed(FORGED)}\n\n{hiding}")
    display.run("A1", "evil()", "python").words = "wants to run this"
    text, run = drawn(display)
    assert "<div" not in text
    assert run == framed("**A1** wants to run this\n\n```python\nevil()\n```")


def test_words_of_an_endpoint_are_text() -> None:
    display = TurnDisplay(1)
    display.words = "waiting 1 s: it says <img src=x> ![a](http://evil.test/)"
    assert panes(display) == [
        Pane(
            r"*waiting 1 s: it says &lt;img src=x\> !\[a\](http://evil.test/)*",
            "*waiting 1 s: it says <img src=x> ![a](http://evil.test/)*",
        )
    ]


def stepped(*lines: str) -> str:
    return "  \n".join(f"{STEP_FRAME}{line} </span>" for line in lines)


def looked(display: TurnDisplay, *lines: str, failed: bool = False) -> None:
    for at, line in enumerate(lines):
        display.tool_called(f"call-{at}")
        display.tool_answered(f"call-{at}", line, failed=failed)


def test_what_the_model_did_stands_framed_where_it_was_done() -> None:
    display = TurnDisplay(1)
    display.add_text("Let me see.")
    looked(display, "Looked at `df`: DataFrame, 5 rows")
    display.add_text("\n\n")
    looked(display, "Looked at the variables: 2")
    display.add_text("It is whole.")
    looks = stepped("Looked at `df`: DataFrame, 5 rows", "Looked at the variables: 2")
    assert panes(display, ending=[]) == [
        Pane("Let me see.", "Let me see."),
        Pane(looks, "· Looked at `df`: DataFrame, 5 rows\n· Looked at the variables: 2"),
        Pane("It is whole.", "It is whole."),
    ]
    assert display.answer == "Let me see.\n\nIt is whole.", "a model that reads such lines writes them, too"


def test_a_name_in_a_line_begins_no_formula_that_would_go_on_in_the_next_and_turns_no_text() -> None:
    display = TurnDisplay(1)
    looked(display, r"Looked at `\\(a`: $x \\(", r"Looked at `\begin{b}`", "Looked at `\u202ec`")
    dollar, backslash = "<span>&#36;</span>", "<span>&#92;</span>"
    lines = (rf"Looked at `\(a`: {dollar}x {backslash}(", r"Looked at `\ begin{b}`", "Looked at `\ufffdc`")
    assert panes(display, ending=[])[0].markdown == stepped(*lines)


def test_while_the_model_thinks_on_the_step_is_counted_until_text_comes() -> None:
    display = TurnDisplay(1)
    display.tool_called("a")
    display.tool_called("b")
    assert growing(display) == [f"*{THINKING}*"]
    display.words = "looking at `df`"
    assert growing(display) == ["*looking at `df`*"]
    display.words = ""
    display.tool_answered("a", "Looked at `a`", failed=False)
    display.tool_answered("b", "Looked at `b`", failed=False)
    assert growing(display) == [stepped("Looked at `a`", "Looked at `b`"), "*thinking, step 2 ...*"]
    display.words = "no data for 15 s"
    assert growing(display)[1:] == ["*no data for 15 s*"]
    display.words = ""
    display.add_text("\n")
    assert growing(display)[1:] == ["*thinking, step 2 ...*"]
    display.add_text("So")
    assert growing(display)[1:] == [f"So {CURSOR}"]


def test_what_a_call_put_into_the_answer_needs_no_line_and_the_call_behind_it_does() -> None:
    display = TurnDisplay(1)
    for call in ("run", "look"):
        display.tool_called(call)
    display.run("A1", "evil()", "python").words = "was not run"
    display.tool_answered("run", "Did not run code: the user does not want it", failed=True)
    display.tool_answered("look", "Could not look at `df`: there is none", failed=True)
    assert drawn(display) == [
        framed("**A1** was not run\n\n```python\nevil()\n```"),
        stepped("Could not look at `df`: there is none"),
    ]


def test_many_lines_in_a_row_are_folded_and_say_how_many_failed() -> None:
    display = TurnDisplay(1)
    looked(display, *(f"Looked at `{name}`" for name in "abc"))
    looked(display, "Could not look at `d`", failed=True)
    lines = ["Looked at `a`", "Looked at `b`", "Looked at `c`", "Could not look at `d`"]
    folded = f"<details>\n<summary>{STEP_FRAME}4 steps, 1 failed</span></summary>\n\n{stepped(*lines)}\n\n</details>"
    assert panes(display, ending=[]) == [Pane(folded, "\n".join(f"· {line}" for line in lines))]


@pytest.mark.parametrize("hiding", HIDING)
def test_text_can_neither_imitate_a_line_of_what_was_done_nor_hide_one(hiding: str) -> None:
    display = TurnDisplay(1)
    display.add_text(f"{stepped('Looked at `df`')}\n\n{hiding}")
    looked(display, "Looked at `secret`")
    text, done = drawn(display)
    assert "<span" not in text
    assert done == stepped("Looked at `secret`")


def test_names_and_data_in_a_line_are_text() -> None:
    display = TurnDisplay(1)
    looked(display, "Looked at `a</div><img src=x>`: ![a](http://evil.test/) <b>\x1b[2K [x](javascript:y)")
    inside = r"Looked at `a</div><img src=x>`: !\[a\](http://evil.test/) &lt;b\>␛\[2K \[x\](javascript:y)"
    plain = "· Looked at `a</div><img src=x>`: ![a](http://evil.test/) <b>␛[2K [x](javascript:y)"
    assert panes(display, ending=[]) == [Pane(stepped(inside), plain)]
