"""What an answer that failed says of the code that it had run."""

import pytest

from beaker.kernel.run_words import AGENT_GONE, cut_words, nobody_words, ran_words


@pytest.mark.parametrize(
    ("ran", "words"),
    [
        ([], "the agent was restarted and this answer was cut; run the cell again to retry"),
        (
            [ran_words("A1", "ok", 4)],
            "the agent was restarted; A1 ran as cell [4] and ended ok; the answer was cut behind it; asking again may run it again",
        ),
        (
            [ran_words("A1", "error", 4), ran_words("A2", "lost", 5)],
            "the agent was restarted; A1 ran as cell [4] and ended with an error, A2 ran as cell [5], and its outcome is unknown; "
            "the answer was cut behind them; asking again may run them again",
        ),
    ],
)
def test_what_ran_is_named_with_its_outcome(ran: list[str], words: str) -> None:
    assert cut_words(AGENT_GONE, ran) == words


def test_another_reason_stands_as_it_is() -> None:
    assert cut_words("the key was refused", []) == "the key was refused"
    assert cut_words("no data", [ran_words("A1", "ok", 4)]).startswith("no data; A1 ran as cell [4] and ended ok; the answer was cut")


def test_below_code_that_was_allowed_without_an_agent_its_outcome_stands() -> None:
    assert nobody_words([]) == "The agent was restarted meanwhile, so nobody goes on from here: ask again."
    assert nobody_words([ran_words("A1", "ok", 4)]) == (
        "A1 ran as cell [4] and ended ok, but the agent was restarted meanwhile, so nobody goes on from here; "
        "asking again may run it again."
    )
