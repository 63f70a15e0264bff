"""What is printed at the start."""

from typing import Any

import pytest

from actors.guardian.token import Token
from actors.guardian.words import Opening, opening_words
from beaker.settings.gateway import GatewaySettings


def words(settings: dict[str, Any], *, token: str | None = "canary", show_token: bool = True) -> list[str]:  # Any: of several kinds
    opening = Opening(
        settings=GatewaySettings(**settings), port=8888, token=Token(value=token), show_token=show_token, descriptors=1024, state="/state"
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
