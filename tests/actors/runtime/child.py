"""What the process tests start: `python child.py <mode> [path] --birth-fd=N`."""

import asyncio
import os
import signal
import subprocess
import sys
import time

from actors.runtime.birth import Birth
from actors.runtime.node import Node
from tests.actors.runtime.vocabulary import Worker, codec


async def serve(birth: Birth, path: str) -> None:
    """Listen with the secret of the birth, until the parent is gone."""
    node = Node("child")
    await node.spawn("worker", Worker)
    await node.listen(path, codec=codec, admit=lambda peer: None, secret=birth.secret)
    orphaned = asyncio.Event()
    birth.on_parent_death(orphaned.set)
    birth.ready()
    await orphaned.wait()
    await node.stop()


def main() -> None:
    birth = Birth.take(sys.argv)
    assert birth is not None
    mode, *rest = sys.argv[1:]
    if mode == "serve":
        asyncio.run(serve(birth, rest[0]))
    elif mode == "fail":
        birth.failed("no model is configured")
        time.sleep(60)
    elif mode == "exit":
        sys.exit(3)
    elif mode == "lingers":
        birth.close()
        time.sleep(1.2)  # as a process does that stands still on its way out
        sys.exit(3)
    elif mode == "silent":
        time.sleep(60)
    elif mode == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        birth.ready()
        time.sleep(60)
    elif mode == "parent":
        # A process that starts a serving child of its own, and is then killed by the test.
        asyncio.run(parent(birth, rest[0]))


async def parent(birth: Birth, path: str) -> None:
    """Start a serving child, write its pid beside the socket, be ready."""
    from actors.runtime.process import start

    child = start([sys.executable, __file__, "serve", path], role="child", secret=birth.secret, output=subprocess.DEVNULL)
    await child.ready(20)
    with open(path + ".pid", "w") as file:  # noqa: ASYNC230 - three bytes
        file.write(str(child.pid))
    birth.ready()
    await asyncio.sleep(60)


if __name__ == "__main__":
    main()
    os._exit(0)
