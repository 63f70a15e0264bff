"""`jupyter-kernel-client`, with which programs and agents in Python run cells on a server, on a running gateway."""

import datetime
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from traitlets.config import Config

from tests.kit.running_gateway import RunningGateway
from tests.kit.running_kernel import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("gateway")]

Kernel = Any  # the library is installed with the tests of the system only
PATIENCE_S = 60.0


@pytest.fixture(scope="module")
def kernel(gateway: RunningGateway, need_module: Callable[[str], Any]) -> Iterator[Kernel]:
    """A client with a kernel of its own, which all tests here share.

    It speaks the older of the two framings: in the other version 1.0.2 of the library stumbles over each message, whoever sends it.
    """
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("REQUEST_TIMEOUT", f"{PATIENCE_S:.0f}")  # it reads at its import how long it waits for anything
        library = need_module("jupyter_kernel_client")
    from IPython.core.interactiveshell import InteractiveShell

    # It has IPython lay values out, in this process: without a history, whose file would be gone when it is closed at the end.
    settings = Config()
    settings.HistoryManager.enabled = False
    InteractiveShell.instance(config=settings)
    with library.JupyterKernelClient(server_url=gateway.url, token=gateway.token) as client:
        yield client
    InteractiveShell.clear_instance()


def text_of(outputs: list[dict[str, Any]]) -> str:  # Any: JSON
    """What a cell printed."""
    return "".join(output["text"] for output in outputs if output["output_type"] == "stream")


def test_a_cell_gives_its_outputs_and_its_number(kernel: Kernel) -> None:
    ran = kernel.execute("print('here')\n6 * 7")
    *printed, result = ran["outputs"]
    assert (ran["status"], text_of(printed)) == ("ok", "here\n")
    assert (result["output_type"], result["data"]) == ("execute_result", {"text/plain": "42"})
    assert result["execution_count"] == ran["execution_count"]


def test_a_cell_that_fails_gives_the_error(kernel: Kernel) -> None:
    ran = kernel.execute("1 / 0")
    (error,) = ran["outputs"]
    assert (ran["status"], error["output_type"], error["ename"]) == ("error", "error", "ZeroDivisionError")


def test_a_prompt_is_answered(kernel: Kernel) -> None:
    asked = []

    def answer(request: dict[str, Any]) -> None:  # Any: JSON
        asked.append(request["content"]["prompt"])
        kernel._manager.client.input("seven")

    ran = kernel.execute("print(input('which? '))", allow_stdin=True, stdin_hook=answer)
    assert (asked, text_of(ran["outputs"])) == (["which? "], "seven\n")


def test_variables_are_set_listed_and_read(kernel: Kernel) -> None:
    kernel.set_variable("given", {"a": [1, 2]})
    assert text_of(kernel.execute("print(given['a'])")["outputs"]) == "[1, 2]\n"
    kernel.execute("made = 'ü' * 3")
    assert {"given", "made"} <= {variable["name"] for variable in kernel.list_variables()}
    assert kernel.get_variable("made") == "üüü"


def test_what_the_server_says_of_the_kernel_is_understood(kernel: Kernel) -> None:
    assert kernel.is_alive()
    assert kernel.id in [listed["id"] for listed in kernel.list_kernels()]
    assert kernel.kernel_info["language_info"]["name"] == "python"
    wait_until(lambda: kernel.is_alive() and kernel.execution_state == "idle", timeout_s=PATIENCE_S, what="an idle kernel")
    assert datetime.datetime.now(datetime.UTC) - kernel.last_activity < datetime.timedelta(seconds=PATIENCE_S)


def test_an_interrupt_ends_a_cell(kernel: Kernel) -> None:
    interrupting: list[threading.Thread] = []

    def output(message: dict[str, Any]) -> None:  # Any: JSON
        if message["msg_type"] == "stream" and not interrupting:
            interrupting.append(threading.Thread(target=kernel.interrupt))
            interrupting[0].start()

    reply = kernel.execute_interactive("import time\nprint('on', flush=True)\ntime.sleep(600)", output_hook=output, timeout=PATIENCE_S)
    interrupting[0].join()
    assert reply["content"]["ename"] == "KeyboardInterrupt"


def test_a_restart_forgets_and_the_same_socket_goes_on(kernel: Kernel) -> None:
    kernel.execute("x = 1")
    before = kernel.id
    kernel.restart()
    ran = kernel.execute("x")
    assert (ran["outputs"][0]["ename"], ran["execution_count"], kernel.id) == ("NameError", 1, before)


def test_another_client_takes_the_same_kernel_by_its_id_and_leaves_it(
    kernel: Kernel, gateway: RunningGateway, need_module: Callable[[str], Any]
) -> None:
    library = need_module("jupyter_kernel_client")
    kernel.execute("shared = 5")
    with library.JupyterKernelClient(kernel_id=kernel.id, server_url=gateway.url, token=gateway.token) as other:
        assert text_of(other.execute("print(shared)")["outputs"]) == "5\n"
    assert kernel.is_alive()


def test_a_client_that_reconnects_goes_on_after_its_worker_was_killed(
    kernel: Kernel, gateway: RunningGateway, need_module: Callable[[str], Any]
) -> None:
    library = need_module("jupyter_kernel_client")
    ways = {"reconnect_interval": 1}
    other = library.JupyterKernelClient(kernel_id=kernel.id, server_url=gateway.url, token=gateway.token, client_kwargs=ways)
    with other:
        other.execute("kept = 6")
        first = other._manager.client.kernel_socket.sock
        workers = gateway.roles("worker")
        for worker in workers:
            worker.kill()

        def is_back() -> bool:
            client = other._manager.client
            socket = client.kernel_socket.sock  # a new one is there before it is connected
            return client.channels_running and socket not in {None, first} and socket.connected

        wait_until(is_back, timeout_s=PATIENCE_S, what="a new connection")
        gateway.wait_for_role("worker", len(workers), without={worker.pid for worker in workers})  # as the next test expects them
        assert text_of(other.execute("print(kept)")["outputs"]) == "6\n"


def test_the_end_of_a_client_is_the_end_of_the_kernel_that_it_started(gateway: RunningGateway, need_module: Callable[[str], Any]) -> None:
    library = need_module("jupyter_kernel_client")
    with library.JupyterKernelClient(server_url=gateway.url, token=gateway.token) as client:
        mine = client.id
    assert mine not in [listed["id"] for listed in client.list_kernels()]
