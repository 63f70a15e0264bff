"""The log that a killed process leaves to its successor."""

from hypothesis import given
from hypothesis import strategies as st

from beaker.kernel.inflight import asked, begun, input_answered, over, replay
from beaker.kernel.pending import ExecuteFlags, Pending


def cell(msg_id: str) -> Pending:
    return Pending(msg_id, "session", "execute_request", b'{"msg_id":"x"}', [b"client"], "shell", ExecuteFlags())


def test_what_was_begun_and_not_over_is_found_with_its_client() -> None:
    log = begun(cell("a")) + begun(cell("b")) + over("a", 1)
    (found,) = replay(log).unanswered
    assert (found.msg_id, found.idents, found.header) == ("b", [b"client"], b'{"msg_id":"x"}')
    assert found.flags is not None
    assert found.busy, "whether it began is unknown, so it gets an error that says so and not a mere abort"


@given(cut=st.integers(0, 400))
def test_a_torn_log_gives_its_whole_entries(cut: int) -> None:
    entries = [begun(cell("a")), begun(cell("b")), over("a", 1)]
    log = b"".join(entries)[:cut]
    whole = sum(1 for n in range(1, 4) if len(b"".join(entries[:n])) <= cut)
    assert [p.msg_id for p in replay(log).unanswered] == [[], ["a"], ["a", "b"], ["b"]][whole]


@given(st.binary(max_size=300))
def test_junk_is_no_entry_and_no_failure(junk: bytes) -> None:
    replay(junk)


def test_the_last_number_is_kept_over_an_emptied_log() -> None:
    assert replay(over("", 7) + begun(cell("a")) + over("a", 8) + begun(cell("b"))).last_count == 8
    assert replay(over("", 7))[:4] == ([], 7, [], 0)
    assert replay(b"").last_count == 0


def test_of_two_requests_with_one_id_the_second_is_still_owed_after_one_reply() -> None:
    assert [p.msg_id for p in replay(begun(cell("a")) + begun(cell("a")) + over("a", 1)).unanswered] == ["a"]


def test_of_two_requests_with_one_id_the_one_is_over_whose_channel_the_reply_left_by() -> None:
    on_control = Pending("a", "session", "debug_request", b"{}", [b"client"], "control", None)
    log = begun(cell("a")) + begun(on_control)
    assert [p.channel for p in replay(log + over("a", 0, "control")).unanswered] == ["shell"]
    assert [p.channel for p in replay(log + over("a", 1)).unanswered] == ["control"]


def test_a_cell_runs_since_it_was_sent_or_since_the_one_before_it_was_over() -> None:
    log = begun(cell("a"), 10.0) + begun(cell("b"), 11.0)
    assert [p.since for p in replay(log).unanswered] == [10.0, 11.0]
    assert [p.since for p in replay(log + over("a", 1, at=15.0)).unanswered] == [15.0]
    assert [p.since for p in replay(log + over("a", 1, at=15.0) + begun(cell("c"), 20.0) + over("b", 2, at=21.0)).unanswered] == [21.0]
    assert [p.since for p in replay(begun(cell("a"))).unanswered] == [0.0], "it was not written down"


ANNA, BERT = [b"anna"], [b"bert"]


def test_clients_that_were_asked_for_input_are_known_until_they_answer_or_their_cell_is_over() -> None:
    log = begun(cell("a")) + begun(cell("b")) + asked("a", ANNA) + asked("b", BERT)
    assert replay(log).asked == [ANNA, BERT]
    assert replay(log + input_answered(ANNA)).asked == [BERT]
    assert replay(log + input_answered(ANNA) + asked("a", ANNA)).asked == [BERT, ANNA]
    assert replay(log + over("b", 1)).asked == [ANNA]
    assert replay(log + input_answered([b"nobody"])).asked == [ANNA, BERT]


def test_what_was_answered_and_not_read_is_told_apart_and_owes_nothing_but_its_reply() -> None:
    unread = cell("a")
    unread.unread = True
    log = begun(cell("a"), 1.0) + over("a", 4, at=2.0) + begun(unread) + begun(cell("b"), 1.5)
    found = replay(log).unanswered
    assert [(each.msg_id, each.unread, each.idle, each.replied) for each in found] == [("a", True, True, False), ("b", False, False, False)]
    (behind,) = replay(log + over("a", 0, at=9.0)).unanswered
    assert (behind.msg_id, behind.since) == ("b", 2.0), "a cell runs since the one before it ended, and not since that was read"
