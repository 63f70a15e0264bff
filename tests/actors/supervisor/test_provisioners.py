"""The provisioner seam from both sides: other people's provisioners under our Supervisor, ours under their manager."""

import os
import signal
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.factory import KernelProvisionerFactory
from jupyter_client.provisioning.local_provisioner import LocalProvisioner as JupyterLocalProvisioner

from actors.supervisor.provisioner import LocalProvisioner
from beaker.messages.subkernel import Died, GaveUp, Restart, Shutdown
from tests.actors.supervisor.held import time_standing_still
from tests.actors.supervisor.stage import PATIENCE_S, install_spec, is_gone, stage, until

pytestmark = pytest.mark.slow

IPYKERNEL = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]


def note(path: str, words: str) -> None:
    """Write down."""
    Path(path).write_text(words)


def noted(path: str) -> str:
    """Read what was written down."""
    return Path(path).read_text()


class Elsewhere(JupyterLocalProvisioner):
    """Somebody's provisioner, which launches over a wrapper; it writes down that it was asked."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:  # Any: as the base class has it
        note(kwargs["env"]["ASKED"], str(self.kernel_spec.metadata["kernel_provisioner"]["config"]))
        return await super().launch_kernel(["env", "WRAPPED=yes", *cmd], **kwargs)


class Broken(JupyterLocalProvisioner):
    """A provisioner whose cluster is full."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:  # Any: as the base class has it
        del cmd, kwargs
        raise RuntimeError("the queue is full")


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An environment with a spec for each provisioner; both are registered in this process and its forks."""
    known = KernelProvisionerFactory.instance().provisioners
    for cls in (Elsewhere, Broken):
        monkeypatch.setitem(
            known, cls.__name__, EntryPoint(cls.__name__, f"{__name__}:{cls.__name__}", "jupyter_client.kernel_provisioners")
        )
        monkeypatch.setattr(sys.modules[__name__], cls.__name__, cls, raising=False)
        stanza = {"kernel_provisioner": {"provisioner_name": cls.__name__, "config": {}}}
        environment = install_spec(tmp_path, cls.__name__.lower(), argv=IPYKERNEL, metadata=stanza)
    monkeypatch.setenv("JUPYTER_PATH", environment["JUPYTER_PATH"])
    return environment | {"ASKED": str(tmp_path / "asked")}


async def test_a_spec_gets_the_provisioner_that_it_asks_for(elsewhere: dict[str, str], tmp_path: Path) -> None:
    async with stage(spec_name="elsewhere", environment=elsewhere, working_folder=str(tmp_path)) as kernel:
        kernel.fork()
        supervisor, attached = await kernel.attach()
        subkernel = attached.subkernel or await kernel.started()
        await kernel.answer(supervisor, subkernel)
        assert noted(elsewhere["ASKED"]) == "{}"
        assert await kernel.run(subkernel, "print(6 * 7)") == "42\n"
        assert await kernel.run(subkernel, "import os; print(os.environ['WRAPPED'], os.getcwd())") == f"yes {tmp_path}\n"
        assert await kernel.interrupted(supervisor, subkernel) == "KeyboardInterrupt"
        assert (await supervisor.ask(Restart(), timeout_s=PATIENCE_S)).generation == 2
        fresh = await kernel.started()
        await kernel.answer(supervisor, fresh)
        assert fresh.pid is not None
        os.kill(fresh.pid, signal.SIGKILL)
        died = await kernel.probe.expect(Died)
        assert (died.generation, died.restarting) == (2, True)
        last = await kernel.started()
        await supervisor.ask(Shutdown(grace_s=0), timeout_s=PATIENCE_S)
        assert last.pid is not None
        await until(lambda: is_gone(last.pid or 0))
        await until(lambda: not kernel.folder.exists())


async def test_a_provisioner_that_fails_is_given_up_with_its_words(elsewhere: dict[str, str]) -> None:
    async with stage(spec_name="broken", environment=elsewhere) as kernel:
        kernel.fork()
        _, attached = await kernel.attach()
        reason = attached.reason or (await kernel.probe.expect(GaveUp)).reason
        assert "its provisioner Broken failed: the queue is full" in reason


async def ours() -> AsyncKernelManager:
    """A stock manager whose kernel our provisioner runs."""
    manager = AsyncKernelManager()
    assert manager.kernel_spec is not None
    manager.provisioner = LocalProvisioner(kernel_id="k", kernel_spec=manager.kernel_spec, parent=manager)
    await manager.start_kernel()
    return manager


async def test_our_provisioner_tells_the_end_at_once() -> None:
    manager = await ours()
    provisioner = manager.provisioner
    assert provisioner is not None
    assert await provisioner.poll() is None
    with time_standing_still():  # so it does not poll
        await provisioner.kill()
        assert await provisioner.wait() == -signal.SIGKILL
    assert not provisioner.has_process
    await manager.cleanup_resources()


async def test_our_provisioner_adopts_what_an_earlier_one_started() -> None:
    manager = await ours()
    assert manager.provisioner is not None
    assert manager.kernel_spec is not None
    information = await manager.provisioner.get_provisioner_info()
    adopter = LocalProvisioner(kernel_id="k", kernel_spec=manager.kernel_spec, parent=manager)
    await adopter.load_provisioner_info(information)
    assert adopter.has_process
    assert await adopter.poll() is None
    await adopter.terminate()
    assert await adopter.wait() == 0
    assert await manager.provisioner.wait() == -signal.SIGTERM
    await manager.cleanup_resources()


async def test_our_provisioner_does_not_adopt_another_process() -> None:
    manager = await ours()
    assert manager.provisioner is not None
    assert manager.kernel_spec is not None
    information = await manager.provisioner.get_provisioner_info()
    adopter = LocalProvisioner(kernel_id="k", kernel_spec=manager.kernel_spec, parent=manager)
    await adopter.load_provisioner_info(information | {"start_time": "1"})
    assert not adopter.has_process
    await manager.shutdown_kernel(now=True)
