"""Endpoints that refuse, throttle, stall, break off or never end, seen from a real kernel through the real SDK.

Every duration is a setting, and here a tenth or less of its default; what is waited for has a generous ceiling.
"""

import json
import socket
import statistics
import time
from pathlib import Path

import pytest

from beaker.waiting_limit import WAITING_LIMIT
from tests.kit.questions import CELL, ask, displays, interrupt, until_text
from tests.kit.running_kernel import Outcome, RunningKernel, running_kernel, wait_until
from tests.kit.shared_kernel import SharedKernel
from tests.scripted.replies import BARE_ERROR, CUT, MALFORMED, NO_FINISH, STALL, Call, Reply, Speak, bad_call, failure, list_variables
from tests.scripted.threaded import KEY, ThreadedEndpoint, environment_for, serving

pytestmark = pytest.mark.slow

SOON_S = 15.0
"""For what is promised in 0.3 s: what it ends would take most of a minute and more."""


def question(kernel: RunningKernel, code: str = "%%ai how long?") -> Outcome:
    return kernel.outcome(ask(kernel, code, **CELL), timeout_s=60)


def shown(outcome: Outcome) -> list[str]:
    """The texts of the answer's display, oldest first."""
    return [message["content"]["data"]["text/markdown"] for message in displays(outcome.outputs)]


def logs_of(kernel: RunningKernel) -> str:
    return "".join(path.read_text() for path in Path(kernel.env["XDG_STATE_HOME"]).rglob("*.jsonl*"))


def test_a_refused_key_is_one_call_a_sentence_and_nowhere_the_key(shared: SharedKernel) -> None:
    with shared.asking(failure(401, f"Incorrect API key provided: {KEY}")) as (kernel, endpoint):
        failed_before = logs_of(kernel).count("model.failed")
        refused = question(kernel)
        assert (refused.status, endpoint.calls) == ("error", 1)
        words = (
            f"The endpoint {endpoint.endpoint.base_url} refused the key (status 401). It comes from environment OPENAI_API_KEY: "
            "set a valid one where Jupyter is started, and start Jupyter again."
        )
        assert refused.reply["content"]["evalue"] == words
        assert refused.reply["content"]["traceback"] == [f"\x1b[0;31mAgentError\x1b[0m: {words}"]
        assert KEY not in json.dumps([refused.reply, refused.outputs], default=str)
        wait_until(lambda: logs_of(kernel).count("model.failed") > failed_before, what="the agent's log")
        assert KEY not in logs_of(kernel)


def test_a_throttled_call_waits_as_long_as_it_is_asked_to_and_says_so(shared: SharedKernel) -> None:
    with shared.asking(failure(429, "slow down", headers={"Retry-After": "1"}), Speak(text="now")) as (kernel, endpoint):
        answered = question(kernel)
        first, second = endpoint.endpoint.requests
        assert answered.status == "ok"
        assert second.at - first.at >= 1.0
        assert any("waiting 1 s (2 of 3)" in text for text in shown(answered))
        assert shown(answered)[-1].endswith("now")


def test_a_wait_for_the_next_attempt_is_ended_at_once_by_an_interrupt(shared: SharedKernel) -> None:
    with shared.asking(failure(429, "slow down", headers={"Retry-After": "50"})) as (kernel, endpoint):
        asked = ask(kernel, "%%ai how long?", **CELL)
        until_text(kernel, asked, "waiting 50 s")
        stopping = time.monotonic()
        interrupt(kernel)
        assert kernel.outcome(asked).status == "ok"
        assert time.monotonic() - stopping < SOON_S
        assert endpoint.calls == 1


def test_a_wait_beyond_the_limit_is_an_error_that_names_the_time(shared: SharedKernel) -> None:
    with shared.asking(failure(429, "slow down", headers={"Retry-After": "3600"})) as (kernel, endpoint):
        refused = question(kernel)
        assert (refused.status, endpoint.calls) == ("error", 1)
        assert "ask again after " in refused.text
        assert "agent.retry_after_limit_s" in refused.text


def test_an_endpoint_that_fails_is_tried_three_times_and_then_one_error(shared: SharedKernel) -> None:
    with shared.asking(failure(500, "out of order")) as (kernel, endpoint):
        failed = question(kernel)
        assert (failed.status, endpoint.calls) == ("error", 3)
        assert "Tried 3 times" in failed.text
        assert any("2 of 3" in text for text in shown(failed))
        assert sum(message["msg_type"] == "error" for message in failed.outputs) == 1


def test_a_question_that_fails_aborts_none_of_the_cells_queued_behind_it(tmp_path: Path, shared: SharedKernel) -> None:
    gate = tmp_path / "open"
    with shared.asking(failure(401, "Incorrect API key provided")) as (kernel, _):
        number = kernel.run("0").reply["content"]["execution_count"]
        slow = kernel.send(f"import os, time\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.02)")
        asked = ask(kernel, "%%ai how long?", **CELL)
        behind = [ask(kernel, f"{number} + 40") for number in (2, 3)]
        assert kernel.reply(asked, timeout_s=60)["content"]["status"] == "error"
        gate.touch()
        replies = [kernel.reply(msg_id, timeout_s=60)["content"] for msg_id in (slow, *behind)]
        assert {reply["status"] for reply in replies} == {"ok"}
        assert [reply["execution_count"] - number for reply in replies] == [1, 3, 4]


def test_a_connection_that_is_refused_or_never_made_is_given_up_after_three_attempts_with_a_sentence_and_the_address() -> None:
    with socket.socket() as taken, socket.socket() as first, socket.socket() as second:
        taken.bind(("127.0.0.1", 0))  # bound but not listening: refuses
        base_url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        with running_kernel(env={**environment_for(base_url), "BEAKER_AGENT_CONNECT_TIMEOUT_S": "0.3"}) as kernel:
            failed = question(kernel)
            assert failed.status == "error"
            assert base_url in failed.text
            assert "Tried 3 times" in failed.text
            taken.listen(0)
            for each in (first, second):  # a full backlog drops what comes next
                each.setblocking(False)
                each.connect_ex(taken.getsockname())
            failed = question(kernel)
            assert failed.status == "error"
            assert f"No connection to {base_url} within 0.3 s" in failed.text
            assert "Tried 3 times" in failed.text
            assert kernel.run("1 + 1").text == "2"


@pytest.mark.parametrize(
    ("reply", "kept", "calls"),
    [(CUT, "one two", 1), (MALFORMED, "one", 1), (NO_FINISH, "one two", 1), (BARE_ERROR, "", 3)],
    ids=["cut", "malformed", "no finish reason", "bare error"],
)
def test_half_an_answer_is_never_taken_for_a_whole_one(reply: Reply, kept: str, calls: int, shared: SharedKernel) -> None:
    with shared.asking(reply) as (kernel, endpoint):
        failed = question(kernel)
        assert (failed.status, endpoint.calls) == ("error", calls)
        last = shown(failed)[-1]
        assert kept in last
        assert ("the answer was cut here" in last) is bool(kept)


def test_a_stall_fails_at_its_limit_with_the_text_so_far_and_after_an_interrupt_an_endless_tool_loop_calls_no_more() -> None:
    limits = {"BEAKER_AGENT_WAITING_WORDS_AFTER_S": "0.3", "BEAKER_AGENT_SILENCE_TIMEOUT_S": "2", "BEAKER_AGENT_STEP_LIMIT": "1000"}
    with serving([STALL]) as endpoint, running_kernel(env={**endpoint.environment, **limits}) as kernel:
        failed = question(kernel)
        assert (failed.status, endpoint.calls) == ("error", 1)
        assert any("one two" in text and "no data for" in text for text in shown(failed))
        assert "sent nothing more for 2 s (agent.silence_timeout_s)" in failed.text
        assert shown(failed)[-1].startswith("one two")
        endpoint.follow([list_variables()])
        _calls_no_more_after_an_interrupt(kernel, endpoint)


def _calls_no_more_after_an_interrupt(kernel: RunningKernel, endpoint: ThreadedEndpoint) -> None:
    """A tool loop that would go on for a thousand steps."""
    asked = ask(kernel, "%%ai for ever?", **CELL)
    wait_until(lambda: endpoint.calls >= 3, timeout_s=30, what="the third call")
    interrupt(kernel)
    kernel.outcome(asked)
    assert kernel.run("%beaker model").status == "ok"  # the agent answers this behind the Stop
    calls = endpoint.calls
    time.sleep(1.0)  # the promise: none within a second
    assert endpoint.calls == calls
    assert kernel.run("1 + 1").text == "2"


def test_while_an_endpoint_stalls_cells_completion_and_interrupts_are_as_quick_as_ever(shared: SharedKernel) -> None:
    with shared.asking(STALL) as (kernel, _):
        kernel.run("import time")

        def cell() -> float:
            began = time.perf_counter()
            assert kernel.run("1").status == "ok"
            return time.perf_counter() - began

        def completion() -> float:
            began = time.perf_counter()
            kernel.reply(kernel.client.complete("time.slee", 9))
            return time.perf_counter() - began

        for look in (cell, completion):
            look()
        idle = [statistics.median(look() for _ in range(20)) for look in (cell, completion)]
        asked = ask(kernel, "%%ai how long?", **CELL)
        until_text(kernel, asked, "one two")
        stalled = [statistics.median(look() for _ in range(20)) for look in (cell, completion)]
        # The figure is 1.1, and `make bench` has it. A kernel that waited for the model would do so for ever, or for its patience.
        assert stalled[0] < 10 * idle[0] + 1
        assert stalled[1] < 10 * idle[1] + 1
        running = kernel.send("print('on'); time.sleep(60)")
        kernel.wait_for_print(running)
        began = time.perf_counter()
        interrupt(kernel)
        assert kernel.outcome(running).reply["content"]["ename"] == "KeyboardInterrupt"
        assert time.perf_counter() - began < SOON_S
        kernel.run("%beaker stop")
        assert kernel.reply(asked)["content"]["status"] == "ok"


BAD_CALLS: list[tuple[Reply, str]] = [
    (
        bad_call(),
        "The arguments of propose_cell could not be read: Input data was truncated. They must be JSON of this schema: {propose_cell}",
    ),
    (Speak(calls=[Call(name="frobnicate", arguments="{}")]), "There is no tool 'frobnicate'. The tools are: {tools}."),
]


@pytest.mark.parametrize(("reply", "words"), BAD_CALLS, ids=["invalid arguments", "unknown tool"])
def test_a_model_that_repeats_bad_calls_for_ever_is_ended_after_three_repairs(reply: Reply, words: str, shared: SharedKernel) -> None:
    with shared.asking(reply) as (kernel, endpoint):
        failed = question(kernel)
        assert (failed.status, endpoint.calls) == ("error", 4)
        offered = {tool["function"]["name"]: tool["function"]["parameters"] for tool in endpoint.endpoint.requests[0].body["tools"]}
        schema = json.dumps(offered["propose_cell"], separators=(",", ":"))
        words = words.replace("{propose_cell}", schema).replace("{tools}", ", ".join(offered))
        assert endpoint.results()[-1] == words
        reason = f"The model made a tool call that cannot be made 4 times in a row (agent.repair_limit). The last: {words}"
        assert failed.reply["content"]["evalue"] == reason


def test_an_endless_tool_loop_ends_at_the_step_limit(shared: SharedKernel) -> None:
    with shared.asking(list_variables()) as (kernel, endpoint):
        ended = question(kernel)
        assert ended.status == "error"
        assert "agent.step_limit" in ended.text
        assert endpoint.calls <= 25


def test_a_model_that_is_told_its_last_step_says_what_it_did(shared: SharedKernel) -> None:
    with shared.asking(*[list_variables()] * 24, Speak(text="I looked 24 times.")) as (kernel, endpoint):
        ended = question(kernel)
        assert (ended.status, endpoint.calls) == ("ok", 25)
        last = endpoint.endpoint.requests[-1].body
        assert last["tool_choice"] == "none"
        assert "say in a few sentences what you found and what is still open" in last["messages"][-1]["content"]
        assert "I looked 24 times." in ended.text
        assert "all of its 25 steps (agent.step_limit)" in ended.text


def test_a_flood_of_questions_is_refused_beyond_the_queue_and_a_stop_overtakes_it(shared: SharedKernel) -> None:
    with shared.asking(STALL) as (kernel, endpoint):
        asked = [ask(kernel, "%%ai how long?", **CELL) for _ in range(WAITING_LIMIT + 51)]
        refused = [kernel.outcome(msg_id, timeout_s=60) for msg_id in asked[WAITING_LIMIT + 1 :]]
        assert {each.status for each in refused} == {"error"}
        assert all("questions are waiting already" in each.text for each in refused)
        wait_until(lambda: endpoint.calls == 1, timeout_s=30, what="the first call")
        assert kernel.run("1 + 1", timeout_s=60).text == "2"
        stopping = time.monotonic()
        assert kernel.run("%beaker stop", timeout_s=60).status == "ok"
        assert {kernel.reply(msg_id, timeout_s=60)["content"]["status"] for msg_id in asked[: WAITING_LIMIT + 1]} == {"ok"}
        assert time.monotonic() - stopping < 2 * SOON_S, "of each it would be as long as it stalls"
        assert endpoint.calls == 1
