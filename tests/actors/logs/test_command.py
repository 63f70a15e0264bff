"""`beaker-logs` as a person and a script call it: on folders with living, dead, rotated, torn and foreign files."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import beaker_kernel
from actors.logs import command, reading
from tests.beaker.logs.lines import raw

KERNEL = "ab12cd34ef56"

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The logs of one kernel, with a question in them, and of another that is older."""
    kernel = [
        raw("kernel.started", at_s=0, connection_file="/run/kernel-7.json", notebook="/home/me/Lake.ipynb"),
        raw("question.received", at_s=10, trace="s_1_4", turn=1),
        raw("turn.ended", at_s=12, trace="s_1_4", turn=1, status="ok", duration_s=2.0),
        raw("cell.replied", at_s=20, trace="s_1_5", status="error", count=3, took_ms=12.0),
    ]
    agent = [
        raw("turn.began", at_s=10.5, role="agent", trace="s_1_4", turn=1, model="gpt"),
        raw("model.failed", at_s=11, role="agent", level="warning", trace="s_1_4", turn=1, duration_s=0.4),
    ]
    (tmp_path / f"kernel-{KERNEL}-4000001.jsonl.1").write_bytes(b"".join(kernel[:2]))
    (tmp_path / f"kernel-{KERNEL}-4000001.jsonl").write_bytes(b"".join(kernel[2:]))
    (tmp_path / f"agent-{KERNEL}-4000002.jsonl").write_bytes(b"".join(agent))
    (tmp_path / "kernel-ffff00001111-4000003.jsonl").write_bytes(raw("kernel.started", at_s=-60, kernel="ffff00001111"))
    return tmp_path


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], folder: Path) -> Run:
    def called(*words: str, at: Path = folder) -> tuple[int, str, str]:
        status = command.main([*words, "--folder", str(at), "--utc"])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return called


def events(out: str) -> list[str]:
    return [json.loads(row)["event"] for row in out.splitlines()]


def test_list_names_each_kernel_the_last_at_the_end(run: Run) -> None:
    status, out, err = run("list")
    rows = out.splitlines()
    assert (status, err) == (0, "")
    assert rows[1].split()[:2] == ["ffff00001111", "ended"]
    assert rows[2].split()[:5] == [KERNEL, "ended", "Lake.ipynb", "kernel,", "agent"]
    assert "2026-11-25 12:00:00" in rows[2]
    assert rows[2].endswith("2026-11-25 12:00:20Z")


UUID = "a1b88acc-59d0-46db-a2bc-ca5f080b61fc"


@pytest.fixture
def gateways(folder: Path) -> Path:
    """Kernels of a gateway: their lines stand among those of others, in files of the host and the registry."""
    other = "ffffffff-59d0-46db-a2bc-ca5f080b61fc"
    host = [
        raw("host.started", at_s=0, role="host", kernel=""),
        raw("kernel.started", at_s=1, kernel=UUID, notebook="Sea.ipynb"),
        raw("kernel.started", at_s=1, kernel=other),
        raw("cell.replied", at_s=30, kernel=UUID, trace="s_2_1", status="ok", count=1),
        raw("kernel.ended", at_s=40, kernel=other),
    ]
    registry = [raw("subkernel.started", at_s=2, role="supervisor", kernel=UUID)]
    agent = [raw("turn.began", at_s=29, role="agent", kernel=UUID, trace="s_2_1", turn=1, model="gpt")]
    (folder / "host-4000010.jsonl").write_bytes(b"".join(host))
    (folder / "registry-4000011.jsonl").write_bytes(b"".join(registry))
    (folder / f"agent-{UUID}-4000012.jsonl").write_bytes(b"".join(agent))
    return folder


def test_a_kernel_of_a_gateway_is_shown_from_the_files_of_several(run: Run, gateways: Path) -> None:
    _, out, _ = run("show", UUID[:5], "--json")
    assert events(out) == ["kernel.started", "subkernel.started", "turn.began", "cell.replied"]
    _, out, _ = run("show", UUID, "--actor", "supervisor", "--json")
    assert events(out) == ["subkernel.started"]


def test_a_kernel_of_a_gateway_is_listed_with_its_notebook(run: Run, gateways: Path) -> None:
    _, out, _ = run("list")
    row = next(row for row in out.splitlines() if UUID in row)
    assert row.split()[:6] == [UUID, "ended", "Sea.ipynb", "host,", "agent,", "registry"]


def test_a_kernel_of_a_gateway_is_found_by_what_its_sessions_say_whoever_takes_it_over(run: Run, gateways: Path) -> None:
    registry = [
        raw("session.bound", at_s=2, role="registry", kernel=UUID, session="s", notebook="deep/lake.ipynb"),
        raw("session.bound", at_s=3, role="registry", kernel=UUID, session="s", notebook="deep/renamed.ipynb"),
    ]
    (gateways / "registry-4000013.jsonl").write_bytes(b"".join(registry))
    # A host that takes it over says what it was started with.
    (gateways / "host-4000014.jsonl").write_bytes(raw("kernel.started", at_s=50, kernel=UUID, notebook="Sea.ipynb", takes_over=True))
    _, out, _ = run("list")
    assert next(row for row in out.splitlines() if UUID in row).split()[2] == "renamed.ipynb"
    for name in ("renamed.ipynb", "lake.ipynb", "Sea.ipynb"):
        status, out, err = run("show", name, "--event", "cell.replied", "--json")
        assert (status, events(out), err) == (0, ["cell.replied"], ""), name


@pytest.mark.parametrize("words", [["list"], ["show"], ["show", "zz"], ["trace"], ["trace", "last"], ["trace", "s_3"]])
@pytest.mark.parametrize("form", [(), ("--json",)], ids=["text", "json"])
def test_nothing_that_stands_in_a_log_can_write_into_the_terminal(run: Run, folder: Path, words: list[str], form: tuple[str, ...]) -> None:
    evil = "\x1b[31mRED\nFAKE\u202e\x9b2J"
    rows = [raw("request", at_s=90, role="worker", kernel=evil, trace=trace, method="GET", path=f"/{evil}") for trace in ("s_3_1", "s_3_2")]
    rows.append(raw("session.bound", at_s=91, role="registry", kernel=KERNEL, session="s", notebook=f"{evil}.ipynb"))
    (folder / "worker-4000012.jsonl").write_bytes(b"".join(rows))
    _, out, err = run(*words, *form)
    assert "RED" in out + err
    assert not [char for char in out + err if char in "\x1b\u202e\x9b"]
    assert not [row for row in (out + err).splitlines() if row.startswith("FAKE")]


def test_a_request_to_a_kernel_of_a_gateway_has_its_timeline(run: Run, gateways: Path) -> None:
    status, out, _ = run("trace", "s_2_1", "--kernel", UUID)
    assert (status, "turn" in out) == (0, True)


def test_list_tells_the_living(run: Run, folder: Path) -> None:
    title = "import time; print(flush=True); time.sleep(60)  # beaker --role kernel --kernel ab12cd34ef99"
    process = subprocess.Popen([sys.executable, "-c", title], stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        process.stdout.readline()
        (folder / f"kernel-ab12cd34ef99-{process.pid}.jsonl").write_bytes(raw("kernel.started", at_s=99))
        (folder / f"kernel-ab12cd34ef98-{os.getpid()}.jsonl").write_bytes(raw("kernel.started", at_s=98))  # a pid used again
        _, out, _ = run("list", "--json")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    assert {row["kernel"]: row["lives"] for row in map(json.loads, out.splitlines())} == {
        "ffff00001111": False,
        KERNEL: False,
        "ab12cd34ef98": False,
        "ab12cd34ef99": True,
    }


def test_show_merges_all_processes_and_rotated_files_by_time(run: Run) -> None:
    status, out, _ = run("show", "last", "--json")
    assert status == 0
    assert events(out) == ["kernel.started", "question.received", "turn.began", "model.failed", "turn.ended", "cell.replied"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--actor", "agent"], ["turn.began", "model.failed"]),
        (["--level", "warning"], ["model.failed"]),
        (["ab", "--event", "turn.*"], ["turn.began", "turn.ended"]),
        (["--since", "2026-11-25T12:00:12", "--until", "2026-11-25T12:00:19"], ["turn.ended"]),
        (["--grep", '"gpt"'], ["turn.began"]),
        (["--trace", "_5"], ["cell.replied"]),
        (["-n", "2"], ["turn.ended", "cell.replied"]),
    ],
)
def test_show_takes_what_is_asked_for(run: Run, words: list[str], expected: list[str]) -> None:
    status, out, _ = run("show", *words, "--json")
    assert (status, events(out)) == (0, expected)


def test_a_trace_is_drawn_across_processes_by_a_piece_of_its_id(run: Run) -> None:
    status, out, _ = run("trace", "_4")
    assert status == 0
    rows = out.splitlines()
    assert rows[0] == "trace s_1_4"
    assert [row.split("  ")[-1] and next(word for word in row.split() if "." in word and word[0].isalpha()) for row in rows[3:-1]] == [
        "question.received",
        "turn.began",
        "model.failed",
        "turn.ended",
    ]
    assert rows[-1].startswith("K kernel, A agent; the model 400 ms")
    _, drawn, _ = run("trace", "last", "--json")
    assert [(step["event"], step["at_s"], step["work_s"]) for step in map(json.loads, drawn.splitlines())] == [
        ("cell.replied", 0.012, 0.012)
    ]


def test_the_last_request_is_never_a_strangers_who_can_be_named_all_the_same(run: Run, folder: Path) -> None:
    asked = {"role": "worker", "method": "GET", "path": "/api/kernels"}
    rows = [
        raw("request", at_s=80, trace="known", status=201, **{**asked, "method": "POST"}),
        raw("request", at_s=90, trace="strange", status=401, stranger=True, **asked),
    ]
    (folder / "worker-4000012.jsonl").write_bytes(b"".join(rows))
    assert run("trace", "last")[1].splitlines()[0].startswith("trace known")
    assert run("trace", "strange")[1].splitlines()[0].startswith("trace strange")
    assert "strange" in run("trace")[1]
    for each in folder.glob("*.jsonl*"):
        each.unlink()
    (folder / "worker-4000012.jsonl").write_bytes(rows[1])
    status, _, err = run("trace", "last")
    assert (status, "stand there are strangers'" in err) == (1, True)


def test_trace_without_an_id_lists_the_requests_and_a_piece_of_several_is_told(run: Run) -> None:
    status, out, _ = run("trace")
    assert status == 0
    assert [row.split()[2] for row in out.splitlines()[1:]] == ["s_1_4", "s_1_5"]
    assert "question 1, " not in out.splitlines()[0]
    status, _, err = run("trace", "s_1")
    assert status == 1
    assert "may mean 2 requests. The last of them: s_1_4 (question 1), s_1_5 (cell 3)" in err


def test_trace_passes_over_what_a_page_asks_all_the_time(run: Run, folder: Path) -> None:
    poll = raw("request", at_s=90, role="worker", trace="s_9_9", method="GET", path="/api/kernels", status=200, duration_s=0.001)
    (folder / "worker-4000012.jsonl").write_bytes(poll)
    assert "s_9_9" not in run("trace")[1]
    assert run("trace", "last")[1].startswith("trace s_1_5")
    assert "GET /api/kernels" in run("trace", "--all")[1]
    assert run("trace", "last", "--all")[1].startswith("trace s_9_9")


def test_what_is_torn_or_foreign_is_counted_and_named_and_the_rest_is_shown(run: Run, folder: Path) -> None:
    with (folder / f"agent-{KERNEL}-4000002.jsonl").open("ab") as file:
        file.write(b'{"time":"2026-11-25T12:00')
    (folder / "notes.jsonl").write_bytes(b"not JSON\n[1]\n\xff\xfe\n" + raw("mine", at_s=1))
    (folder / "folder.jsonl").mkdir()
    status, out, err = run("show", "--json")
    assert status == 0
    assert len(events(out)) == 8
    assert f"4 lines are none of beaker's or torn, and left out: notes.jsonl (3), agent-{KERNEL}-4000002.jsonl (1)" in err


def test_a_file_that_cannot_be_read_is_named(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, *arguments: Any, **more: Any) -> Any:  # not by its mode, which root would not mind
        if path.name.startswith("agent"):
            raise PermissionError(13, "Permission denied")
        return open(path, *arguments, **more)

    monkeypatch.setattr(reading, "open", refuse, raising=False)
    status, out, err = run("show", "--json")
    assert (status, len(events(out))) == (0, 5)
    assert "agent-ab12cd34ef56-4000002.jsonl cannot be read: Permission denied." in err


@pytest.mark.parametrize("words", [["list"], ["show"], ["trace"], ["trace", "last"]])
def test_where_there_are_no_logs_a_sentence_says_where_they_would_be(run: Run, tmp_path: Path, words: list[str]) -> None:
    status, out, err = run(*words, at=tmp_path / "nowhere")
    assert (status, out) == (1, "")
    assert str(tmp_path / "nowhere") in err
    assert "XDG_STATE_HOME" in err


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (["shwo"], 2, "Did you mean 'show'? There are: list, show, follow, trace."),
        (["show", "--levle", "info"], 2, "Did you mean '--level'?"),
        (["show", "--level", "loud"], 2, "There are: debug, info, warning, error."),
        (["show", "--actor", "agnet"], 2, "Did you mean 'agent'? There are: agent, kernel."),
        (["show", "--since", "noon"], 2, "'noon' is no time."),
        (["show", "--grep", "("], 2, "no regular expression"),
        (["show", "--since"], 2, "expected one argument"),
        (["show", "-n", "0"], 2, "'0' is no number of lines"),
        (["list", "extra"], 2, "'extra' is one word too many"),
        (["show", "zz"], 1, "There are: ffff00001111, ab12cd34ef56, last."),
        (["show", "--event", "no.*"], 1, "None of the lines"),
        (["trace", "zz"], 1, "No request 'zz'"),
    ],
)
def test_what_makes_no_sense_or_is_not_there_is_a_sentence(run: Run, words: list[str], status: int, sentence: str) -> None:
    got, out, err = run(*words)
    assert (got, out) == (status, "")
    assert sentence in err
    assert err.startswith("beaker-logs: ")
    assert len(err.splitlines()) == 1


def test_help_has_examples_and_no_command_is_told_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--help"]) == 0
    assert "beaker-logs trace last" in capsys.readouterr().out
    assert command.main(["show", "--help"]) == 0
    assert "--since" in capsys.readouterr().out
    assert command.main([]) == 2
    assert "list, show, follow, trace" in capsys.readouterr().err


def test_colours_are_for_terminals_and_can_be_had_or_refused(run: Run) -> None:
    assert "\x1b[" not in run("show")[1]
    assert "\x1b[33m" in run("show", "--color", "always")[1]


PROGRAM = [
    sys.executable,
    "-P",
    "-c",
    "import sys; sys.path.insert(0, sys.argv.pop(1)); import beaker_kernel; sys.exit(beaker_kernel.logs())",
]
ROOT = str(Path(beaker_kernel.__file__).parent)


def test_a_pipe_that_is_closed_is_no_error(folder: Path) -> None:
    with (folder / f"agent-{KERNEL}-4000002.jsonl").open("ab") as file:
        file.write(raw("many", at_s=50) * 20_000)
    process = subprocess.Popen([*PROGRAM, ROOT, "show", "--json", "--folder", str(folder)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(30) == 0


def test_it_imports_nothing_of_the_kernel_and_nothing_heavy(folder: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv.pop(1)); import beaker_kernel; beaker_kernel.logs(); print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code, ROOT, "list", "--folder", str(folder)], capture_output=True, text=True, timeout=30, check=True
    )
    loaded = set(done.stderr.split())
    assert "beaker.logs.kernels" in loaded
    assert {"zmq", "structlog", "openai", "asyncio", "jupyter_client", "actors.kernel", "subprocess"} & loaded == set()
