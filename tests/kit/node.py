"""JavaScript clients in a node process: their libraries, as a lock file pins them, and scenes that a test has them play."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest

PATIENCE_S = 60.0
"""Ends a hang; nothing here takes as long on a quiet machine."""
INSTALLING_LIMIT_S = 110.0
"""Until the registry has given some tens of small packages: seconds."""


def installed(npm: str, folder: Path) -> Path:
    """The libraries that this folder's lock file names, installed once beside the Python packages that tests use.

    Returns:
        Their `node_modules`.

    Raises:
        RuntimeError: npm could not install them; with its last words.
    """
    lock = (folder / "package-lock.json").read_bytes()
    place = Path(sys.prefix) / "share/beaker-tests-node" / hashlib.sha256(lock).hexdigest()[:16]
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix="making-", dir=place.parent))
        try:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(folder / name, made)
            command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]
            done = subprocess.run(command, cwd=made, capture_output=True, text=True, timeout=INSTALLING_LIMIT_S)
            if done.returncode != 0:
                raise RuntimeError(done.stderr[-2000:])
            # Whole or not at all: another run of the tests may be at the same.
            if not place.exists():
                made.rename(place)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    return place / "node_modules"


class Scenes:
    """A node process that plays scenes, one after the other, on one gateway."""

    def __init__(self, node: str, script: Path, modules: Path, url: str, token: str) -> None:
        environment = os.environ | {"NODE_PATH": str(modules)}
        self._complaints = tempfile.TemporaryFile("w+")  # noqa: SIM115  # closed with the process
        self._process = subprocess.Popen(
            [node, str(script), f"{url}/", token],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            text=True,
        )

    def play(self, scene: str, **given: object) -> Any:  # Any: JSON
        """Plays a scene; gives what it saw."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"scene": scene, "given": given}) + "\n")
        self._process.stdin.flush()
        # A scene that waits for what never comes is ended, and fails.
        watch = threading.Timer(PATIENCE_S, self._process.kill)
        watch.start()
        try:
            line = self._process.stdout.readline()
        finally:
            watch.cancel()
        answer = json.loads(line) if line else {"failed": f"no end after {PATIENCE_S} s, or the process died"}
        if "failed" in answer:
            self._complaints.seek(0)
            pytest.fail(f"{scene}: {answer['failed']}\n{self._complaints.read()[-3000:]}")
        return answer.get("saw")

    def close(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.communicate()
        self._complaints.close()
