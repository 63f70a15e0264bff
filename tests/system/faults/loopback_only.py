"""What `test_egress.py` runs where there is nothing but the loopback: two kernels, a question each, and a count of names looked up.

Its name server is the only one that anything here knows. A name that is looked up by the test itself shows that it is heard.
"""

import fcntl
import json
import os
import socket
import struct
import sys
import threading

from tests.kit.running_kernel import running_kernel
from tests.scripted.replies import Call, Speak
from tests.scripted.threaded import serving

CONTROL = "looked-up-by-the-test.example"
_SIOCSIFFLAGS, _IFF_UP = 0x8914, 1
"""From <linux/sockios.h> and <linux/if.h>."""


def raise_loopback() -> None:
    """A new network namespace has its loopback down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))


def serve_names(heard: list[str]) -> None:
    """Hear every query by UDP, and answer that there is no such name."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 53))

    def answer() -> None:
        while True:
            query, sender = server.recvfrom(4096)
            heard.append(query[12:].split(b"\x00", 1)[0].decode("latin-1"))
            server.sendto(query[:2] + b"\x81\x83" + query[4:6] + bytes(6) + query[12:], sender)

    threading.Thread(target=answer, daemon=True).start()


def questions() -> dict[str, object]:
    """Ask the demo model and an endpoint of this machine, each over a tool."""
    with running_kernel() as kernel:
        kernel.run("numbers = [1, 2, 3]")
        demo = kernel.run("%%ai what variables do I have?")
    script = [Speak(calls=[Call(name="list_variables", arguments="{}")]), Speak(text="There are numbers.")]
    with serving(script) as endpoint, running_kernel(env=endpoint.environment) as kernel:
        kernel.run("numbers = [1, 2, 3]")
        scripted = kernel.run("%%ai what variables do I have?")
        return {"demo": [demo.status, demo.text], "scripted": [scripted.status, scripted.text], "told": endpoint.results()}


def main() -> None:
    """Write what happened to the file that is named first."""
    raise_loopback()
    heard: list[str] = []
    serve_names(heard)
    try:
        socket.getaddrinfo(CONTROL, 80)
    except OSError:
        control = list(heard)
    heard.clear()
    told = questions()
    with open(sys.argv[1], "w") as out:
        json.dump({**told, "control": control, "heard": heard, "interfaces": [name for _, name in socket.if_nameindex()]}, out)


if __name__ == "__main__":
    os.environ.pop("RES_OPTIONS", None)
    main()
