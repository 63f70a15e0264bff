"""FAULTS 1, 7, 8 and 9 by a gateway: what becomes of questions, of an open consent and of the conversation when a part of it is killed."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from beaker.kernel.kept import decode
from tests.kit.gateway_kernel import GatewayKernel, asked_gateway_kernel
from tests.kit.questions import PATIENCE_S, prompt, send, until_text
from tests.kit.running_kernel import KernelInUse, wait_until
from tests.kit.shared_kernel import SharedKernel
from tests.questions.test_consent import markdown, named
from tests.scripted.replies import STALL, Speak, run
from tests.system.faults.test_front_death import test_an_input_that_was_open_when_the_process_was_replaced_takes_its_answer

__all__ = ["test_an_input_that_was_open_when_the_process_was_replaced_takes_its_answer"]  # it is collected here too

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("questions after deaths in a gateway")]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SharedKernel]:
    """Of a gateway that loses its host in each test: six times within 30 s it would give up."""
    kernel = SharedKernel(tmp_path_factory.mktemp("shared"), start=asked_gateway_kernel)
    yield kernel
    kernel.close()


@pytest.fixture
def kernel(shared: SharedKernel) -> Iterator[GatewayKernel]:
    with shared.asking() as (kernel, _):
        yield of_a_gateway(kernel)


def of_a_gateway(kernel: KernelInUse) -> GatewayKernel:
    assert isinstance(kernel, GatewayKernel)
    return kernel


def gated(gate: Path) -> str:
    """A cell that waits for a file."""
    return f"import os, time\nprint('on', flush=True)\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.02)\nprint('through')"


def wait_until_kept(kernel: GatewayKernel, answer: str) -> None:
    """Return once an answer is on disk: it is written behind it."""
    file = kernel.runtime_folder / "conversation"

    def there() -> bool:
        kept = decode(file.read_bytes()) if file.exists() else None
        return kept is not None and answer in str(kept.talks)

    wait_until(there, what="the conversation on disk")


def test_a_consent_that_stood_open_when_the_host_was_killed_is_asked_again_and_a_running_cell_goes_on(
    shared: SharedKernel, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    with shared.asking(run("x = 1"), run("x = 2"), Speak(text="Done.")) as (kernel, endpoint):
        asked = send(kernel, "%%ai go")
        lost = named(prompt(kernel))
        running = kernel.send(gated(gate))
        kernel.wait_for_print(running)
        kernel.replace_front()
        cut = kernel.reply(asked, timeout_s=PATIENCE_S)["content"]
        assert (cut["status"], cut["ename"]) == ("error", "KernelReattached")
        assert cut["evalue"].endswith("; ask again")
        kernel.client.input("y")  # to the prompt that is still on the screen
        gate.touch()
        ended = kernel.outcome(running, timeout_s=PATIENCE_S)
        assert ended.status == "ok"
        assert ended.text.endswith("through\n")
        assert kernel.run("'x' in globals()").text.endswith("False"), "nothing of it was run"
        gone = kernel.run(f"%beaker allow {lost}")
        assert gone.status == "error"
        assert endpoint.calls == 1

        again = send(kernel, "%%ai go")
        wanted = prompt(kernel)
        assert "x = 2" in wanted
        assert named(wanted) != lost
        kernel.client.input("y")
        assert "Done." in markdown(kernel.outcome(again, timeout_s=PATIENCE_S))
        assert kernel.run("x").text == "2"


def test_an_answer_that_was_cut_by_the_death_of_the_host_keeps_its_text_and_is_told(shared: SharedKernel) -> None:
    with shared.asking(STALL, Speak(text="Whole.")) as (kernel, _):
        kernel.run("x = 7")
        asked = send(kernel, "%%ai how long?")
        until_text(kernel, asked, "one")
        kernel.replace_front()
        cut = kernel.outcome(asked, timeout_s=PATIENCE_S)
        assert (cut.status, cut.reply["content"]["ename"]) == ("error", "KernelReattached")
        assert [message["msg_type"] for message in cut.outputs if message["msg_type"] != "status"][-1] == "error"
        assert not [message for message in cut.outputs if message["msg_type"] == "clear_output"], "the text so far stays"
        assert "your variables were kept" in kernel.run("1", timeout_s=PATIENCE_S).text
        assert "Whole." in markdown(kernel.outcome(send(kernel, "%%ai again"), timeout_s=PATIENCE_S))
        assert kernel.run("x").text == "7"


def test_a_consent_lasts_over_the_death_of_the_registry_which_decides_and_of_the_worker_which_carried_the_prompt(
    shared: SharedKernel,
) -> None:
    with shared.asking(run("x = 1"), Speak(text="Done.")) as (shared_kernel, endpoint):
        kernel = of_a_gateway(shared_kernel)
        asked = send(kernel, "%%ai go")
        prompt(kernel)
        for role in ("registry", "worker"):
            (process,) = kernel.gateway.roles(role)
            process.kill()
            kernel.gateway.wait_for_role(role, 1, without={process.pid})
        kernel.reconnect()
        kernel.client.input("y")  # to the prompt that has stayed on the screen
        assert "Done." in markdown(kernel.outcome(asked, timeout_s=PATIENCE_S))
        assert kernel.run("x").text == "1"
        assert endpoint.calls == 2


def test_the_conversation_goes_on_after_the_death_of_the_host_and_of_the_gateway(shared: SharedKernel) -> None:
    script = [Speak(text="Four pears."), Speak(text="Five."), STALL, Speak(text="Six.")]
    with shared.asking(*script) as (shared_kernel, endpoint):
        kernel = of_a_gateway(shared_kernel)
        kernel.run("x = 7")
        pid = kernel.subkernel_pid()
        assert kernel.run("%%ai how many pears?", timeout_s=PATIENCE_S).status == "ok"
        wait_until_kept(kernel, "Four pears.")
        kernel.replace_front()
        assert "the conversation was kept" in kernel.run("1", timeout_s=PATIENCE_S).text
        assert kernel.run("%%ai and after the host?", timeout_s=PATIENCE_S).status == "ok"
        wait_until_kept(kernel, "after the host")

        cut = send(kernel, "%%ai and how long?")
        until_text(kernel, cut, "one")
        gateway = kernel.gateway
        gateway.end(signal.SIGKILL)
        gateway.start()
        kernel.reconnect()
        assert kernel.reply(cut, timeout_s=PATIENCE_S)["content"]["status"] == "error"
        assert "the conversation was kept" in kernel.run("1", timeout_s=PATIENCE_S).text
        assert (kernel.run("x").text, kernel.subkernel_pid()) == ("7", pid)
        assert "and after the host?" in kernel.run("%beaker history").text
        assert kernel.run("%%ai and after the gateway?", timeout_s=PATIENCE_S).status == "ok"
        said = [str(message["content"]) for message in endpoint.endpoint.requests[-1].body["messages"]]
        for part in ("how many pears?", "Four pears.", "and after the host?", "Five.", "and after the gateway?"):
            said = said[next(at for at, text in enumerate(said) if part in text) :]  # the model is shown all of it, in this order
