"""The file for a successor: what is kept in it when it is emptied, and when the disk is full."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from actors.kernel.inflight_log import InflightLog
from beaker.kernel import inflight
from beaker.kernel.requests import Pending


def request(msg_id: str, *, own: bool = False) -> Pending:
    return Pending(msg_id, "session", "llm_request" if own else "complete_request", b"{}", [b"client"], "control", None, own=own)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[InflightLog]:
    made = InflightLog(str(tmp_path / "inflight"), structlog.get_logger())
    yield made
    made.close()


def unanswered(log: InflightLog) -> list[tuple[str, str, bool]]:
    return [(each.msg_id, each.channel, each.own) for each in log.read().unanswered]


def test_what_is_not_over_is_read_back(log: InflightLog) -> None:
    log.begun(request("a"))
    log.begun(request("b", own=True))
    log.over("a", 3, quiet=True)
    assert unanswered(log) == [("b", "control", True)]
    assert log.read().last_count == 3


def test_what_we_answer_ourselves_outlives_the_subkernel(log: InflightLog) -> None:
    log.begun(request("a"))
    log.begun(request("b", own=True))
    log.forget()
    assert unanswered(log) == [("b", "control", True)]
    log.over("b", 0, quiet=True)
    log.forget()
    assert unanswered(log) == []


def test_a_file_that_has_grown_is_emptied_when_all_is_quiet_but_for_what_we_answer_ourselves(log: InflightLog, tmp_path: Path) -> None:
    log.begun(request("b", own=True))
    while os.path.getsize(tmp_path / "inflight") <= inflight.COMPACT_BYTES:
        log.begun(request("a"))
        log.over("a", 7, quiet=False)
    log.begun(request("a"))
    log.over("a", 8, quiet=True)
    assert os.path.getsize(tmp_path / "inflight") < 200
    assert unanswered(log) == [("b", "control", True)]
    assert log.read().last_count == 8


def test_a_full_disk_costs_no_request(monkeypatch: pytest.MonkeyPatch, log: InflightLog) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    log.begun(request("a"))
    log.over("a", 1, quiet=True)
    assert unanswered(log) == []
