"""A real Jupyter server, to which the gateway's answers are compared."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.kit.running_gateway import PATIENCE_S, Server

TOKEN = "t" * 20


@contextmanager
def jupyter_server(root: Path, runtime: Path, *options: str) -> Iterator[Server]:
    """Starts one that serves a folder, and ends it.

    Args:
        runtime: an empty folder of its own.
    """
    words = [sys.executable, "-m", "jupyter_server", "--no-browser", "--port=0", "--allow-root", f"--ServerApp.root_dir={root}"]
    words += [f"--IdentityProvider.token={TOKEN}", *options]
    environment = os.environ | {"JUPYTER_RUNTIME_DIR": str(runtime)}
    with subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + PATIENCE_S
            while not (found := [*runtime.glob("jpserver-*.json")]) or not found[0].read_text().endswith("}"):
                assert process.poll() is None
                assert time.monotonic() < deadline, "no server came up"
                time.sleep(0.05)
            server = Server()
            server.url, server.token = json.loads(found[0].read_text())["url"].rstrip("/"), TOKEN
            yield server
        finally:
            process.kill()  # its kernels look for their parent, and leave
