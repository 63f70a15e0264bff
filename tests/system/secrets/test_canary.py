"""FAULTS row 32: a key that is somebody's secret is in no environment, argument, log, file, message or readable memory."""

import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from tests.kit.dropping_ptrace import without_ptrace
from tests.kit.https_proxy import https_proxy, make_certificate
from tests.kit.running_kernel import RunningKernel, running_kernel, wait_until
from tests.scripted.endpoint import ScriptedEndpoint
from tests.scripted.replies import Reply, Speak, failure
from tests.scripted.threaded import ThreadedEndpoint, serving

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform != "linux", reason="no claim on memory reads elsewhere")]

CANARY = "sk-canary-" + os.urandom(8).hex()
"""Fresh in each run, so that no file of an earlier one is found. Not in the test's own environment, which kernels inherit."""

ROLES = ("kernel", "supervisor", "agent")


@dataclass
class Asked:
    """A kernel that has answered one question and been refused another, by an endpoint that quotes the key."""

    kernel: RunningKernel
    served: ThreadedEndpoint
    home: Path
    heard: list[str] = field(default_factory=list)
    """Everything that a client received."""

    @property
    def endpoint(self) -> ScriptedEndpoint:
        """What it was asked."""
        return self.served.endpoint

    def pids(self) -> dict[str, int]:
        """All processes that beaker started for this kernel, by what they are."""
        found = {role: self.kernel.wait_for_role(role).pid for role in (*ROLES, "watcher")}
        return {**found, "subkernel": self.kernel.subkernel_pid()}


PLACES = ["environment", "env file", "key file", "key command", "keyring", "trusted folder", "preset's own variable"]
# What is looked for in one kernel stays with one worker: another would start it again.
OF_ONE_WORKER = [pytest.param(place, marks=pytest.mark.xdist_group(f"the key in: {place}")) for place in PLACES]

PRESET_HOST = "api.mistral.ai"

KEYRING = """\
import os
def get_password(service, user):
    with open(os.environ["HOME"] + "/keys") as file:
        return file.read() if (service, user) == ("models", "beaker") else None
"""
"""Plays the package: it is none of ours, and what is behind it is the system's."""


def _environment(place: str, home: Path, base_url: str) -> dict[str, str]:
    """The user's, with the key in one of its places, and the endpoint where a key from there may go."""
    config = home / ".config/beaker/beaker.toml"
    config.parent.mkdir(parents=True)
    keys = home / "keys"
    keys.touch(0o600)
    endpoint = {"OPENAI_BASE_URL": base_url}
    match place:
        case "environment":
            return {"OPENAI_API_KEY": CANARY, **endpoint}
        case "env file":
            keys.write_text(f"OPENAI_API_KEY={CANARY}\n")
            return {"BEAKER_ENV_FILE": str(keys), **endpoint}
        case "key file":
            keys.write_text(CANARY)
            return {"BEAKER_AGENT_KEY_FILE": str(keys), **endpoint}
        case "key command":
            keys.write_text(CANARY)
            config.write_text(f'[agent]\nkey_command = ["cat", "{keys}"]\n')
            return endpoint
        case "keyring":
            keys.write_text(CANARY)
            (home / "packages").mkdir()
            (home / "packages/keyring.py").write_text(KEYRING)
            return {"BEAKER_AGENT_KEYRING": "models", "PYTHONPATH": str(home / "packages"), **endpoint}
        case "trusted folder":
            config.write_text(f'[trust]\nfolders = ["{home / "work"}"]\n')
            (home / "work/.env").write_text(f"OPENAI_API_KEY={CANARY}\nOPENAI_BASE_URL={base_url}\n")
            return {}
        case _:
            return {"MISTRAL_API_KEY": CANARY, "OPENAI_BASE_URL": "mistral"}


@contextmanager
def _way(place: str, endpoint: ScriptedEndpoint, home: Path, openssl: Callable[[], str]) -> Iterator[dict[str, str]]:
    """The environment with which a kernel comes to the endpoint: to a preset's host by a proxy."""
    env = _environment(place, home, endpoint.base_url)
    if env.get("OPENAI_BASE_URL") != "mistral":
        yield env
        return
    certificate = make_certificate(openssl(), PRESET_HOST, home)
    with https_proxy(certificate, endpoint.base_url) as proxy:
        yield {**env, "HTTPS_PROXY": proxy, "SSL_CERT_FILE": str(certificate.file)}


CELLS = (
    "x = 1; print('cell')",
    "%%ai hello",
    "%%ai again",
    "1 / 0",
    *(f"%beaker {word}" for word in ("config", "status", "history", "model", "trust", "context")),
)


@pytest.fixture(params=OF_ONE_WORKER, scope="module")
def asked(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, need_tool: Callable[..., str]) -> Iterator[Asked]:
    """The questions were asked; one kernel for all that is then looked for."""
    home = tmp_path_factory.mktemp("home")
    folders = {"HOME": "", "XDG_CONFIG_HOME": ".config", "XDG_STATE_HOME": ".state", "XDG_CACHE_HOME": ".cache", "IPYTHONDIR": ".ipython"}
    own = {name: str(home / place) for name, place in folders.items()}
    (home / "work").mkdir()
    script: list[Reply] = [Speak(text="hello"), failure(401, f"Incorrect API key provided: {CANARY}")]
    with serving(script) as served, _way(request.param, served.endpoint, home, lambda: need_tool("openssl")) as way:
        env = {**own, **way, "BEAKER_MODEL": "scripted-1", "BEAKER_LOGS_LEVEL": "debug"}
        kernel = without_ptrace(lambda: RunningKernel(env=env, folder=home / "work"))
        try:
            found = Asked(kernel.ready(), served, home)
            for code in CELLS:
                outcome = kernel.run(code)
                found.heard += [str(outcome.reply), str(outcome.outputs)]
            yield found
        finally:
            kernel.close()


def test_the_key_is_nowhere_but_in_the_request_and_its_own_place(asked: Asked) -> None:
    keys = [recorded.headers["Authorization"] for recorded in asked.endpoint.requests]
    assert keys == [f"Bearer {CANARY}"] * 2, "the key did its work"
    assert CANARY not in json.dumps([recorded.body for recorded in asked.endpoint.requests])
    others = [{**recorded.headers, "Authorization": ""} for recorded in asked.endpoint.requests]
    assert CANARY not in str(others), "one header holds it"
    assert any("hello" in text for text in asked.heard)
    assert any("refused the key" in text for text in asked.heard)
    assert CANARY not in "".join(asked.heard)
    assert asked.kernel.run("import os; print([name for name in os.environ if 'sk-canary' in os.environ[name]])").text == "[]\n"
    for name, pid in asked.pids().items():
        for file in ("environ", "cmdline"):
            assert CANARY.encode() not in Path(f"/proc/{pid}/{file}").read_bytes(), f"{file} of the {name}"
        if name != "agent":
            assert not _memory_holds(pid, CANARY.encode()), f"memory of the {name}"
        elif os.getuid() == 0:
            assert _memory_holds(pid, CANARY.encode()), "the agent needs it, and this is how it would be seen in the others"
    asked.kernel.errors.seek(0)
    assert CANARY.encode() not in asked.kernel.errors.read()
    places = {asked.home / "keys", asked.home / "work/.env"}
    searched = [path for root in _folders(asked) for path in root.rglob("*") if path.is_file() and path not in places]
    assert {"agent", "kernel", "supervisor"} <= {path.name.partition("-")[0] for path in searched if path.suffix == ".jsonl"}
    assert [path for path in searched if CANARY.encode() in path.read_bytes()] == []


def test_a_key_in_a_folder_that_only_a_command_trusts_is_not_used_and_stays_where_it_is(tmp_path: Path, own_home: Path) -> None:
    with serving([Speak(text="from theirs")]) as served:
        (tmp_path / ".env").write_text(f"OPENAI_API_KEY={CANARY}\nOPENAI_BASE_URL={served.endpoint.base_url}\nBEAKER_LOGS_LEVEL=debug\n")
        with running_kernel(folder=tmp_path) as kernel:
            heard = [kernel.run("%beaker trust").text]
            (code,) = set(re.findall(r"%beaker trust ([0-9a-f]{6})\b", heard[0]))
            heard.append(kernel.run(f"%beaker trust {code}").text)
            kernel.replace_front()  # by one that reads all settings anew
            kernel.ready()
            outcomes = [kernel.run(cell) for cell in ("%%ai hello", "%beaker config", "%beaker trust")]
            heard += [outcome.text + str(outcome.outputs) for outcome in outcomes]
    assert "is trusted as it is now" in heard[1]
    assert "You trust them as they are now" in heard[4]
    assert "demo model" in heard[2]
    assert CANARY not in "".join(heard)
    assert [path for path in own_home.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()] == []
    assert served.calls == 0


ATTEMPTS = """
import ctypes, os, subprocess, sys
def attempts(pid):
    got = []
    for file in ("environ", "mem", "maps", "auxv"):
        try:
            with open(f"/proc/{pid}/{file}", "rb") as opened:
                opened.read(0 if file == "mem" else 1)
            got.append(file)
        except OSError:
            pass
    try:
        got += ["fd"] if os.readlink(f"/proc/{pid}/fd/0") else []
    except OSError:
        pass
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(16, pid, None, None) == 0:  # PTRACE_ATTACH
        got.append("ptrace")
        os.waitpid(pid, 0x40000000)
        libc.ptrace(17, pid, None, None)
    return sorted(got)
mine = subprocess.Popen(["sleep", "60"])
print(attempts(mine.pid))
mine.kill(); status = mine.wait()
"""


def test_a_cell_can_read_nothing_of_the_processes_that_could_hold_it(asked: Asked) -> None:
    pids = asked.pids()
    readable = asked.kernel.run(ATTEMPTS).text
    assert readable == "['auxv', 'environ', 'fd', 'maps', 'mem', 'ptrace']\n", "a cell can read what is the user's"
    for role in ROLES:
        assert asked.kernel.run(f"print(attempts({pids[role]}))").text == "[]\n", f"the {role} process"


@pytest.mark.parametrize("asked", OF_ONE_WORKER[:1], indirect=True)
def test_an_agent_that_is_started_again_has_the_key_too(asked: Asked) -> None:
    asked.served.follow([Speak(text="hello again")])
    asked.kernel.wait_for_role("agent").kill()
    # A question that meets the agent in the moment of its death is answered with "ask again".
    wait_until(lambda: "hello again" in asked.kernel.run("%%ai hello").text, what="an answer")
    assert {recorded.headers["Authorization"] for recorded in asked.endpoint.requests} == {f"Bearer {CANARY}"}


def _folders(asked: Asked) -> list[Path]:
    """Where beaker and cells write: home with state, configuration and history, the runtime folder, the connection file's."""
    return [asked.home, asked.kernel.runtime_folder, Path(asked.kernel.connection_file).parent]


def _memory_holds(pid: int, word: bytes) -> bool:
    """Whether a process has a word anywhere in its memory. This process may look, as root or because it is its parent's user."""
    try:
        with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
            spans = [re.match(r"([0-9a-f]+)-([0-9a-f]+) r", line) for line in maps]
            return any(word in _read(memory.fileno(), int(span[1], 16), int(span[2], 16)) for span in spans if span)
    except PermissionError:
        assert psutil.Process(pid).uids().real == os.getuid() != 0
        return False  # undumpable, and we are nobody special: that it cannot be read is the point


def _read(memory: int, start: int, end: int) -> bytes:
    try:
        return os.pread(memory, end - start, start)
    except (OSError, OverflowError):
        return b""  # [vvar], [vsyscall] and what was unmapped meanwhile
