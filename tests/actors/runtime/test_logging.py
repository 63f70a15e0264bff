"""Logs: one JSON line per event, no secrets, and no harm from a full disk."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.runtime.log import Log
from actors.runtime.log_file import LogFile, prune
from actors.runtime.logging import configure
from actors.runtime.redact import DEPTH_LIMIT, REDACTED, Redactor
from actors.runtime.trace import current_trace


@pytest.fixture(autouse=True)
def _structlog_as_it_was() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for path in sorted(folder.iterdir()) for line in path.read_text().splitlines()]


def test_a_line_has_time_level_event_and_who(tmp_path: Path) -> None:
    logs = configure(tmp_path, role="kernel", kernel="ab12")
    Log(actor="kernel").info("subkernel.restarted", attempt=2)
    logs.close()
    (line,) = lines(tmp_path)
    assert list(line) == ["time", "level", "event", "role", "kernel", "actor", "attempt"]
    assert {**line, "time": ""} == {
        "time": "",
        "level": "info",
        "event": "subkernel.restarted",
        "role": "kernel",
        "kernel": "ab12",
        "actor": "kernel",
        "attempt": 2,
    }
    assert [path.name for path in tmp_path.iterdir()] == [f"kernel-ab12-{os.getpid()}.jsonl"]
    assert next(tmp_path.iterdir()).stat().st_mode & 0o777 == 0o600


def test_the_trace_is_bound_by_itself(tmp_path: Path) -> None:
    configure(tmp_path, role="kernel")
    log = Log()
    token = current_trace.set("feedfeedfeedfeed")
    log.info("inside")
    current_trace.reset(token)
    log.info("outside")
    assert [line.get("trace") for line in lines(tmp_path)] == ["feedfeedfeedfeed", None]


def test_levels_below_the_configured_are_not_written(tmp_path: Path) -> None:
    configure(tmp_path, role="kernel", level="warning")
    for write in (Log().debug, Log().info, Log().warning, Log().error):
        write("said")
    assert [line["level"] for line in lines(tmp_path)] == ["warning", "error"]


def test_an_unknown_level_is_refused_with_the_valid_ones(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'loud'; there are: debug, info, warning, error"):
        configure(tmp_path, role="kernel", level="loud")


def test_a_traceback_is_one_line_without_secrets(tmp_path: Path) -> None:
    configure(tmp_path, role="kernel", secrets=["correct horse"])
    try:
        raise ValueError("cannot use correct horse")
    except ValueError:
        Log().exception("it.failed")
    (line,) = lines(tmp_path)
    assert "ValueError: cannot use [redacted]" in line["exception"]


def test_what_json_has_no_word_for_is_written_as_text(tmp_path: Path) -> None:
    configure(tmp_path, role="kernel")
    Log().info("odd", path=tmp_path, things={1: {2}}, data=b"xyz", error=OSError("no"))
    (line,) = lines(tmp_path)
    assert (line["things"], line["data"], line["error"]) == ({"1": [2]}, "<3 bytes>", "OSError('no')")
    assert str(tmp_path) in line["path"]


CANARY = "sk-proj-Canary0123456789"


@pytest.mark.parametrize(
    "values",
    [
        {"api_key": CANARY},
        {"note": f"the key is {CANARY}."},
        {"headers": {"Authorization": f"Bearer {CANARY[3:]}", "Cookie": f"session={CANARY}"}},
        {"line": f"authorization: bearer {CANARY[3:]}"},
        {"url": f"https://user:{CANARY[3:]}@host.test/v1"},
        {"url": f"https://host.test/v1?token={CANARY[3:]}&x=1"},
        {"url": f"ws://host.test/api?x=1&access_token={CANARY[3:]}"},
        {"nested": [{"deep": ({"my_secret": CANARY},)}]},
        {"text": f"OPENAI_API_KEY={CANARY[3:]}"},
        {"text": f"{{'api_key': '{CANARY[3:]}'}}"},
        {"error": ValueError(f"401 for {CANARY}")},
        {f"odd {CANARY}": 1},
        {"text": "of others: gsk_Canary0123456789 xai-Canary0123456789 hf_Canary0123456789"},
        {"known": "before Canary0123456789 after"},
    ],
)
def test_no_canary_reaches_a_line(tmp_path: Path, values: dict[str, object]) -> None:
    logs = configure(tmp_path, role="agent")
    logs.register_secret("Canary0123456789")
    redactor = Redactor()
    assert "known" in values or "Canary" not in json.dumps({redactor.text(k): redactor.named(k, v) for k, v in values.items()})
    Log().info("said", **values)
    assert "Canary" not in "".join(path.read_text() for path in tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("budget_tokens", 4096),
        ("token_count", "12"),
        ("path", "/home/me/keyboard.ipynb"),
        ("event", "a basic understanding of monkeys"),
        ("url", "https://host.test/v1/models?limit=3"),
        ("reason", "exited with status 3"),
    ],
)
def test_what_is_no_secret_stays(name: str, value: object) -> None:
    assert Redactor().named(name, value) == value


def test_a_secret_that_is_known_later_is_taken_out_of_names_that_were_written_before(tmp_path: Path) -> None:
    logs = configure(tmp_path, role="kernel")
    log = Log()
    log.info("said", hunter22=1)
    logs.register_secret("hunter22")
    log.info("said", hunter22=1)
    first, second = lines(tmp_path)
    assert "hunter22" in first
    assert second[REDACTED] == 1
    assert "hunter22" not in second


def test_nothing_but_the_stamp_stands_as_the_time_of_a_line(tmp_path: Path) -> None:
    """It is not looked into."""
    configure(tmp_path, role="kernel")
    Log().info("said", time="token=abcdef")
    (line,) = lines(tmp_path)
    assert datetime.fromisoformat(line["time"])


def test_longer_secrets_go_first_and_short_ones_are_not_registered() -> None:
    redactor = Redactor()
    for secret in ("abcdef", "abcdefghi", "abc"):
        redactor.add(secret)
    assert redactor.text("abc abcdefghi abcdef") == f"abc {REDACTED} {REDACTED}"


VALUES = st.recursive(
    st.text(max_size=9) | st.integers() | st.none() | st.binary(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(VALUES)
@settings(max_examples=50, deadline=None)
def test_whatever_is_logged_becomes_json(value: object) -> None:
    assert json.loads(json.dumps(Redactor().value(value))) is not ...


def test_depth_is_bounded() -> None:
    value: list[object] = []
    value.append(value)
    text = json.dumps(Redactor().value(value))
    assert text.count("[") == DEPTH_LIMIT


def test_a_file_is_put_aside_when_it_is_full_and_the_oldest_goes(tmp_path: Path) -> None:
    file = LogFile(tmp_path / "a-1.jsonl", max_bytes=100, keep=2)
    for number in range(10):
        file.write(b"%039d\n" % number)
    file.close()
    parts = {path.name: [int(line) for line in path.read_text().split()] for path in tmp_path.iterdir()}
    assert parts == {"a-1.jsonl": [8, 9], "a-1.jsonl.1": [6, 7], "a-1.jsonl.2": [4, 5]}


def test_a_file_that_cannot_be_written_costs_lines_and_says_how_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr("actors.runtime.log_file.time.monotonic", lambda: now[0])
    blocked = tmp_path / "folder"
    blocked.write_text("a file where a folder should be")
    file = LogFile(blocked / "a-1.jsonl", max_bytes=1000, keep=1)
    now[0] = 10.0
    for _ in range(3):
        file.write(b"lost\n")
    assert file.lost == 3
    blocked.unlink()
    now[0] = 20.0
    file.write(b'{"event":"back"}\n')
    file.close()
    assert [(line["event"], line.get("count")) for line in lines(blocked)] == [("log.lines_lost", 3), ("back", None)]


def test_a_torn_line_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = LogFile(tmp_path / "a-1.jsonl", max_bytes=1000, keep=1)
    file.write(b"whole\n")
    write = os.write
    monkeypatch.setattr("actors.runtime.log_file.os.write", lambda descriptor, data: write(descriptor, data[:2]))
    file.write(b"torn\n")
    assert (tmp_path / "a-1.jsonl").read_bytes() == b"whole\n"
    assert file.lost == 1


def test_files_of_the_dead_are_pruned_and_those_of_the_living_are_not(tmp_path: Path) -> None:
    finished = subprocess.Popen([sys.executable, "-c", ""])
    finished.wait()
    for number in range(5):
        path = tmp_path / f"kernel-{number}-{finished.pid}.jsonl"
        path.touch()
        os.utime(path, (number, number))
    (tmp_path / f"kernel-{os.getpid()}.jsonl").touch()
    (tmp_path / "notes.jsonl").touch()
    prune(tmp_path, kept=2)
    assert {path.name for path in tmp_path.iterdir()} == {
        f"kernel-3-{finished.pid}.jsonl",
        f"kernel-4-{finished.pid}.jsonl",
        f"kernel-{os.getpid()}.jsonl",
        "notes.jsonl",
    }
