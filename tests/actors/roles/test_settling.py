"""The key leaves the process that found it; the process stays the same for everybody else."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import beaker_kernel

pytestmark = pytest.mark.slow

CANARY = "sk-canary-0123456789"

SETTLE = """
import json, os, sys
import beaker_kernel
from actors.roles.settling import read_key, settle
from actors.runtime.prctl import is_undumpable
argv = sys.argv[1:]
exec({before!r})
settled = settle(argv)
print(json.dumps({{
    "facts": settled.facts, "problems": settled.problems, "argv": argv, "pid": os.getpid(), "parent": os.getppid(),
    "environ": dict(os.environ), "undumpable": is_undumpable(), "key": settled.descriptor and read_key(settled.descriptor),
    "inherited": settled.descriptor and os.get_inheritable(settled.descriptor),
    "shown": open("/proc/self/environ", errors="replace").read() if os.path.exists("/proc/self/environ") else "",
}}))
"""


def settle(*arguments: str, before: str = "", cwd: Path | None = None, **variables: str) -> subprocess.Popen[str]:
    """A process that settles its key and says what it is then. `before` runs in each of its images."""
    environment = {name: value for name, value in os.environ.items() if name not in variables}
    environment |= {"PYTHONPATH": os.path.dirname(beaker_kernel.__file__), **variables}
    return subprocess.Popen(
        [sys.executable, "-P", "-c", SETTLE.format(before=before), *arguments],
        env=environment,
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def said(process: subprocess.Popen[str]) -> dict[str, object]:
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 0, (process.returncode, errors)
    found: dict[str, object] = json.loads(out)
    return found


def test_a_key_leaves_the_environment_and_the_process_stays_the_same() -> None:
    process = settle("-f", "a file.json", OPENAI_API_KEY=CANARY, OWN="own", JPY_PARENT_PID="1234")
    found = said(process)
    assert found["facts"] == ["OPENAI_API_KEY", "environment OPENAI_API_KEY", ""]
    assert found["key"] == CANARY
    assert (found["pid"], found["parent"]) == (process.pid, os.getpid())
    assert found["argv"] == ["-f", "a file.json"]
    environ = found["environ"]
    assert isinstance(environ, dict)
    assert "OPENAI_API_KEY" not in environ
    assert (environ["OWN"], environ["JPY_PARENT_PID"]) == ("own", "1234")
    assert CANARY not in str(found["shown"])
    assert found["inherited"] is False, "only agents are given it"


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
def test_the_fresh_image_is_undumpable() -> None:
    assert said(settle(OPENAI_API_KEY=CANARY))["undumpable"] is True


def test_without_a_key_nothing_is_replaced() -> None:
    found = said(settle("-f", "x", before="import os; os.execve = None"))
    assert (found["facts"], found["key"], found["argv"], found["undumpable"]) == (None, None, ["-f", "x"], False)


def test_a_variable_that_the_user_gives_to_her_cells_stays(own_home: Path) -> None:
    (own_home / ".config/beaker").mkdir()
    (own_home / ".config/beaker/beaker.toml").write_text('[subkernel]\nkeep_env = ["OPENAI_API_KEY"]')
    found = said(settle(OPENAI_API_KEY=CANARY))
    assert found["key"] == CANARY
    assert isinstance(found["environ"], dict)
    assert found["environ"]["OPENAI_API_KEY"] == CANARY


def test_what_was_said_on_the_way_is_not_forgotten_over_the_replacement(own_home: Path) -> None:
    (own_home / "keys").write_text(f"OPENAI_API_KEY={CANARY}")
    found = said(settle(OPENAI_API_KEY="not a key", BEAKER_ENV_FILE=str(own_home / "keys")))
    assert found["facts"] == ["OPENAI_API_KEY", f"{own_home}/keys: OPENAI_API_KEY", ""]
    assert found["problems"] == ["environment: OPENAI_API_KEY is not used: it contains a blank or a character that no key has."]


def test_paths_that_are_no_text_survive(tmp_path: Path, own_home: Path) -> None:
    folder = os.fsencode(tmp_path) + b"/caf\xe9"
    os.mkdir(folder)
    path = folder + b"/keys"
    with open(path, "w") as file:
        file.write(f"OPENAI_API_KEY={CANARY}")
    found = said(settle(BEAKER_ENV_FILE=os.fsdecode(path)))
    assert found["key"] == CANARY


DURING = "import os; real = os.execve; os.execve = lambda *a: (os.kill(os.getpid(), {signal}), real(*a))"
"""Sends the process a signal in the moment of its replacement."""


def test_an_interrupt_during_the_replacement_ends_nothing() -> None:
    process = settle(OPENAI_API_KEY=CANARY, before=DURING.format(signal=int(signal.SIGINT)))
    assert said(process)["key"] == CANARY


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_being_told_to_end_during_the_replacement_ends_it(number: signal.Signals) -> None:
    heeded = f"import signal; signal.signal({int(number)}, signal.SIG_DFL)\n"  # under nohup it is ignored, here too
    process = settle(OPENAI_API_KEY=CANARY, before=heeded + DURING.format(signal=int(number)))
    out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (-number, "")


def test_no_signal_stays_held_back() -> None:
    mask = "import signal; print(sorted(map(int, signal.pthread_sigmask(0, []))), file=sys.stderr)"
    process = settle(OPENAI_API_KEY=CANARY, before=f"import atexit; atexit.register(lambda: exec({mask!r}))")
    _, errors = process.communicate(timeout=60)
    assert errors == "[]\n"


def test_inherited_descriptors_stay_open() -> None:
    reading, writing = os.pipe()
    try:
        os.set_inheritable(writing, True)
        environment = {**os.environ, "PYTHONPATH": os.path.dirname(beaker_kernel.__file__), "OPENAI_API_KEY": CANARY}
        code = f"{SETTLE.format(before='')}\nos.write({writing}, b'here')"
        subprocess.run(
            [sys.executable, "-P", "-c", code], env=environment, close_fds=False, stdout=subprocess.DEVNULL, timeout=60, check=True
        )
        os.set_blocking(reading, False)
        assert os.read(reading, 10) == b"here"
    finally:
        os.close(reading)
        os.close(writing)
