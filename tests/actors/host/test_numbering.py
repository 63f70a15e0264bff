"""Numbers of messages grow from one life of a host to the next, whatever the clock says."""

import time
from pathlib import Path

import pytest

from actors.host.numbering import FILE, LIFE, next_beginning


def test_a_life_begins_above_the_one_before_though_the_clock_was_set_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = next_beginning(str(tmp_path))
    monkeypatch.setattr(time, "time_ns", lambda: first - 3_600 * 10**9)
    assert [next_beginning(str(tmp_path)), next_beginning(str(tmp_path))] == [first + LIFE, first + 2 * LIFE]
    monkeypatch.setattr(time, "time_ns", lambda: first + 3_600 * 10**9)
    assert next_beginning(str(tmp_path)) == first + 3_600 * 10**9


@pytest.mark.parametrize("content", ["", "nothing", "9" * 40, "-5", "\xff"])
def test_what_is_no_number_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_bytes(content.encode("latin-1"))
    now = time.time_ns()
    assert now <= next_beginning(str(tmp_path)) < now + 10**12


def test_a_folder_that_is_gone_leaves_the_clock(tmp_path: Path) -> None:
    assert next_beginning(str(tmp_path / "gone")) > 10**18
