"""The list of sessions that are over, when its file cannot be read."""

from pathlib import Path

from actors.guardian.signed_out import FILE, SignedOut
from tests.actors.gateway.desk import Lines

ENDED, OTHER = "a.9.signed", "b.9.signed"


def test_a_list_that_cannot_be_read_leaves_what_is_known_and_is_told(tmp_path: Path) -> None:
    log = Lines()
    over = SignedOut(str(tmp_path), log)
    assert not over.has(ENDED)
    over.add(ENDED)
    assert (over.has(ENDED), over.has(OTHER), log.events) == (True, False, [])
    (tmp_path / FILE).unlink()
    (tmp_path / FILE).mkdir()  # as little to be read as a file without descriptors
    assert (over.has(ENDED), over.has(OTHER)) == (True, False)
    assert [event for event, _ in log.events] == ["signed_out.unread"] * 2
