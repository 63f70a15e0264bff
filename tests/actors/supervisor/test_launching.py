"""What a subkernel is launched with: as jupyter_client would have launched it, but for what we say."""

import errno
import json
import os
import sys
from pathlib import Path

import psutil
import pytest
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager

from actors.supervisor.launching import PARENT_PID, LaunchError, choose_connection, compose_command, compose_environment, launch
from actors.supervisor.limits import Limits
from beaker.subkernels.kernelspecs import Kernelspec
from tests.actors.supervisor.stage import PATIENCE_S, Stage, install_spec, stage, until


@pytest.mark.parametrize(
    "argv",
    [
        ["python", "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        ["python3", "-f", "{connection_file}"],
        [f"python{sys.version_info[0]}.{sys.version_info[1]}", "{connection_file}"],
        ["/usr/bin/R", "{resource_dir}/x", "{prefix}", "{unknown}", "~/x", "{connection_file}"],
        ["{connection_file}", "{connection_file}{connection_file}"],
    ],
)
def test_the_command_is_that_of_jupyter_client(argv: list[str], tmp_path: Path) -> None:
    manager = KernelManager(connection_file=str(tmp_path / "k.json"))
    manager._kernel_spec = KernelSpec(argv=list(argv), resource_dir="/specs/x")
    manager._launch_args = {}
    theirs = [os.path.expanduser(argument) for argument in manager.format_kernel_cmd()]
    assert compose_command(Kernelspec(name="x", folder="/specs/x", argv=argv), str(tmp_path / "k.json")) == theirs


def test_the_environment_is_the_users_with_that_of_the_spec() -> None:
    spec = Kernelspec(argv=["x"], language="python", env={"A": "${HOME}/a", "B": "${NOT_THERE}"})
    composed = compose_environment(spec, {"HOME": "/h", "B": "old", "PYTHONEXECUTABLE": "/p"})
    assert composed == {"HOME": "/h", "A": "/h/a", "B": "${NOT_THERE}", PARENT_PID: "1"}


def test_ipykernel_listens_on_unix_sockets_and_others_on_free_ports(tmp_path: Path) -> None:
    ours = choose_connection(Kernelspec(argv=["python", "-m", "ipykernel_launcher"]), tmp_path)
    other = choose_connection(Kernelspec(argv=["R", "IRkernel::main()"]), tmp_path)
    assert (ours.transport, ours.ip, ours.shell_port) == ("ipc", str(tmp_path / "s"), 1)
    assert (other.transport, other.ip) == ("tcp", "127.0.0.1")
    assert len({other.shell_port, other.iopub_port, other.stdin_port, other.control_port, other.hb_port}) == 5
    assert len(ours.key) == 64
    assert ours.key != other.key


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    spec = Kernelspec(name="x", argv=["/no/such/program"])
    with pytest.raises(LaunchError, match="/no/such/program cannot be run: there is no such program"):
        launch(spec, tmp_path / "1", 1, environment={}, file_name="k.json", limits=Limits())


def test_where_no_connection_file_can_be_written_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_path: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("actors.supervisor.launching.StderrPipe", full)
    with pytest.raises(LaunchError, match=r"its connection file cannot be written to .*: No space left on device"):
        launch(Kernelspec(name="x", argv=["true"]), tmp_path / "1", 1, environment={}, file_name="k.json", limits=Limits())


def test_the_connection_file_is_private_and_the_process_leads_its_session(tmp_path: Path) -> None:
    spec = Kernelspec(name="x", argv=[sys.executable, "-c", "import sys; sys.exit(sys.stdin.read() != '')"])
    made = launch(spec, tmp_path / "1", 1, environment=dict(os.environ), file_name="k.json", limits=Limits())
    assert made.subkernel.pid is not None
    assert os.getsid(made.subkernel.pid) == made.subkernel.pid
    file = tmp_path / "1" / "k.json"
    assert file.stat().st_mode & 0o777 == 0o600
    content = json.loads(file.read_bytes())
    assert content["kernel_name"] == "x"
    assert content["key"] == made.subkernel.connection.key
    psutil.Process(made.subkernel.pid).wait(PATIENCE_S)
    assert made.process.status in (0, None)
    made.stderr.close()


@pytest.mark.parametrize(("gathers_stdout", "told"), [(True, "to stdout\nto stderr"), (False, "to stderr")])
def test_what_it_writes_to_stdout_is_gathered_where_that_is_wanted(gathers_stdout: bool, told: str, tmp_path: Path) -> None:
    spec = Kernelspec(name="x", argv=["sh", "-c", "echo to stdout; echo to stderr >&2"])
    environment = dict(os.environ)
    made = launch(spec, tmp_path / "1", 1, environment=environment, file_name="k.json", limits=Limits(), gathers_stdout=gathers_stdout)
    assert made.process.child is not None
    assert made.process.child.wait(PATIENCE_S) == 0
    assert made.stderr.tail() == told
    made.stderr.close()


LOOK = """
import json, os, sys, stat
print(json.dumps({
    "environment": sorted(os.environ), "folder": os.getcwd(), "sigint": __import__("signal").getsignal(2) is not None,
    "stdin": stat.S_ISFIFO(os.fstat(0).st_mode), "descriptors": sorted(int(n) for n in os.listdir("/proc/self/fd") if int(n) < 3),
    "argv": [os.path.basename(a) for a in sys.argv], "path": sys.path, "session": os.getsid(0) == os.getpid(),
    "ignored": [line for line in open("/proc/self/status") if line.startswith(("SigIgn", "SigBlk"))],
}))
"""


@pytest.mark.slow
async def test_python3_sees_what_it_sees_under_jupyter_client(tmp_path: Path) -> None:
    async with stage() as kernel:
        _, subkernel = await kernel.begin()
        ours = json.loads(await kernel.run(subkernel, LOOK))
        theirs = json.loads(await bare(kernel))
        assert ours == theirs


async def bare(kernel: Stage) -> str:
    """Run LOOK in a python3 that jupyter_client started."""
    from jupyter_client.manager import AsyncKernelManager

    from tests.actors.supervisor.stage import run_code, until_ready
    from tests.kit.ports import free_ports

    manager = AsyncKernelManager(connection_file=str(kernel.root / "kernel-1.json"), cache_ports=False, **free_ports())
    await manager.start_kernel()
    client = manager.client()
    client.start_channels()
    try:
        await until_ready(client)
        return await run_code(client, LOOK)
    finally:
        client.stop_channels()
        await manager.shutdown_kernel(now=True)


@pytest.mark.slow
async def test_a_kernel_of_another_language_runs_over_tcp(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "bash_kernel", "-f", "{connection_file}"]
    environment = install_spec(tmp_path, "bash", argv=argv, language="bash")
    async with stage(spec_name="bash", environment=environment) as kernel:
        _, subkernel = await kernel.begin()
        assert subkernel.connection.transport == "tcp"
        assert await kernel.run(subkernel, "echo $((6 * 7))") == "42\n"


@pytest.mark.slow
async def test_stderr_of_the_subkernel_shows_on_ours(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code = "import sys, time; sys.stderr.write('a warning of C code\\n'); sys.stderr.flush(); time.sleep(600)"
    environment = install_spec(tmp_path, "loud", argv=[sys.executable, "-c", code])
    heard: list[str] = []
    async with stage(spec_name="loud", environment=environment) as kernel:
        kernel.fork()

        def shown() -> bool:
            heard.append(capfd.readouterr().err)
            return "a warning of C code" in "".join(heard)

        await until(shown)
