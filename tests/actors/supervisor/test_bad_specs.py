"""Kernelspecs that do not start: the reason, the path and the last words, soon, and nothing left behind."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from actors.supervisor.limits import Limits
from beaker.messages.subkernel import GaveUp, Restart
from tests.actors.supervisor.held import HeldTime
from tests.actors.supervisor.stage import PATIENCE_S, Stage, install_spec, stage, until

pytestmark = pytest.mark.slow

FAILS = "import sys; sys.stderr.write('no such module: flux\\n'); sys.exit(7)"

BAD: dict[str, tuple[dict[str, object], list[str]]] = {
    "no argv": ({"argv": []}, ["has an empty argv", "kernel.json"]),
    "argv missing": ({}, ["missing required field `argv`", "kernel.json"]),
    "wrong path": ({"argv": ["/no/such/program", "{connection_file}"]}, ["/no/such/program cannot be run", "kernel.json"]),
    "exits at once": ({"argv": [sys.executable, "-c", FAILS]}, ["exited with status 7", "no such module: flux", "kernel.json"]),
}


async def reason_of(kernel: Stage, before_serving: Callable[[], object] | None = None) -> str:
    """Start, and wait until it is given up."""
    kernel.fork(before_serving)
    _, attached = await kernel.attach()
    return attached.reason or (await kernel.probe.expect(GaveUp)).reason


@pytest.mark.parametrize("bad", BAD, ids=str)
async def test_a_spec_that_cannot_start_is_given_up_with_the_reason(bad: str, tmp_path: Path) -> None:
    spec, words = BAD[bad]
    async with stage(spec_name="bad", environment=install_spec(tmp_path, "bad", **spec)) as kernel:
        reason = await reason_of(kernel, HeldTime().hold)  # soon: nothing of the Supervisor's has timed out
        for word in words:
            assert word in reason
        await until(lambda: kernel.names_left() == ["sh"])  # the watcher
        assert [path.name for path in kernel.folder.iterdir() if path.is_dir()] == []


async def test_an_unknown_spec_is_answered_with_the_valid_names() -> None:
    async with stage(spec_name="pyton3") as kernel:
        reason = await reason_of(kernel)
        assert "There is no kernelspec 'pyton3'. Installed are: " in reason
        assert "python3" in reason


async def test_a_spec_that_hangs_at_start_is_given_up_after_the_timeout(tmp_path: Path) -> None:
    said, time = tmp_path / "said", HeldTime()
    code = "import sys, time; sys.stderr.write('waiting for a licence\\n'); sys.stderr.flush(); open(sys.argv[1], 'w'); time.sleep(600)"
    environment = install_spec(tmp_path, "bad", argv=[sys.executable, "-c", code, str(said), "{connection_file}"])
    async with stage(spec_name="bad", environment=environment, start_timeout_s=30.0) as kernel:
        kernel.fork(time.hold)
        await kernel.attach()
        await until(said.exists)
        time.pass_by(31, pid=kernel.supervisor)
        reason = (await kernel.probe.expect(GaveUp)).reason
        assert "did not answer within 30 s" in reason
        assert "waiting for a licence" in reason
        await until(lambda: kernel.names_left() == ["sh"])


async def test_a_subkernel_that_its_limits_do_not_let_start_names_them() -> None:
    async with stage(limits=Limits(memory_bytes=1 << 20)) as kernel:
        assert "subkernel.max_memory_mb = 1," in await reason_of(kernel)


async def test_a_mended_spec_is_taken_at_the_restart(tmp_path: Path) -> None:
    environment = install_spec(tmp_path, "bad", argv=["/no/such/program"])
    async with stage(spec_name="bad", environment=environment) as kernel:
        await reason_of(kernel)
        file = tmp_path / "share" / "kernels" / "bad" / "kernel.json"
        argv = ["python", "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        file.write_text(json.dumps({"argv": argv, "display_name": "mended", "language": "python"}))
        supervisor, _ = await kernel.attach()
        await supervisor.ask(Restart(), timeout_s=PATIENCE_S)
        assert await kernel.run(await kernel.started(), "print('mended')") == "mended\n"
