"""A scripted endpoint in a process of its own, and the settings that point a kernel at it."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SERVE = Path(__file__).resolve().parents[1] / "scripted" / "serve.py"


@contextmanager
def scripted(name: str) -> Iterator[dict[str, str]]:
    """Serve one script; gives the environment of a kernel that uses it."""
    process = subprocess.Popen([sys.executable, str(SERVE), name], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield {"OPENAI_BASE_URL": process.stdout.readline().strip(), "OPENAI_API_KEY": "sk-test-0123456789", "BEAKER_MODEL": "scripted-1"}
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
