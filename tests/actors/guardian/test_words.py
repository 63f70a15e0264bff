"""What is printed at the start."""

from typing import Any

import pytest

from actors.guardian.token import Token
from actors.guardian.words import Opening, opening_words
from beaker.settings.gateway import GatewaySettings


def words(settings: dict[str, Any], *, show_token: bool = True, token_place: str = "") -> list[str]:  # Any: of several kinds
    opening = Opening(
        settings=GatewaySettings(**settings),
        port=8888,
        token=Token(value="canary"),
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
