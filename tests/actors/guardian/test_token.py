"""Which token holds: the nearest to the one who starts the gateway, or one that is made."""

from pathlib import Path

import pytest

from actors.guardian.settling import Secrets
from actors.guardian.token import NoToken, Token, choose_token
from beaker.settings.gateway import GatewaySettings


@pytest.fixture
def places(tmp_path: Path) -> tuple[GatewaySettings, dict[str, str]]:
    """A token in each of the files."""
    (tmp_path / ".env").write_text("BEAKER_GATEWAY_TOKEN=of-env-file\n")
    (tmp_path / "token").write_text("of-token-file\n")
    (tmp_path / "token").chmod(0o600)
    return GatewaySettings(token_file=str(tmp_path / "token")), {"BEAKER_ENV_FILE": str(tmp_path / ".env")}


def test_the_command_line_or_the_environment_comes_first(places: tuple[GatewaySettings, dict[str, str]]) -> None:
    assert choose_token(places[0], Secrets(token="given-here"), places[1]) == Token(value="given-here")


def test_then_the_file_that_the_environment_names(places: tuple[GatewaySettings, dict[str, str]]) -> None:
    assert choose_token(places[0], Secrets(), places[1]) == Token(value="of-env-file")


def test_then_the_token_file(places: tuple[GatewaySettings, dict[str, str]]) -> None:
    assert choose_token(places[0], Secrets(), {}) == Token(value="of-token-file", from_file=True)


def test_else_a_new_one_is_made_each_time() -> None:
    made = [choose_token(GatewaySettings(), Secrets(), {}) for _ in range(2)]
    assert made[0].is_new
    assert made[0] != made[1]
    assert len(made[0].value or "") == 43
    assert (made[0].value or "-") not in repr(made[0])


def test_none_is_asked_for_only_where_that_was_said() -> None:
    assert choose_token(GatewaySettings(no_token=True), Secrets(), {}) == Token(value=None)


def test_an_empty_token_file_is_no_way_to_ask_for_none(tmp_path: Path) -> None:
    (tmp_path / "token").touch(0o600)
    with pytest.raises(NoToken, match="to ask for none, say --no-token"):
        choose_token(GatewaySettings(token_file=str(tmp_path / "token")), Secrets(), {})


def test_one_that_a_word_may_be_by_chance_is_refused_since_cells_get_no_variable_that_holds_it() -> None:
    with pytest.raises(NoToken, match=r"^BEAKER_GATEWAY_TOKEN: a token has 8 characters at least"):
        choose_token(GatewaySettings(), Secrets(token="test"), {"PATH": "/opt/latest/bin"})
    with pytest.raises(NoToken, match="this token is a part of the variable PATH") as refused:
        choose_token(GatewaySettings(), Secrets(token="anaconda"), {"PATH": "/opt/anaconda3/bin"})
    assert "anaconda" not in str(refused.value)
