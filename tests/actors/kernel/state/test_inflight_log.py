"""The file for a successor: what is kept in it when it is emptied, and when the disk is full."""

import contextlib
import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from actors.kernel.state import inflight_log
from actors.kernel.state.inflight_log import InflightLog
from beaker.kernel import inflight
from beaker.kernel.pending import Pending


def request(msg_id: str, *, own: bool = False, sent: bool = True) -> Pending:
    kind = "llm_request" if own else "complete_request"
    return Pending(msg_id, "session", kind, b"{}", [b"client"], "control", None, own=own, sent=sent)


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
    log.over("a", 3, quiet=True, channel="control")
    assert unanswered(log) == [("b", "control", True)]
    assert log.read().last_count == 3


def test_what_we_answer_ourselves_outlives_the_subkernel(log: InflightLog) -> None:
    log.begun(request("a"))
    log.begun(request("b", own=True))
    log.forget()
    assert unanswered(log) == [("b", "control", True)]
    log.over("b", 0, quiet=True, channel="control")
    log.forget()
    assert unanswered(log) == []


def test_a_file_that_has_grown_is_emptied_when_all_is_quiet_but_for_what_we_answer_ourselves(log: InflightLog, tmp_path: Path) -> None:
    log.begun(request("b", own=True))
    while os.path.getsize(tmp_path / "inflight") <= inflight.COMPACT_BYTES:
        log.begun(request("a"))
        log.over("a", 7, quiet=False, channel="control")
    log.begun(request("a"))
    log.over("a", 8, quiet=True, channel="control")
    assert os.path.getsize(tmp_path / "inflight") < 200
    assert unanswered(log) == [("b", "control", True)]
    assert log.read().last_count == 8


def test_what_waits_for_a_subkernel_outlives_the_one_before_it_and_is_an_ordinary_request_once_it_is_sent(log: InflightLog) -> None:
    log.begun(request("a", sent=False))
    log.forget()
    assert [(each.msg_id, each.sent, each.busy) for each in log.read().unanswered] == [("a", False, False)]
    log.begun(request("a"))
    assert [(each.msg_id, each.sent, each.busy) for each in log.read().unanswered] == [("a", True, True)]
    log.forget()
    assert unanswered(log) == []


def test_what_waits_under_one_id_on_two_channels_is_kept_twice(log: InflightLog) -> None:
    waiting = request("a", sent=False)
    log.begun(waiting)
    log.begun(dataclasses.replace(waiting, channel="shell"))
    log.forget()
    assert sorted(unanswered(log)) == [("a", "control", False), ("a", "shell", False)]


def test_when_no_subkernel_will_come_nothing_waits_for_one(log: InflightLog) -> None:
    log.begun(request("a", sent=False))
    log.begun(request("b", own=True))
    log.forget(held_too=True)
    assert unanswered(log) == [("b", "control", True)]


def test_what_the_process_before_us_had_in_flight_is_told_once_and_without_what_is_ours(tmp_path: Path) -> None:
    path = str(tmp_path / "inflight")
    before = InflightLog(path, structlog.get_logger())
    before.begun(request("a"))
    before.close()
    after = InflightLog(path, structlog.get_logger())
    after.begun(request("b"))
    assert [each.msg_id for each in after.take_former().unanswered] == ["a"]
    assert after.take_former().unanswered == []
    after.close()


def test_a_full_disk_costs_no_request(monkeypatch: pytest.MonkeyPatch, log: InflightLog) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    log.begun(request("a"))
    log.over("a", 1, quiet=True, channel="control")
    assert unanswered(log) == []


class Killed(BaseException):
    """Nothing that this process does comes behind it."""


@pytest.mark.parametrize("call", ["open", "write", "ftruncate", "rename"])
def test_a_death_while_it_is_written_anew_loses_nothing(
    monkeypatch: pytest.MonkeyPatch, log: InflightLog, tmp_path: Path, call: str
) -> None:
    log.begun(request("a", sent=False))

    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as dying, contextlib.suppress(Killed):
        dying.setattr(os, call, killed)
        log.forget()
    after = InflightLog(str(tmp_path / "inflight"), structlog.get_logger())
    assert [found.msg_id for found in after.take_former().unanswered] == ["a"]
    after.close()


def test_in_a_folder_that_takes_no_other_file_it_is_written_anew_in_its_place(monkeypatch: pytest.MonkeyPatch, log: InflightLog) -> None:
    log.begun(request("a"))
    log.begun(request("b", own=True))

    def refused(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(os, "rename", refused)
        log.forget()
    assert unanswered(log) == [("b", "control", True)]


def test_a_disk_that_fills_within_an_entry_costs_that_entry_alone(monkeypatch: pytest.MonkeyPatch, log: InflightLog) -> None:
    write = os.write
    with monkeypatch.context() as filling:
        filling.setattr(os, "write", lambda file, entry: write(file, entry[:-3]))
        log.begun(request("a"))
    log.begun(request("b"))
    assert unanswered(log) == [("b", "control", False)]


@pytest.mark.parametrize("cut", [1, 20])
def test_an_entry_that_a_death_has_torn_costs_no_other(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "inflight"
    for msg_id in ("a", "b"):
        log = InflightLog(str(path), structlog.get_logger())
        log.begun(request(msg_id))
        log.close()
    os.truncate(path, path.stat().st_size - cut)
    log = InflightLog(str(path), structlog.get_logger())
    log.begun(request("c"))
    assert [msg_id for msg_id, *_ in unanswered(log)] == ["a", "c"]
    log.close()


PARENT = b'{"msg_id":"a","session":"session","msg_type":"debug_request"}'


def test_what_was_answered_and_not_read_outlives_the_subkernel(log: InflightLog) -> None:
    log.begun(request("a"))
    log.over("a", 3, quiet=False, channel="control")
    log.reply_waits("control", [b"client"], PARENT)
    log.forget()
    (found,) = log.read().unanswered
    assert (found.msg_id, found.channel, found.idents, found.header, found.unread) == ("a", "control", [b"client"], PARENT, True)
    log.reply_left("control", PARENT)
    assert unanswered(log) == []
    log.forget()
    assert unanswered(log) == []


def test_a_file_that_is_full_of_what_nobody_reads_is_written_anew_seldom(log: InflightLog, tmp_path: Path) -> None:
    for number in range(1000):
        log.reply_waits("shell", [b"client"], PARENT.replace(b'"a"', b'"%d"' % number))
    log.over("x", 1, quiet=True, channel="shell")
    least = os.path.getsize(tmp_path / "inflight")
    assert least > inflight.COMPACT_BYTES
    log.over("x", 1, quiet=True, channel="shell")
    assert os.path.getsize(tmp_path / "inflight") > least
    assert len(log.read().unanswered) == 1000


def test_of_replies_without_end_that_are_not_read_a_successor_is_told_of_so_many(log: InflightLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inflight_log, "UNREAD_LIMIT", 3)
    parents = [PARENT.replace(b'"a"', b'"%d"' % number) for number in range(6)]
    for parent in parents:
        log.reply_waits("shell", [b"client"], parent)
    assert [found.msg_id for found in log.read().unanswered] == ["0", "1", "2"]
    assert log.read().more == 3
    log.forget()
    log.reply_left("shell", parents[5])
    assert log.read().more == 2
    for parent in parents[:5]:
        log.reply_left("shell", parent)
    assert log.read()[:4] == ([], 0, [], 0)
    log.reply_waits("shell", [b"client"], parents[5])
    assert [found.msg_id for found in log.read().unanswered] == ["5"]


def test_how_many_more_replies_were_lost_is_told_to_one_successor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inflight_log, "UNREAD_LIMIT", 1)
    path = str(tmp_path / "inflight")
    before = InflightLog(path, structlog.get_logger())
    for number in range(3):
        before.reply_waits("shell", [b"client"], PARENT.replace(b'"a"', b'"%d"' % number))
    before.close()
    after = InflightLog(path, structlog.get_logger())
    assert after.take_former().more == 2
    after.close()
    last = InflightLog(path, structlog.get_logger())
    assert last.take_former().more == 0
    last.close()
