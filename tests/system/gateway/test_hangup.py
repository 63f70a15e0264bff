"""SIGHUP at a gateway that speaks TLS: new workers, with the certificate that lies there now; kernels are not touched."""

import os
import signal
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.actors.guardian.test_refusals import certificate
from tests.kit.running_gateway import PATIENCE_S, RunningGateway
from tests.kit.running_kernel import wait_until

pytestmark = pytest.mark.slow


def shown(gateway: RunningGateway) -> str:
    """The certificate that is shown to whoever connects."""
    plain = socket.create_connection(("127.0.0.1", gateway.port))
    assert isinstance(gateway.trusted, ssl.SSLContext)
    with gateway.trusted.wrap_socket(plain, server_hostname="localhost") as secured:
        found = secured.getpeercert(binary_form=True)
    assert found is not None
    return ssl.DER_cert_to_PEM_cert(found)


def text_of(cert: str) -> str:
    return Path(cert).read_text()


async def test_a_hangup_replaces_workers_and_the_certificate_and_touches_no_kernel(
    short_folder: Path, start_gateway: Callable[..., RunningGateway], need_tool: Callable[..., str]
) -> None:
    need_tool("openssl")
    names = ("-nodes", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")
    cert, key = certificate(short_folder, "c", *names)
    gateway = start_gateway("--port", "0", "--tls-cert", cert, "--tls-key", key)
    assert gateway.url.startswith("https://")
    gateway.trusted = ssl.create_default_context(cafile=cert)
    assert shown(gateway) == text_of(cert)
    kernel_id = await gateway.start_kernel()
    hosts, workers = ({process.pid for process in gateway.roles(role)} for role in ("host", "worker"))
    async with gateway.connect(kernel_id) as client:
        assert (await client.run("x = 7"))[0]["status"] == "ok"
        certificate(short_folder, "c", *names)
        os.kill(gateway.pid, signal.SIGHUP)
        gateway.wait_for_role("worker", 1, without=workers)
    gateway.trusted = ssl.create_default_context(cafile=cert)  # which the former one would not be
    assert shown(gateway) == text_of(cert)
    async with gateway.connect(kernel_id, framing="legacy") as client:
        assert (await client.run("print(x)"))[1] == "7\n"
    assert {host.pid for host in gateway.roles("host")} == hosts
    # One that could not be used replaces nobody.
    workers = {process.pid for process in gateway.roles("worker")}
    certificate(short_folder, "c", "-passout", "pass:word")
    os.kill(gateway.pid, signal.SIGHUP)
    wait_until(lambda: gateway.complaints, timeout_s=PATIENCE_S, what="a complaint about the certificate")
    assert {process.pid for process in gateway.roles("worker")} == workers
    assert gateway.end() == 0
    assert gateway.complaints == (
        f"beaker-gateway: No worker is replaced, as a new one could not serve. The key in {key} wants a password, which nobody is there to "
        "type. Store it without one: openssl pkey.\n"
    )
