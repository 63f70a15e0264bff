"""Code by the model in a real kernel: consent by stdin, modes, kills in mid-run."""

import os
import re
import signal
import time
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.kit.questions import PATIENCE_S, prompt, send
from tests.kit.running_kernel import Outcome, wait_until
from tests.kit.shared_kernel import SharedKernel
from tests.scripted.replies import Speak, ask_user, run
from tests.scripted.threaded import serving

pytestmark = pytest.mark.slow


def named(text: str) -> str:
    """The name of the newest approval in what is shown: kernels number them as long as they live."""
    return str(re.findall(r"\bA\d+\b", text)[-1])


def markdown(outcome: Outcome) -> str:
    """All displays of a cell, each as it was last drawn."""
    last: dict[str, str] = {}
    for message in outcome.outputs:
        if message["msg_type"].endswith("display_data"):
            last[message["content"]["transient"].get("display_id", "")] = message["content"]["data"].get("text/markdown", "")
    return "\n".join(last.values())


def printed(outcome: Outcome) -> str:
    """All that a cell prints, in however many pieces."""
    return "".join(message["content"]["text"] for message in outcome.outputs if message["msg_type"] == "stream")


def test_yes_runs_the_code_its_output_stands_in_the_cell_and_its_number_in_the_history(shared: SharedKernel) -> None:
    with shared.asking(run("answer = 6 * 7\nanswer", text="Let me compute."), Speak(text="It is 42.")) as (kernel, endpoint):
        asked = send(kernel, "%%ai what is it?")
        assert "answer = 6 * 7\nanswer" in prompt(kernel)
        kernel.client.input("y")
        outcome = kernel.outcome(asked, timeout_s=PATIENCE_S)
        assert outcome.status == "ok"
        (result,) = [m for m in outcome.outputs if m["msg_type"] == "execute_result"]
        assert result["content"]["data"]["text/plain"] == "42"
        number = outcome.reply["content"]["execution_count"]
        assert result["content"]["execution_count"] == number + 1
        text = markdown(outcome)
        assert text.index("Let me compute.") < text.index(f"runs as `[{number + 1}]`") < text.index("It is 42.")
        assert "42" in endpoint.results()[0]
        assert kernel.run(f"print(In[{number + 1}], Out[{number + 1}])").text == "answer = 6 * 7\nanswer 42\n"
        assert kernel.run("answer").text == "42"


def test_no_runs_nothing_and_edit_runs_what_the_user_wrote(shared: SharedKernel) -> None:
    with shared.asking(run("x = 1"), run("x = 2"), Speak(text="Done.")) as (kernel, endpoint):
        asked = send(kernel, "%%ai go")
        prompt(kernel)
        kernel.client.input("n")
        assert "x = 2" in (wanted := prompt(kernel))
        kernel.client.input("e")
        prompt(kernel)
        kernel.client.input("x = 3\ny = 4")
        assert f"{named(wanted)} would run your code:\n\nx = 3\ny = 4\n" in prompt(kernel)
        kernel.client.input("y")
        assert kernel.outcome(asked, timeout_s=PATIENCE_S).status == "ok"
        refused, edited = endpoint.results()
        assert "does not want" in refused
        assert "x = 3\ny = 4" in edited
        assert kernel.run("print(x, y)").text == "3 4\n"


def test_later_ends_the_cell_and_the_answer_goes_on_below_the_cell_that_allows(shared: SharedKernel) -> None:
    with shared.asking(run("print('ran', flush=True)"), Speak(text="There.")) as (kernel, _):
        asked = send(kernel, "%%ai go")
        name = named(prompt(kernel))
        kernel.client.input("l")
        parked = kernel.outcome(asked, timeout_s=PATIENCE_S)
        assert parked.status == "ok"
        assert f"waiting: `%beaker allow {name}` / `%beaker reject {name}`" in markdown(parked)
        assert name in kernel.run("%beaker status").text
        other = kernel.outcome(send(kernel, f"%beaker allow {name}"), timeout_s=PATIENCE_S)
        assert other.status == "ok"
        assert printed(other) == "ran\n"
        assert "There." in markdown(other)
        assert kernel.run(f"%beaker allow {name}").status == "error"


def test_a_parked_question_holds_up_no_other_question(shared: SharedKernel) -> None:
    with shared.asking(run("1"), Speak(text="The second."), Speak(text="The first.")) as (kernel, _):
        asked = send(kernel, "%%ai one")
        name = named(prompt(kernel))
        kernel.client.input("l")
        kernel.outcome(asked, timeout_s=PATIENCE_S)
        assert "The second." in markdown(kernel.outcome(send(kernel, "%%ai two"), timeout_s=PATIENCE_S))
        assert "The first." in markdown(kernel.outcome(send(kernel, f"%beaker reject {name}"), timeout_s=PATIENCE_S))


def test_all_cells_at_once_leave_no_prompt_open_and_the_consent_parks(shared: SharedKernel) -> None:
    with shared.asking(Speak(text="", calls=run("1 + 1").calls, stall_after=1), Speak(text="Fine.")) as (kernel, endpoint):
        asked = send(kernel, "%%ai go")
        behind = [send(kernel, "import time; print('begun', flush=True)\nwhile not done(): time.sleep(0.02)") for _ in range(1)]
        wait_until(lambda: endpoint.calls, timeout_s=PATIENCE_S, what="the model's call")
        assert kernel.reply(behind[0])["content"]["status"] == "error"  # `done` is not defined: it only shows that cells behind run
        running = send(kernel, "import time; time.sleep(60)")
        next(m for m in kernel.iopub(time.monotonic() + PATIENCE_S) if "sleep(60)" in m["content"].get("code", ""))
        endpoint.release()
        parked = kernel.reply(asked, timeout_s=PATIENCE_S)
        assert parked["content"]["status"] == "ok"
        assert not kernel.client.stdin_channel.msg_ready()
        kernel.client.control_channel.send(kernel.client.session.msg("interrupt_request", {}))
        assert kernel.reply(running, timeout_s=PATIENCE_S)["content"]["ename"] == "KeyboardInterrupt"
        name = named(kernel.run("%beaker status").text)
        allowed = kernel.outcome(send(kernel, f"%beaker allow {name}"), timeout_s=PATIENCE_S)
        assert "2" in allowed.text
        assert "Fine." in markdown(allowed)


def test_a_question_back_is_answered_by_number(shared: SharedKernel) -> None:
    with shared.asking(ask_user("Which?", "red", "blue"), Speak(text="Blue it is.")) as (kernel, endpoint):
        asked = send(kernel, "%%ai paint")
        assert "2. blue" in prompt(kernel)
        kernel.client.input("2")
        text = markdown(kernel.outcome(asked, timeout_s=PATIENCE_S))
        assert endpoint.results() == ["The user answered: blue"]
        assert text.index("> Which?") < text.index("**You answered:** blue") < text.index("Blue it is.")


def test_nbclient_ends_by_itself_with_the_code_as_text_and_nothing_was_run(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    script = [run(f"open({str(marker)!r}, 'w')"), Speak(text="I would run:\n\n```python\nopen('ran', 'w')\n```")]
    with serving(script) as endpoint, pytest.MonkeyPatch.context() as patch:
        for name, value in endpoint.environment.items():
            patch.setenv(name, value)
        blank: dict[str, Any] = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
        cells = [{**blank, "source": source} for source in ("%%ai go", "1 + 1")]
        notebook = nbformat.from_dict({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4})  # type: ignore[no-untyped-call]  # it has no types
        NotebookClient(notebook, kernel_name="beaker", timeout=60, iopub_timeout=60).execute()
        texts = [output["data"]["text/markdown"] for output in notebook.cells[0].outputs if output.output_type == "display_data"]
        assert texts[-2] == "I would run:"
        assert "open('ran', 'w')" in texts[-1]
        assert "mode is `plan`" in endpoint.results()[0]
        assert "You cannot run code in this question" in endpoint.asked[0]
    assert not marker.exists()


def test_a_killed_agent_leaves_the_code_running_once_and_the_next_question_works(tmp_path: Path, battered: SharedKernel) -> None:
    """FAULTS row 2."""
    counter = tmp_path / "counter"
    code = (
        "import os, time\nopen('counter', 'a').write('x')\nprint('begun', flush=True)\n"
        "while not os.path.exists('gate'): time.sleep(0.01)\nprint('ended', flush=True)"
    )
    with battered.asking(run(code), Speak(text="Next.")) as (kernel, _):
        number = kernel.run(f"%cd -q {tmp_path}").reply["content"]["execution_count"]
        asked = send(kernel, "%%ai --mode auto go")
        kernel.wait_for_print(asked, "begun", timeout_s=PATIENCE_S)
        kernel.wait_for_role("agent").kill()
        (tmp_path / "gate").touch()
        outcome = kernel.outcome(asked, timeout_s=PATIENCE_S)
        assert "ended\n" in printed(outcome)
        told = f" ran as cell [{number + 2}] and ended ok; the answer was cut behind it; asking again may run it again"
        assert told in outcome.text
        assert "Next." in markdown(kernel.outcome(send(kernel, "%%ai again"), timeout_s=PATIENCE_S))
    assert counter.read_text() == "x"


def test_a_killed_subkernel_in_the_middle_of_the_code_is_told_to_the_model(battered: SharedKernel) -> None:
    code = "import os\nprint(os.getpid(), flush=True)\nimport time\ntime.sleep(60)"
    with battered.asking(run(code), Speak(text="I see.")) as (kernel, endpoint):
        subkernel = kernel.subkernel_pid()
        asked = send(kernel, "%%ai go")
        prompt(kernel)
        kernel.client.input("y")
        kernel.wait_for_print(asked, str(subkernel), timeout_s=PATIENCE_S)
        kernel.wait_for_role("supervisor")
        os.kill(subkernel, signal.SIGKILL)
        assert kernel.reply(asked, timeout_s=PATIENCE_S)["content"]["status"] == "ok"
        assert "outcome is unknown" in endpoint.results()[0]
        assert kernel.run("1 + 1").text.endswith("2")


def test_a_stop_interrupts_the_code_and_no_further_call_follows(shared: SharedKernel) -> None:
    with shared.asking(run("import time\nprint('begun', flush=True)\ntime.sleep(60)"), Speak(text="never")) as (kernel, endpoint):
        asked = send(kernel, "%%ai --mode auto go")
        kernel.wait_for_print(asked, "begun", timeout_s=PATIENCE_S)
        kernel.client.control_channel.send(kernel.client.session.msg("interrupt_request", {}))
        outcome = kernel.outcome(asked, timeout_s=PATIENCE_S)
        assert outcome.status == "ok"
        is_late = "has not ended yet" in markdown(outcome)  # on a busy machine, where it needs more than the moment that it is given
        errors = [m["content"]["ename"] for m in outcome.outputs if m["msg_type"] == "error"]
        assert errors == ([] if is_late else ["KeyboardInterrupt"])
        assert re.search(r"\*\*A\d+\*\* was interrupted", markdown(outcome))
        assert kernel.run("1 + 1").text == "2", "the interpreter is free again"
        assert endpoint.calls == 1
