"""Stock jupyter_client alone, without a server: blocking, asynchronous, threaded; one kernel with several clients."""

import contextlib
import os
import queue
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import AsyncKernelManager, KernelManager
from jupyter_client.threaded import ThreadedKernelClient

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("stock clients")]

LIMIT_S = 60
"""Ends a hang; everything here answers within a second or two."""
INTERRUPTED_WITHIN_S = 10
"""On a quiet machine half a second at the most, with the first traceback, for which IPython imports much; `make bench` has the rest."""


@pytest.fixture(scope="module")
def manager(kernel_name: str) -> Iterator[KernelManager]:
    """A running kernel, which the tests share."""
    manager = KernelManager(kernel_name=kernel_name)
    manager.start_kernel(env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")})
    yield manager
    manager.shutdown_kernel(now=False)


@pytest.fixture
def connect(manager: KernelManager) -> Iterator[Callable[[], BlockingKernelClient]]:
    """Makes blocking clients of the running kernel."""
    clients: list[BlockingKernelClient] = []

    def make() -> BlockingKernelClient:
        client = manager.blocking_client()
        clients.append(client)
        client.start_channels()
        client.wait_for_ready(timeout=LIMIT_S)
        return client

    yield make
    for client in clients:
        client.stop_channels()


def _outputs(client: BlockingKernelClient, code: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Runs code without stdin; gives the reply's content and the iopub messages of it."""
    seen: list[dict[str, Any]] = []
    reply = client.execute_interactive(code, timeout=LIMIT_S, output_hook=seen.append, allow_stdin=False)
    return reply["content"], seen


def _text(messages: list[dict[str, Any]]) -> str:
    return "".join(message["content"]["text"] for message in messages if message["msg_type"] == "stream")


def _reply(client: BlockingKernelClient, msg_id: str) -> dict[str, Any]:
    while True:
        message = client.get_shell_msg(timeout=LIMIT_S)
        if message["parent_header"].get("msg_id") == msg_id:
            return dict(message["content"])


def _wait_for_text(client: BlockingKernelClient, msg_id: str, text: str) -> None:
    """Waits until a cell has printed this, in however many pieces."""
    printed = ""
    while text not in printed:
        message = client.get_iopub_msg(timeout=LIMIT_S)
        if message["msg_type"] == "stream" and message["parent_header"].get("msg_id") == msg_id:
            printed += message["content"]["text"]


def test_the_blocking_client_runs_and_counts(connect: Callable[[], BlockingKernelClient]) -> None:
    client = connect()
    first, messages = _outputs(client, "print('out')")
    assert _text(messages) == "out\n"
    content, messages = _outputs(client, "6 * 7")
    assert (content["status"], content["execution_count"]) == ("ok", first["execution_count"] + 1)
    assert [message["content"]["data"] for message in messages if message["msg_type"] == "execute_result"] == [{"text/plain": "42"}]


def test_input_is_asked_of_the_client_that_runs_the_cell(connect: Callable[[], BlockingKernelClient]) -> None:
    asking, other = connect(), connect()
    msg_id = asking.execute("print('got', input('what? '))", allow_stdin=True)
    request = asking.get_stdin_msg(timeout=LIMIT_S)
    assert (request["msg_type"], request["content"]["prompt"]) == ("input_request", "what? ")
    assert request["parent_header"]["msg_id"] == msg_id
    with pytest.raises(queue.Empty):
        other.get_stdin_msg(timeout=0)
    asking.input("this")
    _wait_for_text(asking, msg_id, "got this\n")
    assert _reply(asking, msg_id)["status"] == "ok"


def test_without_stdin_input_is_an_error(connect: Callable[[], BlockingKernelClient]) -> None:
    content, _ = _outputs(connect(), "input('what? ')")
    assert (content["status"], content["ename"]) == ("error", "StdinNotImplementedError")


@pytest.mark.parametrize("cell", ["import time; print('begun', flush=True); time.sleep(100)", "print('begun', flush=True); input()"])
def test_an_interrupt_ends_the_running_cell_at_once(manager: KernelManager, connect: Callable[[], BlockingKernelClient], cell: str) -> None:
    client = connect()
    msg_id = client.execute(cell, allow_stdin=True)
    _wait_for_text(client, msg_id, "begun")
    started = time.monotonic()
    manager.interrupt_kernel()
    content = _reply(client, msg_id)
    assert (content["status"], content["ename"]) == ("error", "KeyboardInterrupt")
    assert time.monotonic() - started < INTERRUPTED_WITHIN_S
    assert _text(_outputs(client, "print('usable')")[1]) == "usable\n"


def test_an_interrupt_of_an_idle_kernel_does_nothing_to_the_next_cell(connect: Callable[[], BlockingKernelClient]) -> None:
    client = connect()
    for n in range(10):  # the cell follows at once, and must be hit in none of the cases
        # Not by the manager, which waits for no reply: then the cell may overtake, and be the one that is meant.
        interrupt = client.session.msg("interrupt_request", {})
        client.control_channel.send(interrupt)
        while client.get_control_msg(timeout=LIMIT_S)["parent_header"]["msg_id"] != interrupt["header"]["msg_id"]:
            pass
        content, messages = _outputs(client, f"print('undisturbed {n}')")
        assert (content["status"], _text(messages)) == ("ok", f"undisturbed {n}\n")


def test_a_restart_gives_a_clean_session_that_counts_from_one(manager: KernelManager, connect: Callable[[], BlockingKernelClient]) -> None:
    client = connect()
    _outputs(client, "x = 1")
    manager.restart_kernel()
    client.wait_for_ready(timeout=LIMIT_S)
    # By the replies alone: this client has a subscription of before, of which nobody tells it when it is made anew.
    looked = client.execute("", silent=True, user_expressions={"x": "'x' in globals()"}, reply=True, timeout=LIMIT_S)["content"]
    assert looked["user_expressions"]["x"]["data"]["text/plain"] == "False"
    assert client.execute("1", reply=True, timeout=LIMIT_S)["content"]["execution_count"] == 1


@pytest.mark.parametrize("policy", ["auto", "required"])
def test_a_manager_that_encrypts_gets_an_encrypted_kernel_that_runs_and_restarts(
    policy: str, kernel_name: str, environment: dict[str, str], need: Callable[..., None]
) -> None:
    manager = KernelManager(kernel_name=kernel_name)
    need("a jupyter_client that can encrypt, as it can from 8.10 on", there=manager.has_trait("transport_encryption"))
    manager.transport_encryption = policy
    manager.start_kernel(env=environment)
    client = manager.blocking_client()
    try:
        assert manager.get_connection_info()["curve_publickey"], "the kernelspec does not say that the kernel speaks CURVE"
        client.start_channels()
        client.wait_for_ready(timeout=LIMIT_S)
        assert _text(_outputs(client, "print('sealed')")[1]) == "sealed\n"
        if policy == "auto":  # a kernel is told of no policy: what was answered so far is what differs
            return
        with pytest.raises(queue.Empty):
            _ask_in_plain_text(manager)
        manager.restart_kernel()
        client.wait_for_ready(timeout=LIMIT_S)
        assert client.execute("1", reply=True, timeout=LIMIT_S)["content"]["execution_count"] == 1
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=False)


def _ask_in_plain_text(manager: KernelManager) -> None:
    """Asks with everything that the connection file says but its CURVE keys."""
    info = manager.get_connection_info()
    info.pop("curve_publickey")
    info.pop("curve_secretkey")
    plain = BlockingKernelClient()
    plain.load_connection_info(info)
    plain.start_channels(iopub=False, stdin=False, hb=False, control=False)
    try:
        plain.kernel_info()
        plain.get_shell_msg(timeout=1)
    finally:
        plain.stop_channels()


def test_two_clients_see_the_same_outputs_in_the_same_order(connect: Callable[[], BlockingKernelClient]) -> None:
    one, two = connect(), connect()
    msg_id = one.execute("for i in range(50):\n    display(i)\nprint('end')")

    def seen_by(client: BlockingKernelClient) -> list[tuple[str, str]]:
        seen: list[tuple[str, str]] = []
        while True:
            message = client.get_iopub_msg(timeout=LIMIT_S)
            if message["parent_header"].get("msg_id") != msg_id:
                continue
            seen.append((message["header"]["msg_id"], message["content"].get("text", "")))
            if message["content"].get("execution_state") == "idle":
                return seen

    first, second = seen_by(one), seen_by(two)
    assert first == second
    assert "".join(text for _, text in first) == "end\n"
    assert len([text for _, text in first if not text]) == 53, "busy, the input, fifty displays, idle"


def _wait_until_subscribed(client: ThreadedKernelClient, heard: "queue.Queue[dict[str, Any]]") -> None:
    """Asks until the state of a request is heard: before, what is published may be heard by nobody."""
    deadline = time.monotonic() + LIMIT_S
    while time.monotonic() < deadline:
        client.kernel_info()
        with contextlib.suppress(queue.Empty):
            while heard.get(timeout=1)["msg_type"] != "status":
                pass
            return
    pytest.fail("nothing was heard on iopub")


async def test_the_asynchronous_client_runs_interrupts_and_restarts(kernel_name: str, environment: dict[str, str]) -> None:
    manager = AsyncKernelManager(kernel_name=kernel_name)
    await manager.start_kernel(env=environment)
    client: AsyncKernelClient = manager.client()
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=LIMIT_S)
        reply = await client.execute("x = 6 * 7", reply=True, timeout=LIMIT_S)
        assert (reply["content"]["status"], reply["content"]["execution_count"]) == ("ok", 1)
        msg_id = client.execute("print('begun', flush=True)\nwhile True: pass")
        printed = ""
        while "begun" not in printed:
            message = await client.get_iopub_msg(timeout=LIMIT_S)
            if message["msg_type"] == "stream" and message["parent_header"].get("msg_id") == msg_id:
                printed += message["content"]["text"]
        await manager.interrupt_kernel()
        while (message := await client.get_shell_msg(timeout=LIMIT_S))["parent_header"].get("msg_id") != msg_id:
            pass
        assert message["content"]["ename"] == "KeyboardInterrupt"
        await manager.restart_kernel()
        await client.wait_for_ready(timeout=LIMIT_S)
        reply = await client.execute("x", reply=True, timeout=LIMIT_S)
        assert (reply["content"]["ename"], reply["content"]["execution_count"]) == ("NameError", 1)
    finally:
        client.stop_channels()
        await manager.shutdown_kernel()


def test_the_threaded_client_hears_everything(manager: KernelManager, connect: Callable[[], BlockingKernelClient]) -> None:
    connect()  # the kernel is up
    client = ThreadedKernelClient(**manager.get_connection_info(session=True))
    heard: queue.Queue[dict[str, Any]] = queue.Queue()
    client.start_channels()
    client.iopub_channel.call_handlers = heard.put
    client.shell_channel.call_handlers = heard.put
    try:
        _wait_until_subscribed(client, heard)
        msg_id = client.execute("print('from a thread')")
        kinds: list[str] = []
        printed = ""
        while not {"execute_reply", "idle"} <= set(kinds):
            message = heard.get(timeout=LIMIT_S)
            if message["parent_header"].get("msg_id") == msg_id:
                kinds.append(message["content"].get("execution_state", message["msg_type"]))
                printed += message["content"].get("text", "")
        assert [kind for kind in kinds if kind not in {"execute_reply", "stream"}] == ["busy", "execute_input", "idle"]
        assert printed == "from a thread\n"
    finally:
        client.stop_channels()
