"""What a question shows while and after it is answered."""

from beaker.kernel.turn_display import CURSOR, THINKING, TurnDisplay, fenced


def test_nothing_yet_is_thinking_and_words_replace_it() -> None:
    display = TurnDisplay(1)
    assert display.markdown() == THINKING
    display.words = "waking the agent"
    assert display.markdown() == "*waking the agent*"


def test_text_grows_under_a_cursor_that_goes_at_the_end() -> None:
    display = TurnDisplay(1)
    display.add_text("The mean ")
    display.add_text("is 3.")
    assert display.markdown() == "The mean is 3." + CURSOR
    assert display.markdown(ending="") == "The mean is 3."
    assert display.markdown(ending="*stopped*") == "The mean is 3.\n\n*stopped*"


def test_proposals_stand_numbered_where_they_were_made() -> None:
    display = TurnDisplay(1)
    display.add_text("First")
    assert display.propose("df.describe()\n", "python").number == 1
    display.add_text("then")
    assert display.propose("df.plot()", "python").number == 2
    assert display.markdown(ending="") == (
        "First\n\n**[1]**\n\n```python\ndf.describe()\n```\n\nthen\n\n**[2]**\n\n```python\ndf.plot()\n```"
    )
    assert display.answer == "First\n\n```python\ndf.describe()\n```\n\nthen\n\n```python\ndf.plot()\n```"


def test_a_fence_is_longer_than_any_run_of_backticks_inside() -> None:
    assert fenced("s = '```'", "python") == "````python\ns = '```'\n````"
