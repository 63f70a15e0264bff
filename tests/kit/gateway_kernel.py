"""A kernel of a running gateway, in place of a kernel process: the same suites run on both."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

from actors.guardian.places import SECRET_BYTES
from beaker.gateway.identity import folder_name
from tests.kit.gateway_client import Framing, GatewayClient
from tests.kit.ports import free_port
from tests.kit.processes import eldest, living
from tests.kit.running_gateway import PATIENCE_S, RunningGateway
from tests.kit.running_kernel import KernelInUse


class GatewayKernel(KernelInUse):
    """One kernel of a gateway, and a client of it.

    Args:
        spec: which.
        folder: that it runs in: one below the gateway's root.
    """

    def __init__(self, gateway: RunningGateway, *, spec: str = "beaker", framing: Framing = "v1", folder: Path | None = None) -> None:
        self.gateway = gateway
        self.framing: Framing = framing
        wanted = {"name": spec} | ({} if folder is None else {"path": str(folder.relative_to(gateway.root))})
        self.kernel_id: str = asyncio.run(gateway.call("POST", "/kernels", wanted))["id"]
        super().__init__()

    def connect(self, former: GatewayClient | None = None) -> GatewayClient:
        """A client with a session of its own, or one that comes back."""
        return GatewayClient(self.gateway.url, self.gateway.token, self.kernel_id, framing=self.framing, former=former)

    def reconnect(self) -> None:
        """Its client, whose connection was broken, comes back as itself."""
        former = self.client
        assert isinstance(former, GatewayClient)
        former.websocket.hear_the_end()
        former.stop_channels()
        self.client = self.connect(former)

    def call(self, what: str) -> None:
        """Have it interrupted or restarted."""
        asyncio.run(self.gateway.call("POST", f"/kernels/{self.kernel_id}/{what}"))

    def role(self, name: str) -> psutil.Process | None:
        """Of most roles there is one for all kernels of a gateway; a process that names the kernel is its own."""
        own = living(lambda line: f"--role {name}" in line and self.kernel_id in line)
        return eldest(own or self.gateway.roles(name))

    def replace_front(self) -> None:
        """Kill the host that has it, and wait for the next one."""
        (host,) = self.gateway.roles("host")
        host.kill()
        self.gateway.wait_for_role("host", 1, without={host.pid})

    @property
    def runtime_folder(self) -> Path:
        """Of this kernel."""
        (secret,) = (self.gateway.folder / "state/beaker").glob("gateway-*/secret")
        return self.gateway.folder / "run/beaker" / folder_name(secret.read_bytes()[:SECRET_BYTES], self.kernel_id)

    def close(self) -> None:
        """End it."""
        self.client.stop_channels()
        asyncio.run(self.gateway.call("DELETE", f"/kernels/{self.kernel_id}"))


@contextmanager
def serving_gateway(*options: str, **variables: str) -> Iterator[RunningGateway]:
    """A gateway of a port of its own, to which it may come back, for as long as the block runs."""
    folder = Path(tempfile.mkdtemp(prefix="bg", dir="/tmp"))
    gateway = RunningGateway(folder, "--port", str(free_port()), *options, **variables)
    try:
        yield gateway.start()
    finally:
        gateway.close()
        shutil.rmtree(folder, ignore_errors=True)


def configure_ipython(gateway: RunningGateway) -> None:
    """Have sessions complete without jedi, which reads for seconds before its first completion, and have no tip in the banner."""
    profile = gateway.folder / "home/.ipython/profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    (profile / "ipython_config.py").write_text("c.InteractiveShell.enable_tip = False; c.Completer.use_jedi = False\n")


@contextmanager
def gateway_kernel(
    gateway: RunningGateway, *, ready_s: float = PATIENCE_S, framing: Framing = "v1", folder: Path | None = None
) -> Iterator[GatewayKernel]:
    """A kernel that answers, ended afterwards."""
    kernel = GatewayKernel(gateway, framing=framing, folder=folder)
    try:
        kernel.ready(ready_s)
        yield kernel
    finally:
        kernel.close()


@contextmanager
def asked_gateway_kernel(*, env: Mapping[str, str], folder: Path) -> Iterator[GatewayKernel]:
    """A kernel for a `SharedKernel`, of a gateway that is pointed at its endpoint; it runs in the gateway's own folder."""
    variables = {name: value for name, value in env.items() if name.startswith(("OPENAI_", "BEAKER_"))}
    with serving_gateway(**variables) as gateway, gateway_kernel(gateway) as kernel:
        yield kernel
