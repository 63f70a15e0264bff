"""The file in which a long answer stands whole: the user's alone, bounded, and few of its kind."""

from pathlib import Path

import pytest

from actors.agent import whole_answer
from actors.agent.outbox import ANSWER_LIMIT_CHARS, Outbox
from actors.agent.whole_answer import KEPT_FILES, WholeAnswer
from actors.runtime.clock import SystemClock
from actors.runtime.kit import Probe
from beaker.messages.base import TurnId
from beaker.messages.kernel import KernelMessage
from beaker.messages.turn import Ended


def written(folder: Path, *, turn: int = 1, at: float = 1e9) -> Path:
    whole = WholeAnswer(folder, turn=turn, at=at)
    whole.add("one ")
    whole.add("zwei ä\ud800")
    whole.close()
    return whole.path


def test_it_holds_all_that_was_added_and_is_the_users_alone(tmp_path: Path) -> None:
    path = written(tmp_path / "state" / "answers")
    assert path.read_text() == "one zwei ä?"
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_the_oldest_make_room(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("not ours")
    paths = [written(tmp_path, at=1e9 + second) for second in range(KEPT_FILES + 3)]
    assert sorted(tmp_path.glob("answer-*")) == paths[3:]
    assert (tmp_path / "notes.md").exists()


def test_two_conversations_of_one_process_do_not_share_a_file(tmp_path: Path) -> None:
    paths = {written(tmp_path), written(tmp_path), written(tmp_path)}
    assert len(paths) == 3
    assert {path.read_text() for path in paths} == {"one zwei ä?"}


def test_at_its_limit_the_file_says_so_and_grows_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole_answer, "FILE_LIMIT_BYTES", 6)
    path = written(tmp_path)
    assert path.read_text().startswith("one zw\n\n[The answer went on")


def giant(kernel: Probe[KernelMessage], answers: str) -> None:
    outbox = Outbox(kernel.ref("kernel"), TurnId(1), clock=SystemClock(), interval_s=0.0, answers=answers)
    for _ in range(30):
        outbox.say("word " * 2_000)
    outbox.end("error", reason="it failed", mark="*cut*")


def test_an_answer_too_long_to_be_shown_goes_on_in_a_file_that_its_notice_names(tmp_path: Path) -> None:
    kernel: Probe[KernelMessage] = Probe()
    giant(kernel, str(tmp_path))
    [path] = tmp_path.iterdir()
    [ended] = [message for message in kernel.seen if isinstance(message, Ended)]
    assert path.read_text() == "word " * 60_000 + "\n\n*cut*"
    shown, _, notice = ended.text.partition("\n\n*…")
    assert len(shown) == ANSWER_LIMIT_CHARS
    assert notice.endswith(f"is cut here; it stands whole in `{path}`.*")


@pytest.mark.parametrize(("answers", "words"), [("", "is cut here.*"), ("/proc/self/nowhere", "could not be kept: ")])
def test_where_no_file_can_be_the_notice_says_so(answers: str, words: str) -> None:
    kernel: Probe[KernelMessage] = Probe()
    giant(kernel, answers)
    [ended] = [message for message in kernel.seen if isinstance(message, Ended)]
    assert words in ended.text
    assert ended.text.count("\n\n*…") == 1
