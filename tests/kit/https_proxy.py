"""An HTTPS proxy that leads every host to one plain server of the test's, and shows a certificate for it that the test has made.

So a preset's own address is asked as it is, by name and over TLS, without a packet leaving the machine.
"""

import asyncio
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

PIECE = 64 * 1024


class Certificate(NamedTuple):
    """Of a host, signed by itself."""

    file: Path
    """What a client has to trust, by SSL_CERT_FILE."""
    key: Path


def make_certificate(openssl: str, host: str, folder: Path) -> Certificate:
    """Make one for a host.

    Args:
        openssl: the program.
        folder: where its two files are put.
    """
    made = Certificate(folder / "host.pem", folder / "host.key")
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={host}"]
    command += ["-addext", f"subjectAltName=DNS:{host}", "-out", str(made.file), "-keyout", str(made.key)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return made


@contextmanager
def https_proxy(certificate: Certificate, base_url: str) -> Iterator[str]:
    """Lead to the server at `base_url` as long as the block runs; gives the proxy's address, for HTTPS_PROXY."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="https-proxy")
    thread.start()
    try:
        proxy = _Proxy(certificate, urlsplit(base_url).port or 80)
        yield asyncio.run_coroutine_threadsafe(proxy.open(), loop).result(30)
        asyncio.run_coroutine_threadsafe(proxy.close(), loop).result(30)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
        loop.close()


class _Proxy:
    def __init__(self, certificate: Certificate, port: int) -> None:
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._tls.load_cert_chain(certificate.file, certificate.key)
        self._port = port
        self._serving: set[asyncio.Task[None]] = set()

    async def open(self) -> str:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        self._server.close()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        try:
            request = await reader.readuntil(b"\r\n\r\n")
            if not request.startswith(b"CONNECT "):
                return
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            await writer.drain()
            await writer.start_tls(self._tls)
            behind_reader, behind_writer = await asyncio.open_connection("127.0.0.1", self._port)
            try:
                await asyncio.gather(_pump(reader, behind_writer), _pump(behind_reader, writer))
            finally:
                behind_writer.close()
        except (OSError, ssl.SSLError, asyncio.IncompleteReadError):
            return  # one side has left
        finally:
            writer.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while piece := await reader.read(PIECE):
        writer.write(piece)
        await writer.drain()
    writer.close()
