"""Answers, calls and results of 20 MB and more: cut with a notice, whole in a file, and cheap in the agent's memory."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.kit.questions import CELL, ask, displays
from tests.kit.running_kernel import Outcome, RunningKernel
from tests.kit.shared_kernel import SharedKernel
from tests.scripted.replies import Answer, Raw, Reply, Speak, list_variables, run
from tests.scripted.threaded import ThreadedEndpoint

pytestmark = pytest.mark.slow

PIECE = "word " * 13_000
"""65 kB."""
PIECES = 320
SIZE = PIECES * len(PIECE)
"""Just above 20 MB."""
END = b'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'


def event(delta: dict[str, Any], reason: str | None = None) -> bytes:  # Any: JSON
    return b"data: " + json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}).encode() + b"\n\n"


def question(kernel: RunningKernel, code: str = "%%ai how long?") -> Outcome:
    return kernel.outcome(ask(kernel, code, **CELL), timeout_s=90)


def last_text(outcome: Outcome) -> str:
    return str(displays(outcome.outputs)[-1]["content"]["data"]["text/markdown"])


def peak_bytes(process: psutil.Process) -> int:
    """The most memory that a process ever had."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])


class Asked:
    """A kernel whose agent has answered once, so that what it loads is loaded; and what its memory grew by since."""

    def __init__(self, kernel: RunningKernel, endpoint: ThreadedEndpoint) -> None:
        self.kernel = kernel
        self.endpoint = endpoint
        assert question(kernel).status == "ok"
        self.agent = kernel.wait_for_role("agent")
        self._before: int = self.agent.memory_info().rss

    @property
    def growth_bytes(self) -> int:
        """At the peak."""
        return peak_bytes(self.agent) - self._before

    def sent_again(self) -> int:
        """How much the model was sent with the newest request."""
        return len(json.dumps(self.endpoint.endpoint.requests[-1].body["messages"]))


@contextmanager
def asked(shared: SharedKernel, *script: Reply) -> Iterator[Asked]:
    with shared.asking(Speak(text="short"), *script) as (kernel, endpoint):
        kernel.run("%beaker restart agent")  # the peak of its memory is of this test
        yield Asked(kernel, endpoint)
        kernel.run("%beaker restart agent")  # what it has learned of its model is of no other


@pytest.mark.parametrize(
    ("pieces", "times"),
    [([event({"content": PIECE})] * PIECES, 3), ([event({"content": PIECE * PIECES})], 5)],
    ids=["many pieces", "one piece, of which the SDK makes four copies"],
)
def test_a_giant_answer_is_cut_with_a_notice_and_stands_whole_in_a_file(pieces: list[bytes], times: int, shared: SharedKernel) -> None:
    with asked(shared, Raw(pieces=[*pieces, END]), Speak(text="after")) as stage:
        answered = question(stage.kernel)
        assert answered.status == "ok"
        last = last_text(answered)
        assert len(last) < 250_000
        assert "is cut here" in last
        path = Path(last.rpartition("whole in `")[2].partition("`")[0])
        assert (path.stat().st_size, path.stat().st_mode & 0o777) == (SIZE, 0o600)
        assert path.is_relative_to(stage.kernel.env["XDG_STATE_HOME"])
        assert stage.growth_bytes < times * SIZE
        assert question(stage.kernel).status == "ok"
        assert stage.sent_again() < 1_000_000, "the model is not sent its giant answer again"


def test_a_giant_tool_call_is_refused_and_the_model_told(shared: SharedKernel) -> None:
    head = {"index": 0, "id": "a", "type": "function", "function": {"name": "propose_cell", "arguments": '{"code": "'}}
    fragment = {"index": 0, "function": {"arguments": PIECE}}
    pieces = [event({"tool_calls": [head]}), *[event({"tool_calls": [fragment]})] * PIECES, event({}, "tool_calls"), b"data: [DONE]\n\n"]
    with asked(shared, Raw(pieces=pieces), Speak(text="shorter")) as stage:
        answered = question(stage.kernel)
        assert (answered.status, last_text(answered)) == ("ok", "shorter")
        told = stage.endpoint.endpoint.requests[-1].body["messages"][-1]["content"]
        assert "Make them shorter" in told
        assert stage.growth_bytes < 3 * SIZE
        assert stage.sent_again() < 1_000_000


def test_a_giant_answer_that_is_no_stream_is_a_short_sentence(shared: SharedKernel) -> None:
    body = json.dumps({"error": {"message": "no, because " + PIECE * PIECES}}).encode()
    with asked(shared) as stage:
        for status in (200, 400):
            stage.endpoint.follow([Answer(status=status, body=body)])
            failed = question(stage.kernel)
            assert failed.status == "error"
            assert "no, because" in failed.text
            assert len(failed.reply["content"]["evalue"]) < 1_000
        assert stage.growth_bytes < 3 * SIZE


def test_a_giant_output_of_code_by_the_model_reaches_the_notebook_whole_and_the_model_in_a_part_with_a_handle(shared: SharedKernel) -> None:
    code = f"for _ in range({PIECES}):\n    print({PIECE[:5]!r} * 13_000, end='')"
    with asked(shared, run(code), Speak(text="long")) as stage:
        answered = stage.kernel.run("%%ai --mode auto print much", timeout_s=90)
        assert answered.status == "ok"
        # Among what a client without cells is told of the answer, which comes as a stream too.
        told = "".join(m["content"]["text"] for m in answered.outputs if m["msg_type"] == "stream")
        assert PIECE * PIECES in told
        result = stage.endpoint.endpoint.requests[-1].body["messages"][-1]["content"]
        assert 1_000 < len(result.encode()) <= 32_000
        assert "the whole of it has the handle output-" in result
        assert stage.growth_bytes < SIZE


def test_a_giant_tool_result_reaches_the_model_in_pieces_that_it_can_read(shared: SharedKernel) -> None:
    with shared.asking(list_variables(), Speak(text="many")) as (kernel, endpoint):
        kernel.run("globals().update({f'a_rather_long_name_{n}': 'x' * 1000 for n in range(5000)})")
        assert question(kernel, "%%ai what is there?").status == "ok"
        result = endpoint.endpoint.requests[-1].body["messages"][-1]
        assert result["role"] == "tool"
        assert 100 < len(result["content"].encode()) <= 32_000


def test_what_a_model_says_to_itself_without_end_is_not_kept(shared: SharedKernel) -> None:
    thoughts = [event({"reasoning_content": PIECE})] * PIECES
    with asked(shared, Raw(pieces=[*thoughts, event({"content": "at last"}), END])) as stage:
        answered = question(stage.kernel)
        assert (answered.status, last_text(answered)) == ("ok", "at last")
        assert stage.growth_bytes < SIZE
