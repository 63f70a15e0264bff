"""The registry's own process: killed, told to leave, left by its guardian; what it had is there for the next one."""

import asyncio
import os
import resource
import signal
import socket
import subprocess
import sys
from pathlib import Path

import msgspec
import psutil
import pytest

from actors.guardian.admission import admitting
from actors.guardian.order import OPTION, seal_order
from actors.registry.hosts import Hosts
from actors.registry.role import codecs
from actors.runtime import birth
from actors.runtime.codec import Codec
from actors.runtime.failures import Unreachable
from actors.runtime.hello import Peer, Refused
from actors.runtime.link import Link
from actors.runtime.log import Log
from actors.runtime.node import Node
from actors.runtime.process import NotReadyError
from beaker.journal.journal import FILE
from beaker.messages.base import PROTOCOL
from beaker.messages.registry import (
    AllEnded,
    EndAll,
    HostHere,
    HostSaid,
    KernelEnded,
    ListKernels,
    OpenSession,
    RegistryReply,
)
from tests.actors.gateway.desk import make_order
from tests.actors.registry.stage import PATIENCE_S, Stage, stage
from tests.actors.supervisor.stage import install_spec, until

pytestmark = pytest.mark.slow


async def test_a_registry_that_is_killed_is_followed_by_one_with_the_same_kernels_variables_and_sessions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with stage(monkeypatch) as gateway:
        first = await gateway.launch()
        host, registry = await gateway.host(), await gateway.worker()
        opened = await registry.ask(OpenSession(path="a.ipynb", spec_name="python3"), timeout_s=PATIENCE_S)
        kernel_id = opened.session.kernel.kernel_id
        idle = await gateway.start(registry)
        async with gateway.client(host, kernel_id) as client:
            await client.execute_interactive("kept = 12345", timeout=PATIENCE_S)
            flag = gateway.root / "go"
            running = client.execute(f"import os, time\nwhile not os.path.exists({str(flag)!r}):\n    time.sleep(0.02)\nprint('went on')")
            first.send_signal(signal.SIGKILL)
            await first.exited
            await gateway.launch()
            following = await gateway.host()
            await following.serves(kernel_id, idle.kernel_id)
            await gateway.hosts[0].node.stop()
            flag.touch()
            said = ""
            while not said.endswith("\n"):
                message = await client.get_iopub_msg(timeout=PATIENCE_S)
                said += message["content"].get("text", "") if message["parent_header"].get("msg_id") == running else ""
            assert said == "went on\n"
        attached = following.attached[kernel_id]
        assert attached.subkernel is not None
        assert attached.subkernel.adopted
        assert await gateway.run(following, kernel_id, "print(kept)") == "12345\n"
        after = await gateway.worker()
        assert await gateway.kernels(after) == [kernel_id, idle.kernel_id]
        again = await after.ask(OpenSession(path="a.ipynb"), timeout_s=PATIENCE_S)
        assert (again.session, again.is_new) == (opened.session, False)
        assert await gateway.end_all() == AllEnded()
        await until(lambda: gateway.left() == [])


async def test_a_registry_that_is_told_to_leave_lets_the_kernels_live(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as gateway:
        first = await gateway.launch()
        host, registry = await gateway.host(), await gateway.worker()
        entry = await gateway.start(registry)
        before = host.attached[entry.kernel_id].subkernel
        first.send_signal(signal.SIGTERM)
        assert (await first.exited).status == 0
        await gateway.launch()
        following = await gateway.host()
        await following.serves(entry.kernel_id)
        after = following.attached[entry.kernel_id].subkernel
        assert before is not None
        assert after is not None
        assert after.pid == before.pid


async def test_a_kernel_whose_folder_is_gone_is_forgotten_with_its_session(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as gateway:
        await gateway.open()
        await gateway.host()
        registry = await gateway.worker()
        gone = (await registry.ask(OpenSession(path="a.ipynb", spec_name="idle"), timeout_s=PATIENCE_S)).session
        await gateway.hosts[0].node.stop()
        await gateway.close()
        gateway.clean_away()  # as its watcher does after the lease
        await gateway.open()
        after = await gateway.worker()
        assert (await gateway.kernels(after), await gateway.paths(after)) == ([], [])
        await gateway.host()
        again = (await after.ask(OpenSession(path="a.ipynb", spec_name="idle"), timeout_s=PATIENCE_S)).session
        assert again.session_id != gone.session_id


async def test_a_kernel_that_was_given_up_is_not_started_by_the_next_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as gateway:
        install_spec(gateway.root, "brief", argv=["sh", "-c", "read never; exit 3"])
        await gateway.open()
        host, registry = await gateway.host(), await gateway.worker()
        # It ends before it has answered its owner, which is a failed start.
        entry = (await registry.ask(OpenSession(path="a.ipynb", spec_name="brief"), timeout_s=PATIENCE_S)).session.kernel
        await until(lambda: not list((gateway.root / "run" / "beaker").glob("*/living")))
        await gateway.hosts[0].node.stop()
        await gateway.close()
        await gateway.open()
        following = await gateway.host()
        await following.serves(entry.kernel_id)
        attached = following.attached[entry.kernel_id]
        assert (attached.state, attached.generation) == ("dead", 1)
        assert "exited with status 3" in attached.reason
        assert host.attached[entry.kernel_id].generation == 1


def begin_without_guardian(gateway: Stage) -> "subprocess.Popen[bytes]":
    """A registry whose guardian goes as soon as it is ready."""
    ours, theirs = socket.socketpair()
    sealed = seal_order(gateway.order)
    with ours, theirs:
        birth.hand_down(ours, b"")
        options = ["--role", "registry", f"{OPTION}{sealed}", f"{birth.OPTION}{theirs.fileno()}"]
        inherited = [sealed, theirs.fileno()]
        process = subprocess.Popen([sys.executable, "-P", "-m", "beaker_kernel", *options], pass_fds=inherited, start_new_session=True)
        os.close(sealed)
        theirs.close()
        assert ours.recv(100) == birth.READY
    return process


async def test_a_registry_leaves_with_its_guardian(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as gateway:
        process = await asyncio.to_thread(begin_without_guardian, gateway)
        assert await asyncio.to_thread(process.wait, PATIENCE_S) == 0


async def test_why_it_cannot_begin_is_told_to_the_guardian(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as gateway:
        await gateway.open()  # it has the journal
        with pytest.raises(NotReadyError, match=rf"Another process writes the journal {gateway.order.state}/{FILE}"):
            await gateway.launch()
        gateway.child = None


def test_only_processes_of_its_own_guardian_are_let_in() -> None:
    roles = codecs(make_order())
    peer = Peer(uid=os.getuid(), pid=os.getpid(), role="host-0", protocol=PROTOCOL)
    assert admitting(os.getppid(), roles)(peer) is None
    assert admitting(os.getpid(), roles)(msgspec.structs.replace(peer, role="guardian")) is None
    for stranger in (
        msgspec.structs.replace(peer, role="agent"),
        msgspec.structs.replace(peer, role="host-1"),
        msgspec.structs.replace(peer, pid=1),
    ):
        refusal = admitting(os.getppid(), roles)(stranger)
        assert refusal is not None
        assert refusal.code == "peer"


@pytest.mark.parametrize("other", ["guardian", "host-0"])
async def test_a_worker_is_let_in_as_nothing_else(monkeypatch: pytest.MonkeyPatch, other: str) -> None:
    async with stage(monkeypatch) as gateway:
        await gateway.open()
        order = gateway.order.for_role("worker", 0)
        node = Node("worker", protocol=PROTOCOL)
        with pytest.raises(Refused, match="the secret is not that of this socket"):
            await node.connect(
                order.registry_socket,
                codec=Codec(RegistryReply),
                secret=order.secret_between("worker", "registry"),
                timeout_s=PATIENCE_S,
                role=other,
            )


@pytest.mark.parametrize("message", [HostHere(number=0), KernelEnded(kernel_id="k"), EndAll()], ids=lambda each: type(each).__name__)
async def test_a_worker_that_says_what_others_say_is_cut_off(monkeypatch: pytest.MonkeyPatch, message: HostSaid | EndAll) -> None:
    async with stage(monkeypatch) as gateway:
        await gateway.open()
        worker = await gateway.worker()
        worker.tell(message)
        with pytest.raises(Unreachable):
            await worker.ask(ListKernels(), timeout_s=PATIENCE_S)
        assert await gateway.kernels(await gateway.worker()) == []


async def test_a_host_is_taken_for_no_other_host(short_folder: Path) -> None:
    registry, host, links = Node("registry", protocol=PROTOCOL), Node("host", protocol=PROTOCOL), list[Link]()
    path, codec = str(short_folder / "registry.sock"), Codec(HostHere)
    await registry.listen(path, codec=codec, admit=lambda peer: None, secret=b"s", on_link=links.append)
    await host.connect(path, codec=codec, secret=b"s", timeout_s=PATIENCE_S, role="host-1")
    (link,) = links
    hosts = Hosts(Log(role="registry"), on_went=lambda _: None)
    hosts.linked(link)
    assert [hosts.name(0, os.getpid()), hosts.name(0, 0), hosts.name(1, os.getpid())] == [False, False, True]
    assert (hosts.has(0), hosts.has(1)) == (False, True)
    await host.stop()
    await registry.stop()


async def test_a_host_that_leaves_as_the_gateway_ends_is_no_warning(short_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    warned: list[str] = []
    log = Log(role="registry")
    monkeypatch.setattr(log, "warning", lambda event, **_values: warned.append(event))
    registry, host, links = Node("registry", protocol=PROTOCOL), Node("host", protocol=PROTOCOL), list[Link]()
    path, codec, went = str(short_folder / "registry.sock"), Codec(HostHere), asyncio.Event()
    hosts = Hosts(log, on_went=lambda _: went.set())
    await registry.listen(path, codec=codec, admit=lambda peer: None, secret=b"s", on_link=links.append)
    await host.connect(path, codec=codec, secret=b"s", timeout_s=PATIENCE_S, role="host-1")
    hosts.linked(links[0])
    assert hosts.name(1, os.getpid())
    await host.stop()
    await went.wait()
    await registry.stop()
    assert warned == []


async def test_a_subkernel_has_as_many_descriptors_as_it_would_have_without_us(monkeypatch: pytest.MonkeyPatch) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    async with stage(monkeypatch) as gateway:
        gateway.order = msgspec.structs.replace(gateway.order, open_files=512)
        resource.setrlimit(resource.RLIMIT_NOFILE, (600, hard))
        try:
            child = await gateway.launch()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        host, registry = await gateway.host(), await gateway.worker()
        entry = await gateway.start(registry)
        attached = host.attached[entry.kernel_id].subkernel
        assert attached is not None
        assert psutil.Process(child.pid).rlimit(resource.RLIMIT_NOFILE)[0] == hard
        assert psutil.Process(attached.pid).rlimit(resource.RLIMIT_NOFILE) == (512, hard)
