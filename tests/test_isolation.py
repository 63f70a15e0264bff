"""What `conftest.py` promises: tests see nothing of the machine's user, and what they leave running fails the session."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from jupyter_core.paths import jupyter_config_dir, jupyter_data_dir, jupyter_runtime_dir

CONFTEST = Path(__file__).with_name("conftest.py")

LEAKING = """
import subprocess

def test_that_leaks():
    process = subprocess.Popen(["sleep", "600"], start_new_session=True)
    while not open(f"/proc/{process.pid}/cmdline").read():
        pass  # a program that has just begun has none for a moment
"""

PATIENCE_S = 110
"""For a session of a second, just below the limit of a test."""

LACKING = """
def test_that_lacks(need_tool):
    need_tool("no-such-program")
"""


def _session(folder: Path, test: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Runs a test in a session of its own, under a copy of our conftest that waits less for processes to leave."""
    text = CONFTEST.read_text()
    assert "LEAVING_TIME_S = 60.0\n" in text
    (folder / "conftest.py").write_text(text.replace("LEAVING_TIME_S = 60.0\n", "LEAVING_TIME_S = 0.1\n"))
    (folder / "test_it.py").write_text(test)
    (folder / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(folder)]
    environment = {**os.environ, **variables}
    return subprocess.run(command, cwd=CONFTEST.parents[1], env=environment, capture_output=True, text=True, timeout=PATIENCE_S)


def test_every_folder_of_the_user_is_another_one(own_home: Path) -> None:
    session = own_home.parent
    places = [str(Path.home()), jupyter_data_dir(), jupyter_config_dir(), jupyter_runtime_dir(), os.environ["XDG_RUNTIME_DIR"]]
    assert [place for place in places if not Path(place).is_relative_to(session)] == []
    assert len(os.environ["XDG_RUNTIME_DIR"]) < 30, "sockets go there, and their paths are limited"


def test_no_variable_of_the_user_configures_beaker() -> None:
    assert [name for name in os.environ if name.startswith(("BEAKER_", "OPENAI_"))] == []


@pytest.mark.skipif(sys.platform != "linux", reason="the mark of our processes is a resource limit of Linux")
def test_a_process_that_outlives_its_test_fails_the_session_and_is_named(tmp_path: Path) -> None:
    done = _session(tmp_path, LEAKING)
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert "sleep 600  [started in test_it.py::test_that_leaks]" in done.stderr


def test_a_lacking_tool_skips_with_its_reason_at_home_and_fails_in_ci(tmp_path: Path) -> None:
    home, ci = _session(tmp_path, LACKING), _session(tmp_path, LACKING, BEAKER_CI="1")
    assert (home.returncode, ci.returncode) == (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
    assert "1 skipped" in home.stdout
    assert "no-such-program" in ci.stdout
