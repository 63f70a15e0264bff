"""Which token holds: the nearest to the one who starts the gateway, or one that is made."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from actors.guardian import settling
from actors.guardian.options import parse_options
from actors.guardian.settling import Secrets, settle
from actors.guardian.token import NoToken, Token, choose_token
from actors.roles.settling import OPTION
from beaker.settings.gateway import GatewaySettings
from beaker.settings.load import load
from beaker.settings.origin import Kind, Origin

KINDS: dict[str, Kind] = {
    "--token-file": "command line",
    "BEAKER_GATEWAY_TOKEN_FILE": "environment",
    ".env token_file": "env file",
    "beaker.toml": "user file",
}
"""Of the places that name a file with the token."""


@pytest.fixture
def chosen(tmp_path: Path) -> Callable[..., Token]:
    """The token where it stands in these places; each is called by its place."""

    def choose(*places: str, no_token: Kind | None = None) -> Token:
        environment, origins = {}, {}
        file = ""
        for place in places:
            if place in KINDS and not file:
                (tmp_path / "token").write_text(f"of-{place.strip('-').replace(' ', '-')}\n")
                (tmp_path / "token").chmod(0o600)
                file = str(tmp_path / "token")
                origins["gateway.token_file"] = Origin(kind=KINDS[place])
        if ".env" in places:
            (tmp_path / ".env").write_text("BEAKER_GATEWAY_TOKEN=of-.env-file\n")
            environment["BEAKER_ENV_FILE"] = str(tmp_path / ".env")
        if no_token is not None:
            origins["gateway.no_token"] = Origin(kind=no_token)
        shown = "--token" in places
        given = "of-token" if shown else "of-BEAKER_GATEWAY_TOKEN" if "BEAKER_GATEWAY_TOKEN" in places else None
        settings = GatewaySettings(token_file=file, no_token=no_token is not None)
        return choose_token(settings, Secrets(token=given, token_was_shown=shown), environment, origins)

    return choose


@pytest.mark.parametrize(
    ("places", "token"),
    [
        (("--token", "--token-file", "BEAKER_GATEWAY_TOKEN", ".env"), "of-token"),
        (("--token-file", "BEAKER_GATEWAY_TOKEN", ".env"), "of-token-file"),
        (("BEAKER_GATEWAY_TOKEN", "BEAKER_GATEWAY_TOKEN_FILE", ".env"), "of-BEAKER_GATEWAY_TOKEN"),
        (("BEAKER_GATEWAY_TOKEN_FILE", ".env"), "of-BEAKER_GATEWAY_TOKEN_FILE"),
        ((".env", ".env token_file"), "of-.env-file"),
        ((".env", "beaker.toml"), "of-.env-file"),
        ((".env token_file",), "of-.env-token_file"),
        (("beaker.toml",), "of-beaker.toml"),
    ],
    ids="-".join,
)
def test_the_nearest_place_holds_and_in_it_the_token_before_a_file(
    chosen: Callable[..., Token], places: tuple[str, ...], token: str
) -> None:
    assert chosen(*places).value == token


@pytest.mark.parametrize(
    ("places", "no_token", "has_one"),
    [
        (("--token",), "user file", True),
        (("--token-file",), "environment", True),
        (("BEAKER_GATEWAY_TOKEN",), "user file", True),
        (("BEAKER_GATEWAY_TOKEN", ".env", "beaker.toml"), "command line", False),
        ((".env",), "environment", False),
    ],
)
def test_the_word_that_there_is_none_is_overridden_by_a_nearer_token_and_overrides_others(
    chosen: Callable[..., Token], places: tuple[str, ...], no_token: Kind, has_one: bool
) -> None:
    assert (chosen(*places, no_token=no_token).value is not None) is has_one


@pytest.mark.parametrize(("place", "kind"), [("--token", "command line"), ("BEAKER_GATEWAY_TOKEN", "environment"), *KINDS.items()])
def test_a_token_and_none_in_one_place_are_refused(chosen: Callable[..., Token], place: str, kind: Kind) -> None:
    with pytest.raises(NoToken, match="leave out one of the two"):
        chosen(place, no_token=kind)


def test_a_token_of_a_file_is_known_to_be_there(chosen: Callable[..., Token]) -> None:
    assert [chosen(place).from_file for place in ("--token-file", "--token")] == [True, False]


def test_else_a_new_one_is_made_each_time() -> None:
    made = [choose_token(GatewaySettings(), Secrets(), {}, {}) for _ in range(2)]
    assert made[0].is_new
    assert made[0] != made[1]
    assert len(made[0].value or "") == 43
    assert (made[0].value or "-") not in repr(made[0])


def test_none_is_asked_for_only_where_that_was_said() -> None:
    assert choose_token(GatewaySettings(no_token=True), Secrets(), {}, {"gateway.no_token": Origin(kind="user file")}) == Token(value=None)


def test_an_empty_token_file_is_no_way_to_ask_for_none(tmp_path: Path) -> None:
    (tmp_path / "token").touch(0o600)
    with pytest.raises(NoToken, match=f"^{tmp_path}/token is empty: a token is one word; leave it out"):
        choose_token(
            GatewaySettings(token_file=str(tmp_path / "token")), Secrets(), {}, {"gateway.token_file": Origin(kind="command line")}
        )


@pytest.mark.parametrize("given", ["", " "])
def test_an_empty_token_of_the_command_line_is_no_way_to_ask_for_a_new_one(given: str) -> None:
    with pytest.raises(NoToken, match=r"^--token is empty"):
        choose_token(GatewaySettings(), Secrets(token=given, token_was_shown=True), {}, {})


class _Replaced(Exception):
    """This process would be another image now."""


@pytest.mark.parametrize(("words", "variable", "token"), [(["--token", ""], "x" * 8, ""), (["--token="], "", ""), ([], "", None)])
def test_an_empty_token_is_known_to_the_next_image_only_where_the_command_line_says_it(
    words: list[str], variable: str, token: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BEAKER_GATEWAY_TOKEN", variable)
    assert _settled_by_the_next_image(words, monkeypatch).token == token


@pytest.mark.parametrize(
    ("key", "kept", "is_known"),
    [("sk-canary-0123456789", False, True), ("sk-canary-0123456789", True, False), ("ollama", False, False)],
)
def test_the_models_key_is_known_again_unless_cells_may_have_it_or_it_may_be_a_word(
    key: str, kept: bool, is_known: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user_file = tmp_path / "beaker/beaker.toml"
    user_file.parent.mkdir()
    user_file.write_text(f"[subkernel]\nkeep_env = {['OPENAI_API_KEY'] if kept else []}\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("OPENAI_API_KEY", key)
    known = _settled_by_the_next_image([], monkeypatch).key_print
    assert (known is not None and known.is_in(f"/x-{key}/y")) is is_known


def _settled_by_the_next_image(words: list[str], monkeypatch: pytest.MonkeyPatch) -> Secrets:
    """What an image is told of that it does not know about a key by itself."""
    replaced: list[list[str]] = []

    def replace(_program: str, argv: list[str], _environment: dict[str, str]) -> None:
        replaced.append(argv)
        raise _Replaced

    monkeypatch.setattr(os, "execve", replace)
    monkeypatch.setattr(settling, "become_undumpable", lambda: None)
    with pytest.raises(_Replaced):
        settle(words)
    for option in [word for word in replaced[0] if word.startswith(OPTION)]:
        os.close(int(option.removeprefix(OPTION)))
    return settle([replaced[0][-1]])


def test_that_none_is_asked_for_is_taken_back_with_a_new_one() -> None:
    environment = {"BEAKER_GATEWAY_NO_TOKEN": "true"}
    for words, is_new in (([], False), (["--require-token"], True)):
        loaded = load(environment, folder=None, command_line=parse_options(words).settings)
        assert choose_token(loaded.settings.gateway, Secrets(), environment, loaded.gateway_origins).is_new is is_new


def test_one_that_a_word_may_be_by_chance_is_refused_since_cells_get_no_variable_that_holds_it() -> None:
    with pytest.raises(NoToken, match=r"^BEAKER_GATEWAY_TOKEN: a token has 8 characters at least"):
        choose_token(GatewaySettings(), Secrets(token="test"), {"PATH": "/opt/latest/bin"}, {})
    with pytest.raises(NoToken, match="this token is a part of the variable PATH") as refused:
        choose_token(GatewaySettings(), Secrets(token="anaconda"), {"PATH": "/opt/anaconda3/bin"}, {})
    assert "anaconda" not in str(refused.value)
