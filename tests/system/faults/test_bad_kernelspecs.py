"""FAULTS 24, 37: subkernels that cannot start, and one that runs out of memory."""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.kit.running_kernel import RunningKernel, running_kernel, wait_until


def install(name: str, argv: list[str], **more: Any) -> Path:
    """Write a kernelspec where Jupyter finds it."""
    folder = Path(os.environ["JUPYTER_DATA_DIR"]) / "kernels" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": name, "language": "python", **more}))
    return folder


def assert_nothing_is_left(folder: Path) -> None:
    """Neither a process that names the kernel of this runtime folder, as all do on their command lines, nor the folder."""

    def left() -> list[str]:
        words = [" ".join(process.info["cmdline"] or []) for process in psutil.process_iter(["cmdline"])]
        return [each for each in words if folder.name in each]

    wait_until(lambda: not left() and not folder.exists(), what="the end of all processes and files")


@pytest.mark.parametrize(
    ("name", "argv", "words"),
    [
        ("no-program", ["/no/such/program", "{connection_file}"], "/no/such/program"),
        (
            "exits-at-once",
            [sys.executable, "-c", "import sys; sys.stderr.write('out of ink'); sys.exit(3)", "{connection_file}"],
            "out of ink",
        ),
        ("no-argv", [], ""),
    ],
)
def test_a_subkernel_that_cannot_start_is_told_with_its_path_and_stderr(name: str, argv: list[str], words: str) -> None:
    folder = install(name, argv)
    kernel = RunningKernel(arguments=["--subkernel", name])
    runtime = kernel.runtime_folder
    try:
        began = time.monotonic()
        refused = kernel.ready().run("1 + 1")
        assert time.monotonic() - began < 5
        assert refused.status == "error"
        assert words in refused.text
        assert str(folder) in refused.text
        assert "Traceback" not in str(refused.reply["content"]["evalue"])
        assert kernel.run("%beaker status").status == "ok"
        info = kernel.reply(kernel.client.kernel_info())["content"]
        assert (info["status"], info["implementation"]) == ("ok", "beaker")
        assert str(folder) in info["banner"]
    finally:
        kernel.close()
    assert_nothing_is_left(runtime)


def test_a_subkernel_that_hangs_at_its_start_is_given_up() -> None:
    folder = install("hangs", [sys.executable, "-c", "import time; time.sleep(600)", "{connection_file}"])
    kernel = RunningKernel(arguments=["--subkernel", "hangs"], env={"BEAKER_SUBKERNEL_START_TIMEOUT_S": "1"})
    runtime = kernel.runtime_folder
    try:
        refused = kernel.ready().run("1 + 1")
        assert refused.status == "error"
        assert str(folder) in refused.text
    finally:
        kernel.close()
    assert_nothing_is_left(runtime)


def test_an_unknown_subkernel_is_told_with_the_names_there_are() -> None:
    kernel = RunningKernel(arguments=["--subkernel", "pyhton3"])
    runtime = kernel.runtime_folder
    try:
        refused = kernel.ready().run("1 + 1")
        assert refused.status == "error"
        assert "'pyhton3'" in refused.text
        assert "python3" in refused.text
    finally:
        kernel.close()
    assert_nothing_is_left(runtime)


def test_a_cell_that_runs_out_of_memory_is_told_and_the_next_one_runs() -> None:
    with running_kernel() as kernel:
        # No limit that a process may set on itself kills it: the machine's out-of-memory killer would need a cgroup and the
        # right to make one. So the allocation fails, and the process ends as C extensions end then; a kill by signal 9
        # without words is in test_subkernel_death.py.
        code = (
            "import os, resource, sys\n"
            "resource.setrlimit(resource.RLIMIT_AS, (600_000_000, 600_000_000))\n"
            "try:\n    b = bytearray(2_000_000_000)\n"
            "except MemoryError:\n    os.write(2, b'MemoryError: cannot allocate memory'); os.abort()"
        )
        died = kernel.run(code)
        assert (died.status, died.reply["content"]["ename"]) == ("error", "KernelDied")
        assert "memory" in died.reply["content"]["evalue"]
        assert kernel.run("40 + 2").text.endswith("42")
