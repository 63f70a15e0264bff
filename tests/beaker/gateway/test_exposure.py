"""What a gateway may be open to: closed by default, and no half measures."""

import pytest

from beaker.gateway.exposure import why_refused
from beaker.settings.gateway import GatewaySettings


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"host": "localhost", "no_token": True},
        {"host": "127.1.2.3", "no_token": True},
        {"host": "::1", "no_token": True},
        {"host": "fe80::1%eth0", "insecure": True},
        {"host": "0.0.0.0", "tls_cert": "c"},
        {"host": "0.0.0.0", "tls_cert": "c", "tls_key": "k"},
        {"host": "0.0.0.0", "insecure": True},
        {"unix_socket": "/s", "no_token": True, "host": "0.0.0.0"},
        {"allow_origin": ("https://lab.example.org",)},
        {"public_url": "https://lab.example.org"},
        {"public_url": "https://lab.example.org/lab", "base_url": "/lab/"},
        {"public_url": "https://lab.example.org", "unix_socket": "/s", "open": True},
        {"public_url": "http://localhost:9000/", "no_token": True},
    ],
)
def test_these_may_start(settings: dict[str, object]) -> None:
    assert why_refused(GatewaySettings(**settings)) is None  # type: ignore[arg-type]  # a table of values


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"host": "0.0.0.0"}, "0.0.0.0 can be reached by others"),
        ({"host": "::"}, "--insecure if a proxy"),
        ({"host": "lab.example.org"}, "lab.example.org can be reached by others"),
        ({"host": "localhost.example.org"}, "can be reached by others"),
        ({"host": "0.0.0.0", "no_token": True}, "--no-token is for addresses of this machine only"),
        ({"host": "0.0.0.0", "no_token": True, "tls_cert": "c"}, "--no-token is for addresses of this machine only"),
        ({"host": "0.0.0.0", "no_token": True, "insecure": True}, "--no-token is for addresses of this machine only"),
        ({"host": "[::1]"}, "write the address alone, ::1; a port goes to --port"),
        ({"host": "[::1]:8888", "insecure": True}, "write the address alone, ::1; a port goes to --port"),
        ({"host": "127.0.0.1:8888"}, "A port goes to --port"),
        ({"host": "http://localhost", "insecure": True}, "this is no address of IPv6, and no name"),
        ({"tls_key": "k"}, "add --tls-cert FILE"),
        ({"unix_socket": "/s", "tls_cert": "c"}, "speaks no TLS"),
        ({"unix_socket": "/s", "open": True}, "cannot open a unix socket"),
        ({"public_url": "lab.example.org"}, "--public-url: 'lab.example.org' is no address"),
        ({"public_url": "https://*.example.org/"}, "there are no patterns"),
        ({"public_url": "https://me@lab.example.org/"}, "leave out what stands behind or before the name"),
        ({"public_url": "https://lab.example.org/?a=1"}, "is no address"),
        ({"public_url": "https://lab.example.org/a//b"}, "has a path that is none"),
        ({"public_url": "https://lab.example.org/a/", "base_url": "/b/"}, "has another path than --base-url /b/"),
        ({"public_url": "https://lab.example.org", "no_token": True}, "others come by https://lab.example.org"),
        ({"allow_origin": ("*",)}, "--allow-origin: '*' is no origin"),
        ({"allow_origin": ("https://*.example.org",)}, "there are no patterns"),
    ],
)
def test_these_are_refused_with_the_remedy(settings: dict[str, object], words: str) -> None:
    refused = why_refused(GatewaySettings(**settings))  # type: ignore[arg-type]  # a table of values
    assert refused is not None
    assert words in refused
