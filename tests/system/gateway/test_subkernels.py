"""FAULTS 24, 37 by a gateway: kernelspecs that cannot start, one of another language, and a cell that runs out of memory."""

import asyncio
import sys
from collections.abc import Iterator

import psutil
import pytest

from tests.kit.kernelspecs import install
from tests.kit.processes import lives
from tests.kit.running_gateway import RunningGateway

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("plain gateway")]

EATS = """
import os, resource
resource.setrlimit(resource.RLIMIT_AS, (600_000_000, 600_000_000))
try:
    b = bytearray(2_000_000_000)
except MemoryError:
    os.kill(os.getpid(), 9)
"""
"""Does to itself what the machine's out-of-memory killer would do: no limit that a process may set on itself kills it."""


@pytest.mark.parametrize(
    ("name", "argv", "words"),
    [
        ("by-post-no-program", ["/no/such/program", "{connection_file}"], "/no/such/program cannot be run"),
        ("by-post-no-argv", [], "has an empty argv"),
        ("by-post-missing-argv", None, "missing required field `argv`"),
    ],
)
async def test_a_kernelspec_that_names_no_program_is_refused_with_its_path(
    name: str, argv: list[str] | None, words: str, plain_gateway: RunningGateway
) -> None:
    folder = install(name, argv)
    before = await plain_gateway.call("GET", "/kernels")
    async with plain_gateway.http() as http, http.post("/api/kernels", json={"name": name}) as answer:
        told = await answer.json()
    assert (answer.status, told["reason"]) == (503, "not_started")
    assert words in told["message"]
    assert str(folder) in told["message"]
    assert len(await plain_gateway.call("GET", "/kernels")) == len(before), "nothing is left of it"


async def test_a_subkernel_that_exits_at_once_is_told_in_its_first_cell_with_what_it_wrote(plain_gateway: RunningGateway) -> None:
    code = "import sys; sys.stderr.write('out of ink'); sys.exit(3)"
    folder = install("by-post-exits", [sys.executable, "-c", code, "{connection_file}"])
    kernel_id = await plain_gateway.start_kernel("by-post-exits")
    async with plain_gateway.connect(kernel_id) as client:
        reply, _ = await client.run("1 + 1")
    assert (reply["status"], reply["ename"]) == ("error", "NoSubkernel")
    assert "exited with status 3" in reply["evalue"]
    assert "out of ink" in reply["evalue"]
    assert str(folder) in reply["evalue"]
    await plain_gateway.call("DELETE", f"/kernels/{kernel_id}")


@pytest.fixture(scope="module")
def bash(plain_gateway: RunningGateway) -> Iterator[str]:
    """A kernel of bash."""
    kernel_id = asyncio.run(plain_gateway.start_kernel("bash"))
    yield kernel_id
    asyncio.run(plain_gateway.call("DELETE", f"/kernels/{kernel_id}"))


async def test_a_session_in_bash_runs_beside_those_in_python(bash: str, plain_gateway: RunningGateway) -> None:
    async with plain_gateway.connect(bash) as client:
        info = (await client.hear_until("kernel_info_reply", await client.send("kernel_info_request", {})))["content"]
        assert info["language_info"]["name"] == "bash"
        assert (await client.run("x=6; echo $((x * 7))"))[1] == "42\n"
        reply, printed = await client.run("ls /no/such/folder")
        assert reply["status"] == "error"
        assert "/no/such/folder" in printed
        assert (await client.run("%beaker status"))[0]["status"] == "ok"


async def test_a_cell_that_runs_out_of_memory_is_told_so_the_next_one_runs_and_no_other_session_notices(
    bash: str, plain_gateway: RunningGateway
) -> None:
    kernel_id = await plain_gateway.start_kernel()
    async with plain_gateway.connect(kernel_id) as client, plain_gateway.connect(bash) as other:
        pid = (await other.run("y=41; echo $$"))[1]
        subkernel = psutil.Process(int((await client.run("import os; print(os.getpid())"))[1]))
        died, _ = await client.run(EATS)
        assert (died["status"], died["ename"]) == ("error", "KernelDied")
        assert "killed by signal 9 (out of memory?)" in died["evalue"]
        assert not lives(subkernel)
        assert (await client.run("print(40 + 2)"))[1].endswith("42\n")
        assert (await other.run("echo $((y + 1)) $$"))[1] == f"42 {pid}"
    await plain_gateway.call("DELETE", f"/kernels/{kernel_id}")
