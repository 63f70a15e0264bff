"""What a process pays for the runtime before it has done anything."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = str(Path(__file__).parents[3])

HEAVY = {"structlog", "zmq", "jupyter_client", "openai", "aiohttp", "IPython", "ctypes", "tempfile", "multiprocessing", "dataclasses"}


@pytest.mark.slow
@pytest.mark.parametrize("module", ["node", "process", "birth", "codec"])
def test_importing_the_runtime_imports_nothing_heavy(module: str) -> None:
    code = f"import sys, actors.runtime.{module}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {ROOT!r}); {code}"],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert HEAVY & set(done.stdout.split()) == set()
