"""Accounting: one reply per request, and the number that the next cell gets."""

from beaker.kernel.pending import ExecuteFlags, Pending, ReplyFacts
from beaker.kernel.requests import Requests


def cell(msg_id: str, *, counts: bool = True, private: bool = False, sent: bool = True) -> Pending:
    flags = ExecuteFlags(store_history=counts)
    return Pending(msg_id, "s", "execute_request", b"{}", [b"c"], "shell", flags, private=private, sent=sent)


def other(msg_id: str, kind: str) -> Pending:
    return Pending(msg_id, "s", kind, b"{}", [b"c"], "shell", None)


def test_a_request_is_over_after_its_reply_and_its_idle_in_any_order() -> None:
    requests = Requests()
    requests.accept(cell("a"))
    requests.accept(cell("b"))
    requests.replied("a")
    assert requests.find("a") is not None
    requests.idle("a")
    requests.idle("b")
    requests.replied("b")
    assert requests.find("a") is None
    assert requests.find("b") is None


def test_a_second_reply_belongs_to_nobody() -> None:
    requests = Requests()
    requests.accept(cell("a"))
    assert requests.replied("a") is not None
    assert requests.replied("a") is None
    assert requests.replied("never sent") is None


def test_a_comm_message_owes_no_reply() -> None:
    requests = Requests()
    requests.accept(other("c", "comm_msg"))
    requests.busy("c", 0.0)
    assert requests.idle("c") is None
    assert requests.find("c") is None


def test_what_is_idle_owes_its_reply_until_that_has_come() -> None:
    requests = Requests()
    requests.accept(other("a", "complete_request"))
    idle = requests.idle("a")
    assert idle is not None
    assert requests.owes(idle)
    requests.replied("a")
    assert not requests.owes(idle)
    requests.accept(other("b", "rollback_request"))
    requests.replied("b")
    assert requests.idle("b") is None


def test_the_next_number_is_behind_all_counting_cells_that_are_ahead() -> None:
    requests = Requests()
    assert requests.next_count() == 1
    requests.accept(cell("a"))
    requests.accept(cell("silent", counts=False))
    requests.accept(cell("ours", private=True))
    assert requests.next_count() == 3
    requests.numbered("a", 1)
    assert requests.next_count() == 3
    requests.replied("a", ReplyFacts(execution_count=1))
    assert requests.next_count() == 3
    requests.replied("ours", ReplyFacts(execution_count=2))
    assert requests.next_count() == 3


def test_what_takes_no_number_says_nothing_of_the_last() -> None:
    """IRkernel gives silent requests the number of the cell to come."""
    requests = Requests()
    requests.accept(cell("a"))
    requests.accept(cell("silent", counts=False))
    requests.numbered("a", 1)
    requests.replied("a", ReplyFacts(execution_count=1))
    requests.numbered("silent", 2)
    requests.replied("silent", ReplyFacts(execution_count=2))
    assert requests.next_count() == 2


def test_an_error_counts_and_an_aborted_cell_does_not() -> None:
    requests = Requests()
    requests.accept(cell("a"))
    requests.accept(cell("b"))
    requests.replied("a", ReplyFacts(status="error", execution_count=1))
    requests.replied("b", ReplyFacts(status="aborted"))
    assert requests.next_count() == 2


def test_what_was_aborted_without_a_status_is_ended_once() -> None:
    requests = Requests()
    silent, told = cell("silent"), cell("told")
    for pending in (silent, told):
        requests.accept(pending)
        requests.replied(pending.msg_id, ReplyFacts(status="aborted"))
    requests.busy("told", 1.0)
    assert [requests.end_unbegun(pending) for pending in (silent, told)] == [True, False]
    assert requests.find("silent") is None
    assert not requests.end_unbegun(silent)
    assert not requests.at_rest
    requests.idle("told")
    assert requests.at_rest


def test_the_running_cell_is_the_clients_not_ours() -> None:
    requests = Requests()
    requests.accept(cell("ours", private=True))
    requests.accept(cell("a"))
    requests.accept(cell("b"))
    requests.busy("ours", 1.0)
    assert requests.running() is None
    requests.busy("a", 2.0)
    assert requests.running() is requests.find("a")
    assert requests.waiting() == 1


def test_at_a_death_everything_sent_is_owed_and_what_waits_is_left_to_the_next_life() -> None:
    requests = Requests()
    for pending in (cell("done"), cell("ran"), cell("queued"), cell("held", sent=False)):
        requests.accept(pending)
    requests.numbered("done", 1)
    requests.replied("done")
    requests.idle("done")
    requests.busy("ran", 0.0)
    owed = requests.end_all(unsent_too=False)
    assert [pending.msg_id for pending in owed] == ["ran", "queued"]
    assert requests.find("held") is not None
    assert requests.next_count() == 2, "a new life counts from 1, and one cell is ahead"
    assert [pending.msg_id for pending in requests.end_all(unsent_too=True)] == ["held"]


def test_after_a_takeover_only_what_was_inherited_can_be_lost() -> None:
    requests = Requests()
    inherited, fresh = cell("old"), cell("new")
    inherited.inherited = True
    requests.accept(inherited)
    requests.accept(fresh)
    assert [pending.msg_id for pending in requests.end_lost()] == ["old"]
    assert requests.find("new") is fresh


def test_it_is_quiet_when_no_client_waits() -> None:
    requests = Requests()
    requests.accept(cell("ours", private=True))
    requests.accept(other("c", "comm_msg"))
    assert requests.quiet
    requests.accept(cell("a"))
    assert not requests.quiet


def test_two_clients_that_chose_the_same_id_are_told_apart_by_their_sessions() -> None:
    requests, one, two = Requests(), cell("a"), cell("a")
    two.session = "t"
    requests.accept(one)
    requests.accept(two)
    requests.busy("a", 1.0, "t")
    requests.numbered("a", 4, "t")
    assert (one.busy, two.busy, one.count, two.count) == (False, True, None, 4)
    assert requests.replied("a", session="t") is two
    assert requests.replied("a", session="t") is None
    assert requests.find("a", "s") is one
    requests.idle("a", "t")
    assert requests.replied("a", session="s") is one
    requests.idle("a", "s")
    assert requests.find("a") is None
    assert requests.end_all(unsent_too=True) == []


def test_one_client_that_uses_an_id_twice_is_answered_twice_the_older_first() -> None:
    requests, one, two = Requests(), cell("a"), cell("a")
    for pending in (one, two):
        requests.accept(pending)
    for pending in (one, two):
        requests.busy("a", 1.0, "s")
        assert requests.running() is pending
        requests.numbered("a", 1, "s")
        assert requests.replied("a", session="s") is pending
        requests.idle("a", "s")
    assert requests.find("a") is None


def test_all_are_ended_oldest_first_also_where_ids_are_shared() -> None:
    requests = Requests()
    ended = [cell("a"), cell("b"), cell("a"), cell("c")]
    for pending in ended:
        requests.accept(pending)
    assert [id(pending) for pending in requests.end_all(unsent_too=True)] == list(map(id, ended))


def test_a_kernel_that_garbles_the_session_is_understood_where_nothing_is_to_be_told_apart() -> None:
    requests, one = Requests(), cell("a")
    requests.accept(one)
    assert requests.replied("a", session="garbled") is one


def test_what_was_answered_or_ended_is_not_given_up() -> None:
    requests, pending = Requests(), other("a", "foo_request")
    assert not requests.give_up(pending)
    requests.accept(pending)
    assert requests.idle("a") is pending
    assert requests.give_up(pending)
    assert not requests.give_up(pending)
    assert requests.quiet
