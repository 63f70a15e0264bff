"""`%%ai` in a real kernel: an answer that streams, a shell that does not wait, a Stop."""

import re
import socket
import time
from pathlib import Path

import pytest

from tests.kit.questions import CELL, PATIENCE_S, PATIENT_LOOKS, ask, displays, interrupt, until_text
from tests.kit.running_kernel import RunningKernel, running_kernel
from tests.kit.shared_kernel import SharedKernel
from tests.scripted.replies import STALL, Call, Reply, Speak, failure
from tests.scripted.serve import SCRIPTS
from tests.scripted.threaded import KEY, serving


def show_variable(name: str) -> Speak:
    return Speak(calls=[Call(name="show_variable", arguments=f'{{"name": "{name}"}}')])


def number_running(kernel: RunningKernel) -> int:
    """Of the one question that is being answered: a kernel numbers them as long as it lives."""
    found = re.search(r"running: (\d+)$", kernel.run("%beaker stop 7000").text)
    assert found
    return int(found[1])


def test_a_client_that_names_its_cells_gets_displays_that_are_updated(demo: RunningKernel) -> None:
    demo.run("%reset -f")
    demo.run("numbers = [1, 2, 3]")
    outcome = demo.outcome(ask(demo, "%%ai what variables do I have?", **CELL))
    assert outcome.status == "ok"
    shown = displays(outcome.outputs)
    assert [m["msg_type"] for m in shown[:2]] == ["display_data", "update_display_data"]
    made = [m["content"]["transient"]["display_id"] for m in shown if m["msg_type"] == "display_data"]
    last = {m["content"]["transient"]["display_id"]: m["content"]["data"]["text/markdown"] for m in shown}
    assert list(last) == made, "each is made once, then updated"
    said, done, answer = last.values()
    assert "demo model" in said
    assert "Looked at the variables: 1" in done
    assert "`numbers`" in answer
    assert "▍" not in "".join(last.values())


def test_a_client_that_does_not_gets_the_whole_answer_once(demo: RunningKernel) -> None:
    demo.run("numbers = [1, 2, 3]")
    outcome = demo.outcome(ask(demo, "%%ai what variables do I have?"))
    shown = displays(outcome.outputs)
    assert {m["msg_type"] for m in shown} == {"display_data"}
    said, done, answer = (m["content"]["data"]["text/plain"] for m in shown)
    assert "demo model" in said
    assert done.startswith("· Looked at the variables")
    assert "`numbers`" in answer
    assert "▍" not in answer


def test_a_proposed_cell_stands_in_the_answer_and_comes_as_the_next_cell(demo: RunningKernel) -> None:
    demo.run("import pandas as pd; frame = pd.DataFrame({'a': [1, 2]})")
    outcome = demo.outcome(ask(demo, "%%ai describe frame", **CELL))
    (payload,) = outcome.reply["content"]["payload"]
    assert (payload["source"], payload["replace"]) == ("set_next_input", False)
    (framed,) = {text for each in displays(outcome.outputs) if "**[1]**" in (text := each["content"]["data"]["text/markdown"])}
    assert payload["text"] in framed
    assert demo.run(payload["text"]).status == "ok"


def test_a_question_takes_a_number_in_the_subkernel_too(demo: RunningKernel) -> None:
    number = demo.run("40 + 1").reply["content"]["execution_count"]
    asked = demo.run("%%ai what variables do I have?")
    assert asked.reply["content"]["execution_count"] == number + 1
    assert [m["content"]["execution_count"] for m in asked.outputs if m["msg_type"] == "execute_input"] == [number + 1]
    after = demo.run("40 + 2")
    assert after.reply["content"]["execution_count"] == number + 2
    assert demo.run(f"Out[{number + 2}]").text == "42"
    assert demo.run(f"print(In[{number + 1}])").text == "# %%ai what variables do I have?\n"


def test_a_question_behind_an_aborted_queue_shows_the_number_it_really_got(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    # The answer ends when the queue has been aborted, however slow the machine is; its agent has yet to start.
    with serving([STALL]) as endpoint, running_kernel(env=endpoint.environment) as kernel:
        kernel.run("import os, time")
        number = kernel.run("0").reply["content"]["execution_count"]
        # What the kernel process has passed on by then is a thread away from being in the queue.
        failing = kernel.send(f"while not os.path.exists({str(gate)!r}): time.sleep(0.01)\ntime.sleep(0.3); 1 / 0")
        aborted = kernel.send("2")
        asked = kernel.send("%%ai how long?")
        kernel.reply(kernel.client.complete("%beaker sta", 11))  # ours answers, and has passed on what came before
        gate.touch()
        assert kernel.outcome(failing).reply["content"]["execution_count"] == number + 1
        assert kernel.reply(aborted)["content"]["status"] == "aborted"
        endpoint.wait_until_stalled()
        endpoint.release()
        assert kernel.reply(asked)["content"]["execution_count"] == number + 2
        assert kernel.run("3").reply["content"]["execution_count"] == number + 3


def test_looking_runs_nothing_in_the_session_and_leaves_no_name(demo: RunningKernel) -> None:
    demo.run("before = None; calls = []; get_ipython().events.register('pre_run_cell', lambda info: calls.append(info.raw_cell))")
    demo.run("import sys; before = (set(globals()), set(sys.modules)); calls.clear()")
    demo.outcome(ask(demo, "%%ai what variables do I have?", **CELL))
    changed = demo.run("print(set(globals()) ^ before[0] - {'_'}, sorted(set(sys.modules) - before[1]))").text
    ran = demo.run("print(calls[:-2])").text
    demo.run("get_ipython().events.callbacks['pre_run_cell'].clear()")
    assert ran == "['# %%ai what variables do I have?']\n", "only the comment that takes the number"
    assert not [name for name in changed.split("'") if name.isidentifier() and not name.startswith("_")]


def test_an_endpoint_that_stalls_holds_no_cell_back_and_an_interrupt_ends_the_question(stalling: RunningKernel) -> None:
    asked = ask(stalling, "%%ai how long?", **CELL)
    until_text(stalling, asked, "one")
    started = time.monotonic()
    for number in range(20):
        assert stalling.run(f"{number} + 1").text == str(number + 1)
    assert time.monotonic() - started < 30, "the model is silent for two minutes"
    stopping = time.monotonic()
    interrupt(stalling)
    stopped = stalling.outcome(asked)
    assert time.monotonic() - stopping < 15
    assert stopped.status == "ok"
    assert displays(stopped.outputs)[-1]["content"]["data"]["text/markdown"].endswith("*stopped*")


def test_an_interrupt_ends_the_running_cell_first_and_leaves_the_question(stalling_battered: RunningKernel) -> None:
    kernel = stalling_battered  # an interrupt soon behind another test's would end both
    asked = ask(kernel, "%%ai how long?", **CELL)
    until_text(kernel, asked, "one")
    running = kernel.send("import time; print('on'); time.sleep(60)")
    kernel.wait_for_print(running)
    interrupt(kernel)
    assert kernel.outcome(running).reply["content"]["ename"] == "KeyboardInterrupt"
    assert "how long" not in (status := kernel.run("%beaker status").text)
    assert re.search("^questions ", status, re.MULTILINE)
    assert kernel.run(f"%beaker stop {number_running(kernel)}").status == "ok"
    assert kernel.reply(asked)["content"]["status"] == "ok"


def test_stop_names_the_questions_that_run(stalling: RunningKernel) -> None:
    refused = stalling.run("%beaker stop 7000")
    assert (refused.status, refused.text) == ("error", "no question 7000 is being answered")
    asked = ask(stalling, "%%ai one", **CELL)
    until_text(stalling, asked, "one")
    assert number_running(stalling)
    assert stalling.run("%beaker stop").status == "ok"
    assert stalling.reply(asked)["content"]["status"] == "ok"


def test_a_killed_agent_is_told_with_the_text_so_far_and_the_next_question_works(stalling_battered: RunningKernel) -> None:
    kernel = stalling_battered
    asked = ask(kernel, "%%ai how long?", **CELL)
    until_text(kernel, asked, "one")
    agent = kernel.wait_for_role("agent")
    killed = time.monotonic()
    agent.kill()
    cut = kernel.outcome(asked)
    assert time.monotonic() - killed < 15
    assert cut.status == "error"
    assert "the agent was restarted and this answer was cut" in cut.text
    assert kernel.run("1 + 1").text == "2"
    again = ask(kernel, "%%ai again", **CELL)
    until_text(kernel, again, "one")
    kernel.run("%beaker stop")
    kernel.reply(again)


def test_in_the_background_the_cell_is_done_at_once_and_its_display_goes_on(demo: RunningKernel) -> None:
    asked = ask(demo, "%%ai --background what variables do I have?", **CELL)
    early = demo.outcome(asked)
    assert early.status == "ok"
    for message in demo.iopub(time.monotonic() + PATIENCE_S):
        text = message["content"].get("data", {}).get("text/markdown", "")
        if message["msg_type"] == "update_display_data" and "session holds" in text and "▍" not in text and " real " in text:
            assert message["parent_header"]["msg_id"] == asked
            return
    raise AssertionError("the display did not go on")


@pytest.mark.parametrize(
    ("script", "words"),
    [("unauthorized", "OPENAI_API_KEY"), ("broken", "500"), ("malformed", ""), ("cut", ""), ("bare-error", "model is loading")],
)
def test_what_goes_wrong_at_the_endpoint_is_a_sentence_and_no_traceback(script: str, words: str, shared: SharedKernel) -> None:
    with shared.asking(*SCRIPTS[script]) as (kernel, _):
        failed = kernel.outcome(ask(kernel, "%%ai hello", **CELL))
        assert failed.status == "error"
        assert words in failed.text
        assert "Traceback" not in str(failed.reply)
        assert KEY not in str(failed.reply)
        assert kernel.run("1 + 1").text == "2"


def test_a_socket_that_somebody_else_has_is_named_with_the_remedy() -> None:
    with running_kernel() as kernel, socket.socket(socket.AF_UNIX) as other:
        path = kernel.runtime_folder / "kernel.sock"
        other.bind(str(path))
        other.listen()
        refused = kernel.run("%%ai hello")
        assert refused.status == "error"
        assert f"another process listens at {path}" in refused.text
        assert "End that process and ask again" in refused.text
        other.close()
        assert kernel.run("%%ai hello").status == "ok"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("%%ai", "There is no question"),
        ("%%ai --fast hi", "--model"),
        ("%beaker frobnicate", "help, status, restart, config, stop"),
    ],
)
def test_bad_input_gets_a_sentence_with_the_remedy(demo: RunningKernel, code: str, words: str) -> None:
    refused = demo.run(code)
    assert refused.status == "error"
    assert words in refused.text


def test_completion_and_help_for_our_cells_come_from_us_and_others_from_the_subkernel(demo: RunningKernel) -> None:
    client = demo.client
    demo.run("%config IPCompleter.use_jedi = False")  # it would read all of `builtins` for seconds, to say the same
    assert demo.reply(client.complete("%beaker sta", 11))["content"]["matches"] == ["status"]
    assert "Shows the kernel that runs" in demo.reply(client.inspect("%beaker status", 10))["content"]["data"]["text/plain"]
    assert demo.reply(client.is_complete("%%ai what"))["content"]["status"] == "incomplete"
    assert demo.reply(client.is_complete("1 +"))["content"]["status"] == "invalid"
    assert any("print" in match for match in demo.reply(client.complete("prin", 4))["content"]["matches"])


def test_status_looks_from_outside_while_a_cell_runs(demo: RunningKernel) -> None:
    running = demo.send("import time\nfor _ in range(600): time.sleep(0.1)")
    next(m for m in demo.iopub(time.monotonic() + 30) if m["msg_type"] == "execute_input" and "sleep" in m["content"]["code"])
    assert "runs for" in demo.run("%beaker status").text
    interrupt(demo)
    assert demo.reply(running)["content"]["status"] == "error"


def test_a_question_while_a_cell_plots_leaves_the_figure_whole(tmp_path: Path, shared: SharedKernel) -> None:
    gate = tmp_path / "gate"
    drawing = (
        "import os, time, matplotlib.pyplot as plt\nfigure, axes = plt.subplots(figsize=(2, 1))\naxes.plot([1, 2])\n"
        f"print('drawing', flush=True)\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.01)\n"
        "axes.plot([2, 1])\nprint('lines', len(plt.gcf().axes[0].lines), plt.get_fignums())"
    )
    with shared.asking(*SCRIPTS["propose"]) as (kernel, _):
        running = kernel.send(drawing)
        kernel.wait_for_print(running, "drawing", timeout_s=60)
        until_text(kernel, ask(kernel, "%%ai what is there?", **CELL), "Run it.")
        gate.touch()
        outcome = kernel.outcome(running, timeout_s=30)
        assert "lines 2 [1]\n" in outcome.text
        assert [m["msg_type"] for m in outcome.outputs].count("display_data") == 1
        assert kernel.run("plt.get_fignums()").text == "[]"


def test_the_next_question_sees_what_the_model_looked_at_though_its_agent_was_killed(shared: SharedKernel) -> None:
    script = [show_variable("numbers"), Speak(text="Three."), Speak(text="Still three."), Speak(text="I saw it.")]
    with shared.asking(*script) as (kernel, endpoint):
        kernel.run("numbers = [1, 2, 3]")
        for code in ("%%ai how many?", "%%ai and now?", "%beaker restart agent", "%%ai are you sure?"):
            assert kernel.run(code).status == "ok"
        for request in endpoint.endpoint.requests[2:]:
            messages = request.body["messages"]
            asked = [call["id"] for message in messages for call in message.get("tool_calls", [])]
            told = [message["tool_call_id"] for message in messages if message["role"] == "tool"]
            assert asked == told == [asked[0]], "each call has exactly one result"
            assert "list of 3 items" in next(message["content"] for message in messages if message["role"] == "tool")
        assert endpoint.calls == 4


def test_a_model_without_tools_reads_what_was_looked_at_for_earlier_answers() -> None:
    script: list[Reply] = [
        show_variable("numbers"),
        Speak(text="Three."),
        failure(400, "scripted-1 does not support tools"),
        Speak(text="So I read."),
    ]
    with serving(script) as endpoint, running_kernel(env={**endpoint.environment, **PATIENT_LOOKS}) as kernel:
        kernel.run("numbers = [1, 2, 3]")
        for code in ("%%ai how many?", "%%ai and now?"):
            assert kernel.run(code).status == "ok"
        messages = endpoint.endpoint.requests[-1].body["messages"]
        assert [message["role"] for message in messages] == ["system", "user", "assistant", "user"]
        assert "list of 3 items" in messages[1]["content"]
        assert "tools" not in endpoint.endpoint.requests[-1].body
