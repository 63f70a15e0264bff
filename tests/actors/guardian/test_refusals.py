"""What the guardian refuses before it starts anything: a sentence with the value and the remedy, and status 2."""

import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from actors.guardian.role import main
from actors.guardian.settling import Secrets
from actors.roles.settling import Settled


@pytest.fixture(autouse=True)
def interrupts() -> Iterator[None]:
    """The guardian settles what an interrupt does."""
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("--workers 0", 'command line: gateway.workers = "0" is not used: it takes a whole number from 1 to 64'),
        ("--port 65536", "it takes a whole number from 0 to 65535"),
        ("--base-url lab", 'it takes a path that begins and ends with /, such as "/lab/"'),
        ("--log-level loud", 'command line: logs.level = "loud" is not used: it takes one of "debug", "info", "warning", "error"'),
        ("--host 0.0.0.0", "0.0.0.0 can be reached by others"),
        ("--no-token --host 0.0.0.0 --insecure", "--no-token is for addresses of this machine only"),
        ("--root-dir /nowhere/at/all", "--root-dir /nowhere/at/all: there is no such folder. Make it, or name another."),
        ("--tls-cert /nowhere.pem", "--tls-cert /nowhere.pem cannot be read: No such file or directory"),
        (f"--tls-cert {__file__}", "cannot be used"),
        ("--token-file /nowhere", "--token-file gives no token: /nowhere cannot be read"),
        ("--allow-origin *", "'*' is no origin: write scheme, name and port"),
        ("--host nowhere.invalid --insecure", "--host nowhere.invalid: there is no address of this name"),
        ("--host 192.0.2.1 --insecure", "--host 192.0.2.1 is no address of this machine"),
        (f"--unix-socket /tmp/{'x' * 110}", "the path is too long. Name a path of less than 108 bytes in a folder of yours."),
        ("--unix-socket /nowhere/at/all", "--unix-socket /nowhere/at/all: No such file or directory"),
        (f"--unix-socket {__file__}", "something else than a socket is there"),
        ("--prot 1", "'--prot' is not an option of beaker-gateway. Did you mean '--port'?"),
    ],
)
def test_what_makes_no_sense_is_a_sentence(words: str, sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words.split(), Secrets()) == 2
    out, errors = capsys.readouterr()
    assert sentence in errors
    assert errors.startswith("beaker-gateway: ")
    assert (out, errors.count("\n")) == ("", 1)


def test_what_makes_no_sense_in_the_named_env_file_is_one_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    named = tmp_path / "named.env"
    named.write_text("BEAKER_GATEWAY_WORKERS=0\nBEAKER_LOGS_LEVEL=loud\n")
    monkeypatch.setenv("BEAKER_ENV_FILE", str(named))
    assert main(["--root-dir", "/nowhere/at/all"], Secrets()) == 2  # refused in any case, and what is set is judged before it
    errors = capsys.readouterr().err
    assert f'{named}: BEAKER_GATEWAY_WORKERS = "0" is not used: it takes a whole number' in errors
    assert f'{named}: BEAKER_LOGS_LEVEL = "loud" is not used: it takes one of' in errors


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("BEAKER_LOGS_LEVEL", "loud", 'environment: BEAKER_LOGS_LEVEL = "loud" is not used: it takes one of "debug", "info"'),
        ("BEAKER_LOGS_LEVLE", "info", "did you mean BEAKER_LOGS_LEVEL?"),
        ("BEAKER_GATEWAY_LOG_LEVEL", "debug", "there is no such variable; how much is logged is BEAKER_LOGS_LEVEL."),
    ],
)
def test_what_makes_no_sense_in_a_variable_is_one_too(
    variable: str, value: str, sentence: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(variable, value)
    assert main(["--root-dir", "/nowhere/at/all"], Secrets()) == 2
    assert sentence in capsys.readouterr().err


def test_a_place_of_the_models_key_that_gives_none_is_one_too(capsys: pytest.CaptureFixture[str]) -> None:
    # At an address where none can listen, as below.
    words = "agent.key_file gives no key: /nowhere cannot be read (No such file or directory)."
    assert main(["--host", "192.0.2.1", "--insecure"], Secrets(Settled(problems=(words,)))) == 2
    assert capsys.readouterr().err == f"beaker-gateway: {words} Mend that, or ask for the demo model by BEAKER_MODEL=demo.\n"


def certificate(folder: Path, name: str, *more: str) -> tuple[str, str]:
    """Made by openssl: the certificate's file and its key's."""
    paths = str(folder / f"{name}.pem"), str(folder / f"{name}.key")
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-days", "2", "-subj", "/CN=x"]
    subprocess.run([*words, "-out", paths[0], "-keyout", paths[1], *(more or ("-nodes",))], check=True, capture_output=True, timeout=60)
    return paths


def test_a_certificate_that_cannot_be_used_ends_the_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], need_tool: Callable[..., str]
) -> None:
    need_tool("openssl")
    cert, key = certificate(tmp_path, "a")
    _, other_key = certificate(tmp_path, "b")
    _, locked_key = certificate(tmp_path, "c", "-passout", "pass:word")
    for given, words in ((other_key, "have to be PEM files that belong together"), (locked_key, "wants a password")):
        assert main(["--host", "0.0.0.0", "--tls-cert", cert, "--tls-key", given], Secrets()) == 2
        assert words in capsys.readouterr().err
    # The right one passes: what is refused then comes after it.
    assert main(["--host", "192.0.2.1", "--tls-cert", cert, "--tls-key", key], Secrets()) == 2
    assert "is no address of this machine" in capsys.readouterr().err


def test_a_unix_socket_where_others_could_put_theirs_is_refused(short_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    short_folder.chmod(0o777)
    assert main(["--unix-socket", str(short_folder / "s")], Secrets()) == 2
    assert f"everybody may write in {short_folder}, and could put a socket of his own in its place." in capsys.readouterr().err
    assert list(short_folder.iterdir()) == []


def test_a_gateway_that_may_not_start_leaves_no_socket_behind(
    short_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (short_folder / "state").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(short_folder / "state"))
    assert main(["--unix-socket", str(short_folder / "s")], Secrets()) == 2
    assert "Set XDG_STATE_HOME to a folder of your own." in capsys.readouterr().err
    assert not (short_folder / "s").exists()


def test_a_token_file_that_others_can_read_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "token").write_text("canary")
    (tmp_path / "token").chmod(0o644)
    assert main(["--token-file", str(tmp_path / "token")], Secrets()) == 2
    assert f"--token-file gives no token: others can read {tmp_path}/token; run chmod 600 on it." in capsys.readouterr().err


@pytest.mark.parametrize("token", ["two words", "m\u00fcll"])
def test_a_token_that_is_none_is_not_repeated(token: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([], Secrets(token=token)) == 2
    assert capsys.readouterr().err == (
        "beaker-gateway: BEAKER_GATEWAY_TOKEN: a token is one word of ASCII characters and nothing else; to ask for none, say --no-token.\n"
    )


def test_a_token_and_none_at_once_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--no-token"], Secrets(token="canary-token", token_was_shown=True)) == 2
    assert "leave out one of the two" in capsys.readouterr().err


def test_a_token_file_of_the_command_line_is_read_whatever_the_environment_holds(capsys: pytest.CaptureFixture[str]) -> None:
    # At an address where none can listen: should the file be passed over, no gateway starts.
    words = ["--token-file", "/nowhere", "--host", "192.0.2.1", "--insecure"]
    assert main(words, Secrets(token="canary-token")) == 2
    assert "--token-file gives no token: /nowhere cannot be read" in capsys.readouterr().err


def test_a_port_that_is_taken_names_who_has_it(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["--port", str(port)], Secrets()) == 2
    errors = capsys.readouterr().err
    assert f"Port {port} at 127.0.0.1 is taken by process {os.getpid()} (" in errors or "perhaps by another gateway" in errors
    assert "--port 0 for one that is free." in errors


def test_a_mistake_in_a_setting_stops_it_and_one_of_kernels_does_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("BEAKER_GATEWAY_PROT", "1")
    monkeypatch.setenv("BEAKER_AGENT_STEP_LIMITS", "1")
    assert main(["--root-dir", "/nowhere"], Secrets()) == 2
    errors = capsys.readouterr().err
    assert "did you mean BEAKER_GATEWAY_PORT?" in errors
    assert "STEP_LIMIT" not in errors
