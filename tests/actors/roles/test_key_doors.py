"""A program that prints the key, and the keyring."""

import os
import subprocess
import sys
import time
import types
from pathlib import Path
from typing import Any

import pytest

from actors.roles.key_doors import ask_keyring, run_key_command
from beaker.settings.key_file import NoKey

CANARY = "sk-canary-0123456789"
PATIENT_S = 30.0


def run(code: str, *, timeout_s: float = PATIENT_S, home: Path | None = None) -> str:
    environment = {**os.environ, "HOME": str(home)} if home else dict(os.environ)
    return run_key_command(["/bin/sh", "-c", code], environment, timeout_s)


def test_what_it_prints_is_the_key() -> None:
    assert run(f"echo {CANARY}") == f"{CANARY}\n"


def test_it_runs_in_the_home_folder_with_the_users_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    assert run('pwd; echo "$HOME"', home=tmp_path).split() == [str(tmp_path.resolve()), str(tmp_path)]


def test_a_tilde_leads_to_its_program(tmp_path: Path) -> None:
    (tmp_path / "give").write_text(f"#!/bin/sh\necho {CANARY}-$1\n")
    (tmp_path / "give").chmod(0o700)
    assert run_key_command(["~/give", "it"], {**os.environ, "HOME": str(tmp_path)}, PATIENT_S) == f"{CANARY}-it\n"


def test_a_failure_is_told_without_what_it_said() -> None:
    with pytest.raises(NoKey) as raised:
        run(f"echo {CANARY}; echo {CANARY} >&2; exit 3")
    assert str(raised.value) == "it ended with status 3; run it in a terminal to see why"


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(NoKey, match=r"no-such-program cannot be run \(No such file"):
        run_key_command(["/nowhere/no-such-program", CANARY], dict(os.environ), PATIENT_S)


@pytest.mark.parametrize("code", ["sleep 60", "echo half; sleep 60", "exec >&-; sleep 60", "sleep 60 & sleep 60"])
def test_one_that_takes_too_long_is_ended_with_all_that_it_started(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []

    def start(*command: Any, **options: Any) -> "subprocess.Popen[bytes]":  # Any: as the real one takes them
        started.append(popen(*command, **options))
        return started[0]

    popen = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", start)
    began = time.monotonic()
    with pytest.raises(NoKey, match=r"not done within 0\.3 s \(agent\.key_command_timeout_s\)"):
        run(code, timeout_s=0.3)
    deadline = began + PATIENT_S  # half of what it would take
    while _group_lives(started[0].pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_endless_output_is_ended() -> None:
    started = time.monotonic()
    with pytest.raises(NoKey, match="printed too much"):
        run("yes")
    assert time.monotonic() - started < PATIENT_S / 2


def test_it_cannot_ask_on_the_terminal() -> None:
    assert run("read line || echo nobody") == "nobody\n"


class _Keyring(types.ModuleType):
    """Plays the package."""

    def get_password(self, service: str, user: str) -> str | None:
        if service == "locked":
            raise RuntimeError(CANARY)
        return CANARY if (service, user) == ("openai", "beaker") else None


def test_the_keyring_is_asked_by_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", _Keyring("keyring"))
    assert ask_keyring("openai") == CANARY
    with pytest.raises(NoKey, match="keyring set other beaker"):
        ask_keyring("other")
    with pytest.raises(NoKey) as raised:
        ask_keyring("locked")
    assert str(raised.value) == "the keyring did not answer (RuntimeError)"


def test_without_the_package_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(NoKey, match="the package keyring is not installed"):
        ask_keyring("openai")
