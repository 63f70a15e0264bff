"""The command line of the gateway: every option is a setting, and what cannot be read is a sentence."""

from pathlib import Path

import pytest

from actors.guardian.options import UsageError, parse_options
from beaker.settings.load import load
from beaker.settings.schema import all_setting_names


def test_each_option_is_a_setting_with_its_value(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = "--workers 2 --ui --open --host ::1 --port 0 --unix-socket s --no-token --base-url /a/ --root-dir . --token-file t"
    words += " --allow-origin https://a --allow-origin https://b --tls-cert c --tls-key k --insecure --max-kernels 3 --idle-timeout 4"
    words += " --orphan-timeout 5 --keep-kernels --log-level debug"
    settings = parse_options(words.split()).settings
    assert settings == {
        "gateway.workers": "2",
        "gateway.host": "::1",
        "gateway.port": "0",
        "gateway.unix_socket": f"{tmp_path}/s",
        "gateway.base_url": "/a/",
        "gateway.root_dir": str(tmp_path),
        "gateway.token_file": f"{tmp_path}/t",
        "gateway.tls_cert": f"{tmp_path}/c",
        "gateway.tls_key": f"{tmp_path}/k",
        "gateway.max_kernels": "3",
        "gateway.idle_timeout_s": "4",
        "gateway.orphan_timeout_s": "5",
        "gateway.ui": "true",
        "gateway.open": "true",
        "gateway.no_token": "true",
        "gateway.insecure": "true",
        "gateway.keep_kernels": "true",
        "gateway.allow_origin": "https://a https://b",
        "logs.level": "debug",
    }
    assert settings.keys() <= set(all_setting_names())


@pytest.mark.parametrize("name", ["ui", "open", "insecure", "keep_kernels"])
def test_a_switch_of_another_place_is_taken_back(name: str, tmp_path: Path) -> None:
    (tmp_path / "beaker").mkdir()
    (tmp_path / "beaker/beaker.toml").write_text(f"[gateway]\n{name} = true\n")
    for words, expected in (([], True), ([f"--no-{name.replace('_', '-')}"], False)):
        settings = parse_options(words).settings
        loaded = load({"XDG_CONFIG_HOME": str(tmp_path)}, folder=None, command_line=settings)
        assert (getattr(loaded.settings.gateway, name), loaded.problems) == (expected, [])


def test_nothing_said_sets_nothing() -> None:
    assert parse_options([]).settings == {}


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("--prot 1", "'--prot' is not an option of beaker-gateway. Did you mean '--port'?"),
        ("--work 2", "'--work' is not an option of beaker-gateway."),
        ("serve", "'serve' is one word too many. See: beaker-gateway --help"),
        ("--port", "Argument --port: expected one argument. See: beaker-gateway --help"),
        ("--token", "Argument --token: expected one argument. See: beaker-gateway --help"),
        ("--token-file=", "--token-file is empty, as by a variable that is not set: name a path, or leave it out."),
        ("--unix-socket=", "--unix-socket is empty, as by a variable that is not set: name a path, or leave it out."),
        ("--no-token --require-token", "Argument --require-token: not allowed with argument --no-token. See: beaker-gateway --help"),
        ("--ui=yes", "Argument --ui/--no-ui: ignored explicit argument 'yes'. See: beaker-gateway --help"),
        ("--no-opne", "'--no-opne' is not an option of beaker-gateway. Did you mean '--no-open'?"),
    ],
)
def test_what_cannot_be_read_is_a_sentence(words: str, sentence: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_options(words.split())
    assert str(refused.value).startswith(sentence)


def test_the_manual_names_every_option_and_how_to_come_in(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse_options(["--help"])
    assert ended.value.code == 0
    manual = capsys.readouterr().out
    assert "(not part of this version: a page says so)" in " ".join(manual.split())  # of --ui
    for word in ("--workers", "--keep-kernels", "BEAKER_GATEWAY_WORKERS", "JUPYTER_GATEWAY_AUTH_TOKEN", "HUP", "exit status"):
        assert word in manual
