"""The Supervisor's process: what it holds, what it shows, whom it lets in."""

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import cast

import msgspec
import psutil
import pytest

from actors.runtime.codec import Codec
from actors.runtime.failures import AskFailed
from actors.runtime.hello import Refused
from actors.runtime.node import Node
from actors.supervisor import role
from actors.supervisor.order import LEFT, Order
from beaker.messages.base import PROTOCOL, KernelId
from beaker.messages.subkernel import Attach, Shutdown, SubkernelFailure, SupervisorReply
from tests.actors.supervisor.stage import PATIENCE_S, stage
from tests.kit.ports import free_port

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]


async def test_it_leads_a_session_of_its_own() -> None:
    async with stage() as kernel:
        await kernel.begin()
        assert os.getsid(kernel.supervisor) == kernel.supervisor


async def test_it_and_what_it_starts_hold_no_descriptor_of_the_process_it_was_forked_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.runtime.prctl.become_undumpable", lambda: False)  # or only root could look
    secret = os.open(tmp_path, os.O_RDONLY)
    os.set_inheritable(secret, True)
    async with stage() as kernel:
        _, subkernel = await kernel.begin()
        assert subkernel.pid is not None
        for process in [kernel.supervisor, subkernel.pid, *(each.pid for each in kernel.left())]:
            for name in os.listdir(f"/proc/{process}/fd"):
                with contextlib.suppress(FileNotFoundError):  # closed since it was listed
                    assert os.readlink(f"/proc/{process}/fd/{name}") != str(tmp_path)
    os.close(secret)


def test_who_has_forked_one_late_can_bind_its_ports_again_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    let_go = role._let_go_of_the_original

    def let_go_slowly(*, last: int) -> None:
        time.sleep(0.3)  # as a copy that gets no turn
        let_go(last=last)

    monkeypatch.setattr(role, "_let_go_of_the_original", let_go_slowly)
    monkeypatch.setattr(role, "run_supervisor", lambda _order, before_serving: LEFT)
    address = ("127.0.0.1", free_port())
    with socket.socket() as listening, socket.socket() as again:
        listening.bind(address)
        listening.listen()
        copy = role.fork_supervisor(cast("Order", None), is_late=True)
        listening.close()
        again.bind(address)
    assert os.waitstatus_to_exitcode(os.waitpid(copy, 0)[1]) == LEFT


@pytest.mark.parametrize(("as_role", "secret", "code"), [("kernel", b"wrong", "secret"), ("agent", b"s" * 32, "peer")])
async def test_only_a_kernel_process_with_the_secret_is_let_in(as_role: str, secret: bytes, code: str) -> None:
    async with stage() as kernel:
        await kernel.begin()
        stranger, address = Node(as_role, protocol=PROTOCOL), str(kernel.folder / "supervisor.sock")
        with pytest.raises(Refused) as caught:
            await stranger.connect(address, codec=Codec(SupervisorReply), secret=secret, timeout_s=PATIENCE_S)
        assert caught.value.refusal.code == code
        await stranger.stop()


async def test_nobody_can_own_the_kernel_in_the_name_of_another_process() -> None:
    async with stage() as kernel:
        kernel.fork()
        supervisor = await kernel.connect()
        with pytest.raises(AskFailed) as caught:
            await supervisor.ask(Attach(kernel_id=KernelId("k"), pid=1), timeout_s=PATIENCE_S)
        assert isinstance(caught.value.failure, SubkernelFailure)


async def test_it_runs_as_a_program_too_and_shows_its_role() -> None:
    async with stage() as kernel:
        command = [sys.executable, "-c", "import sys; from actors.supervisor.role import main; sys.exit(main([]))"]
        program = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdin=subprocess.PIPE, start_new_session=True)
        assert program.stdin is not None
        program.stdin.write(msgspec.msgpack.encode(kernel.order))
        program.stdin.write_eof()
        supervisor, attached = await kernel.attach()
        assert attached.state == "running"
        # Of a program: a copy of a long-lived test process may have no room left for another title.
        assert " ".join(psutil.Process(program.pid).cmdline()).strip() == "beaker --role supervisor --kernel 0123456789ab"
        await supervisor.ask(Shutdown(grace_s=0), timeout_s=PATIENCE_S)
        assert await program.wait() == LEFT
