"""The log that a killed process leaves to its successor."""

from hypothesis import given
from hypothesis import strategies as st

from beaker.kernel.inflight import begun, over, unanswered
from beaker.kernel.requests import ExecuteFlags, Pending


def cell(msg_id: str) -> Pending:
    return Pending(msg_id, "session", "execute_request", b'{"msg_id":"x"}', [b"client"], "shell", ExecuteFlags())


def test_what_was_begun_and_not_over_is_found_with_its_client() -> None:
    log = begun(cell("a")) + begun(cell("b")) + over("a")
    (found,) = unanswered(log)
    assert (found.msg_id, found.idents, found.header) == ("b", [b"client"], b'{"msg_id":"x"}')
    assert found.flags is not None
    assert found.busy, "whether it began is unknown, so it gets an error that says so and not a mere abort"


@given(cut=st.integers(0, 400))
def test_a_torn_log_gives_its_whole_entries(cut: int) -> None:
    entries = [begun(cell("a")), begun(cell("b")), over("a")]
    log = b"".join(entries)[:cut]
    whole = sum(1 for n in range(1, 4) if len(b"".join(entries[:n])) <= cut)
    assert [p.msg_id for p in unanswered(log)] == [[], ["a"], ["a", "b"], ["b"]][whole]


@given(st.binary(max_size=300))
def test_junk_is_no_entry_and_no_failure(junk: bytes) -> None:
    unanswered(junk)
