"""What a gateway may be open to: closed by default, and no half measures."""

import pytest

from beaker.gateway.exposure import why_refused
from beaker.settings.gateway import GatewaySettings


@pytest.mark.parametrize(
    ("settings", "has_token"),
    [
        ({}, False),
        ({}, True),
        ({"host": "localhost", "no_token": True}, False),
        ({"host": "127.1.2.3", "no_token": True}, False),
        ({"host": "::1", "no_token": True}, False),
        ({"host": "0.0.0.0", "tls_cert": "c"}, True),
        ({"host": "0.0.0.0", "tls_cert": "c", "tls_key": "k"}, False),
        ({"host": "0.0.0.0", "insecure": True}, False),
        ({"unix_socket": "/s", "no_token": True, "host": "0.0.0.0"}, False),
        ({"allow_origin": ("https://lab.example.org",)}, False),
        ({"public_url": "https://lab.example.org"}, False),
        ({"public_url": "https://lab.example.org/lab", "base_url": "/lab/"}, True),
        ({"public_url": "https://lab.example.org", "unix_socket": "/s", "open": True}, False),
        ({"public_url": "http://localhost:9000/", "no_token": True}, False),
    ],
)
def test_these_may_start(settings: dict[str, object], has_token: bool) -> None:
    assert why_refused(GatewaySettings(**settings), has_token=has_token) is None  # type: ignore[arg-type]  # a table of values


@pytest.mark.parametrize(
    ("settings", "has_token", "words"),
    [
        ({"host": "0.0.0.0"}, True, "0.0.0.0 can be reached by others"),
        ({"host": "::"}, True, "--insecure if a proxy"),
        ({"host": "lab.example.org"}, True, "lab.example.org can be reached by others"),
        ({"host": "localhost.example.org"}, True, "can be reached by others"),
        ({"host": "0.0.0.0", "no_token": True}, False, "--no-token is for addresses of this machine only"),
        ({"host": "0.0.0.0", "no_token": True, "tls_cert": "c"}, False, "--no-token is for addresses of this machine only"),
        ({"host": "0.0.0.0", "no_token": True, "insecure": True}, False, "--no-token is for addresses of this machine only"),
        ({"no_token": True}, True, "leave out one of the two"),
        ({"tls_key": "k"}, False, "add --tls-cert FILE"),
        ({"unix_socket": "/s", "tls_cert": "c"}, False, "speaks no TLS"),
        ({"unix_socket": "/s", "open": True}, False, "cannot open a unix socket"),
        ({"public_url": "lab.example.org"}, False, "--public-url: 'lab.example.org' is no address"),
        ({"public_url": "https://*.example.org/"}, False, "there are no patterns"),
        ({"public_url": "https://me@lab.example.org/"}, False, "leave out what stands behind or before the name"),
        ({"public_url": "https://lab.example.org/?a=1"}, False, "is no address"),
        ({"public_url": "https://lab.example.org/a//b"}, False, "has a path that is none"),
        ({"public_url": "https://lab.example.org/a/", "base_url": "/b/"}, False, "has another path than --base-url /b/"),
        ({"public_url": "https://lab.example.org", "no_token": True}, False, "others come by https://lab.example.org"),
        ({"allow_origin": ("*",)}, False, "--allow-origin: '*' is no origin"),
        ({"allow_origin": ("https://*.example.org",)}, False, "there are no patterns"),
    ],
)
def test_these_are_refused_with_the_remedy(settings: dict[str, object], has_token: bool, words: str) -> None:
    refused = why_refused(GatewaySettings(**settings), has_token=has_token)  # type: ignore[arg-type]  # a table of values
    assert refused is not None
    assert words in refused
