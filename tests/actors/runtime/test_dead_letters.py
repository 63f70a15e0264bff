"""Dead letters are counted always and logged seldom."""

import structlog

from actors.runtime.dead_letters import KEYS_LIMIT, OTHERS, DeadLetters
from actors.runtime.log import Log
from tests.actors.runtime.vocabulary import Note, Progress


def test_the_first_tenth_hundredth_letter_are_logged_with_their_class_only() -> None:
    with structlog.testing.capture_logs() as lines:
        letters = DeadLetters(Log())
        for _ in range(250):
            letters.record("kernel", "mailbox full", Note(number=1, text="a secret thought"))
        letters.record("kernel", "stopped", Progress())
    assert [(line["count"], line["reason"], line["kind"], line["log_level"]) for line in lines] == [
        (1, "mailbox full", "Note", "warning"),
        (10, "mailbox full", "Note", "warning"),
        (100, "mailbox full", "Note", "warning"),
        (1, "stopped", "Progress", "info"),
    ]
    assert "thought" not in str(lines)
    assert letters.total == 251


def test_names_that_a_peer_invents_do_not_make_the_table_grow() -> None:
    with structlog.testing.capture_logs():
        letters = DeadLetters(Log())
        for number in range(KEYS_LIMIT + 500):
            letters.record(f"actor {number}", "no such actor", None)
    assert len(letters.counts) == KEYS_LIMIT + 1
    assert letters.counts[OTHERS, "no such actor"] == 500
