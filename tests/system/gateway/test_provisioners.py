"""A kernel that somebody else's provisioner runs, by a gateway: how a service's kernels come to other machines and clusters.

The provisioner is of the test's own, in a folder on Python's path, and found by its entry point as an installed one is.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.gateway_kernel import GatewayKernel, serving_gateway
from tests.kit.running_gateway import PATIENCE_S, RunningGateway
from tests.kit.running_kernel import wait_until

pytestmark = pytest.mark.slow

PROVISIONER = '''
import os
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

class Crane(LocalProvisioner):
    """Writes down what it is asked for."""

    def _note(self, words):
        with open(os.environ["CRANE_BOOK"], "a") as book:
            book.write(f"{words}\\n")

    async def launch_kernel(self, cmd, **kwargs):
        self._note(f"launched at {self.kernel_spec.metadata['kernel_provisioner']['config']['queue']}")
        return await super().launch_kernel(cmd, **kwargs)

    async def send_signal(self, signum):
        self._note(f"signal {int(signum)}")
        await super().send_signal(signum)

    async def cleanup(self, restart=False):
        self._note("cleaned up")
        await super().cleanup(restart)
'''


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[RunningGateway]:
    """It finds the provisioner, and a kernelspec that asks for it."""
    (tmp_path / "crane.py").write_text(PROVISIONER)
    (tmp_path / "crane-1.dist-info").mkdir()
    (tmp_path / "crane-1.dist-info/METADATA").write_text("Metadata-Version: 2.1\nName: crane\nVersion: 1\n")
    (tmp_path / "crane-1.dist-info/entry_points.txt").write_text("[jupyter_client.kernel_provisioners]\ncrane = crane:Crane\n")
    (tmp_path / "kernels/elsewhere").mkdir(parents=True)
    spec = {
        "argv": ["python3", "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": "Elsewhere",
        "language": "python",
        "metadata": {"kernel_provisioner": {"provisioner_name": "crane", "config": {"queue": "night"}}},
    }
    (tmp_path / "kernels/elsewhere/kernel.json").write_text(json.dumps(spec))
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    with serving_gateway(PYTHONPATH=path, JUPYTER_PATH=str(tmp_path), CRANE_BOOK=str(tmp_path / "book")) as gateway:
        yield gateway


def test_a_provisioner_of_somebody_else_starts_interrupts_restarts_and_ends_a_kernel(gateway: RunningGateway, tmp_path: Path) -> None:
    book = tmp_path / "book"
    kernel = GatewayKernel(gateway, spec="elsewhere")
    try:
        assert kernel.ready(PATIENCE_S).run("x = 6; print(x * 7)").text == "42\n"
        assert book.read_text() == "launched at night\n"
        running = kernel.send("import time\nprint('on', flush=True)\ntime.sleep(600)")
        kernel.wait_for_print(running)
        kernel.call("interrupt")
        assert kernel.outcome(running).reply["content"]["ename"] == "KeyboardInterrupt"
        assert book.read_text().endswith("night\nsignal 2\n")
        kernel.call("restart")
        assert kernel.run("'x' in globals()").text == "False"
        assert book.read_text().count("launched at night") == 2
    finally:
        kernel.close()
    wait_until(lambda: book.read_text().endswith("cleaned up\n"), what="the provisioner's last work")
