"""A real Jupyter server, to which the gateway's answers are compared."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from tests.kit.running_gateway import PATIENCE_S, Server
from tests.kit.running_kernel import wait_until
from tests.kit.without_grammar import without_grammar

TOKEN = "t" * 20


@contextmanager
def jupyter_server(root: Path, runtime: Path, *options: str) -> Iterator[Server]:
    """Starts one that serves a folder, and ends it.

    Args:
        runtime: an empty folder of its own.
    """
    words = without_grammar("jupyter_server", "--no-browser", "--port=0", "--allow-root", f"--ServerApp.root_dir={root}")
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
            # It writes that file before it listens at times.
            wait_until(lambda: _answers(server.url), timeout_s=PATIENCE_S, what="a server that answers")
            yield server
        finally:
            process.kill()  # its kernels look for their parent, and leave


def _answers(url: str) -> bool:
    try:
        with urlopen(f"{url}/api", timeout=PATIENCE_S) as answer:
            return bool(answer.status == 200)
    except (URLError, ConnectionError):
        return False
