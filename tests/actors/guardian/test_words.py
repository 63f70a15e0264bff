"""What is printed at the start."""

from typing import Any

import pytest

from actors.guardian.token import Token
from actors.guardian.words import Opening, opening_words
from beaker.settings.gateway import GatewaySettings


def words(
    settings: dict[str, Any],  # Any: of several kinds
    *,
    show_token: bool = True,
    token_place: str = "",
    token: str | None = "canary",
) -> list[str]:
    opening = Opening(
        settings=GatewaySettings(**settings),
        port=8888,
        token=Token(value=token),
        show_token=show_token,
        token_place=token_place,
        descriptors=1024,
        state="/state",
    )
    return opening_words(opening).splitlines()


@pytest.mark.parametrize("place", [{}, {"unix_socket": "/run/beaker.sock"}])
def test_behind_a_proxy_the_addresses_are_those_of_the_proxy(place: dict[str, str]) -> None:
    said = words({"public_url": "https://lab.example.org/ada", "base_url": "/ada/", **place})
    assert said[:4] == [
        "The gateway serves at https://lab.example.org/ada/",
        "  listens at  http://127.0.0.1:8888/ada/" if not place else "  listens at  unix:/run/beaker.sock",
        "  open        https://lab.example.org/ada/?token=canary",
        "  JupyterLab  JUPYTER_GATEWAY_AUTH_TOKEN=canary jupyter lab --gateway-url=https://lab.example.org/ada",
    ]


def test_where_no_terminal_is_the_token_is_not_printed_but_where_it_is() -> None:
    said = words({}, show_token=False, token_place="/run/my gateway/token")
    assert said[1:3] == [
        """  JupyterLab  JUPYTER_GATEWAY_AUTH_TOKEN="$(cat '/run/my gateway/token')" jupyter lab --gateway-url=http://127.0.0.1:8888""",
        "  token       in /run/my gateway/token, which only you can read",
    ]
    assert "canary" not in "".join(said)


def test_what_its_limits_are_is_said_with_the_descriptors_that_they_follow_from() -> None:
    said = words({"max_kernels": 3, "max_websockets": 64})
    assert "  limits      3 kernels; 64 websockets, each process having 1024 descriptors" in said


NO_TOKEN = "  WARNING     no token is asked for (--no-token): every user and every program of this machine can run code as you"
NO_TLS = "  WARNING     without TLS (--insecure) whoever is on the way reads everything, the token first"


@pytest.mark.parametrize(
    ("settings", "token", "expected"),
    [
        ({}, "canary", []),
        ({"no_token": True}, None, [NO_TOKEN]),
        ({"no_token": True, "unix_socket": "/run/beaker.sock"}, None, []),
        ({"host": "0.0.0.0", "insecure": True}, "canary", [NO_TLS]),
        ({"host": "0.0.0.0", "insecure": True, "tls_cert": "cert.pem"}, "canary", []),
        ({"insecure": True}, "canary", []),
    ],
)
def test_what_leaves_a_door_open_is_said_loudly(settings: dict[str, Any], token: str | None, expected: list[str]) -> None:  # Any: as above
    assert [line for line in words(settings, token=token) if "WARNING" in line] == expected
