"""The guardian with scripted roles: who is started, replaced and ended when, and what is seen of it from outside."""

import os
import re
import resource
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

import beaker_kernel
from tests.kit.ports import free_port
from tests.kit.running_kernel import wait_until

pytestmark = pytest.mark.slow

CANARY = "canary-0123456789"
PATIENCE_S = 60
"""Ends a hang: until a role answers it has to start, six times over where it is lost each time."""
ROOT = os.path.dirname(os.path.abspath(beaker_kernel.__file__))


class Gateway:
    """One that runs; its notes say what happened to its roles."""

    def __init__(self, folder: Path, *options: str, **variables: str) -> None:
        self.notes = folder / "notes"
        self.notes.touch()
        environment = {**os.environ, "PYTHONPATH": ROOT, "NOTES": str(self.notes), **variables}
        script = str(Path(__file__).with_name("scripted_gateway.py"))
        self.process = subprocess.Popen(
            [sys.executable, "-P", script, *options],
            env=environment,
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.printed = ""

    def ready(self) -> "Gateway":
        """Waits for what is printed when clients can come."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.printed += line
            if line.startswith("Ctrl-C"):
                return self
        raise AssertionError(self.process.communicate()[1])

    @property
    def port(self) -> int:
        found = re.search(r"127\.0\.0\.1:(\d+)", self.printed)
        assert found is not None
        return int(found[1])

    @property
    def folder(self) -> Path:
        """Where its sockets are."""
        found = re.search(r"token +in (\S+)/token, ", self.printed)
        assert found is not None
        return Path(found[1])

    def knock(self) -> str:
        """Comes in at its agent host; gives what that says, which is nothing where one is refused."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(PATIENCE_S)
            client.connect(str(self.folder / "agents-0.sock"))
            return client.recv(100).decode()

    def incumbents(self) -> list[int]:
        """Who is said to be at work beside the sockets of agent hosts."""
        return [int(text) for text in (path.read_text() for path in self.folder.glob("agents-*.pid")) if text]

    def noted(self, what: str, role: str = "") -> list[tuple[str, int, int]]:
        """Role, number and pid of each line that says so."""
        lines = [line.split() for line in self.notes.read_text().splitlines()]
        return [(words[1], int(words[2]), int(words[3])) for words in lines if words[0] == what and role in words[1]]

    def until(self, what: str, role: str, count: int) -> list[tuple[str, int, int]]:
        """Waits until so many lines say so."""
        wait_until(lambda: len(self.noted(what, role)) >= count, timeout_s=PATIENCE_S, what=f"{count} times {what} {role}")
        return self.noted(what, role)

    def order_of(self, what: str) -> list[str]:
        return [role for role, _, _ in self.noted(what)]

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Signals it; gives its status and what it complained of."""
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> tuple[int, str]:
        out, errors = self.process.communicate(timeout=PATIENCE_S)
        self.printed += out
        return self.process.returncode, errors


@pytest.fixture
def started(tmp_path: Path) -> Iterator[list[Gateway]]:
    made: list[Gateway] = []
    yield made
    for gateway in made:
        if gateway.process.poll() is None:
            gateway.process.kill()
            gateway.process.communicate()


@pytest.fixture
def folder(tmp_path: Path, started: list[Gateway]) -> Path:
    return tmp_path


def start(folder: Path, started: list[Gateway], *options: str, **variables: str) -> Gateway:
    gateway = Gateway(folder, *options, **variables)
    started.append(gateway)
    return gateway


def answer(port: int) -> str:
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S) as client:
        return client.recv(100).decode()


def test_roles_are_started_in_the_order_of_their_needs_and_ended_the_other_way_round(folder: Path, started: list[Gateway]) -> None:
    gateway = start(folder, started, "--port", "0", "--workers", "2").ready()
    assert gateway.order_of("ready") == ["registry", "host", "host", "worker", "worker"]
    assert int(answer(gateway.port)) in {pid for _, _, pid in gateway.noted("ready", "worker")}
    assert gateway.end() == (0, "")
    assert gateway.order_of("ended") == ["worker", "worker", "host", "host", "registry"]
    whole = gateway.notes.read_text()
    assert whole.rindex("ended worker") < whole.index("end_all registry") < whole.index("told host")


def test_a_role_that_is_killed_is_replaced_at_once_and_nobody_else(folder: Path, started: list[Gateway]) -> None:
    gateway = start(folder, started, "--port", "0").ready()
    for role in ("registry", "host", "worker"):
        ((_, _, pid),) = gateway.noted("ready", role)
        os.kill(pid, signal.SIGKILL)
        again = gateway.until("ready", role, 2)
        assert [number for _, number, _ in again] == [0, 0]
    assert len(gateway.noted("ready")) == 6
    assert int(answer(gateway.port)) == gateway.noted("ready", "worker")[-1][2]
    assert gateway.end() == (0, "")


def test_a_worker_that_is_killed_leaves_no_file_behind_that_a_later_process_of_its_pid_would_be_counted_by(
    folder: Path, started: list[Gateway]
) -> None:
    gateway = start(folder, started, "--port", "0").ready()
    ((_, _, pid),) = gateway.noted("ready", "worker")
    (noted,) = Path(os.environ["XDG_RUNTIME_DIR"]).glob(f"beaker/*/seen-{pid}")
    os.kill(pid, signal.SIGKILL)
    gateway.until("ready", "worker", 2)
    assert len(list(noted.parent.glob("seen-*"))) == 1
    assert not noted.exists()
    assert gateway.end() == (0, "")


def test_one_that_is_lost_again_and_again_is_given_up_with_its_last_words_and_kernels_are_left(
    folder: Path, started: list[Gateway]
) -> None:
    gateway = start(folder, started, "--port", "0").ready()
    for life in range(1, 7):
        (*_, (_, _, pid)) = gateway.until("ready", "host", life)
        os.kill(pid, signal.SIGUSR1)
    status, errors = gateway.ended()
    assert status == 1
    assert "The host 0 process was lost 6 times in 600 s, and is given up: exited with status 3." in errors
    assert "last words of the host" in errors.split("Its last words:")[1]
    assert "Kernels live on for 900 s" in errors
    assert gateway.noted("end_all") == []
    assert gateway.order_of("ended") == ["worker", "registry"]


@pytest.mark.parametrize(("plan", "words"), [("host:dies", "last words of the host"), ("registry:unready", "there is no way to be ready")])
def test_one_that_cannot_be_used_ends_the_start(plan: str, words: str, folder: Path, started: list[Gateway]) -> None:
    status, errors = start(folder, started, "--port", "0", PLAN=plan).ended()
    assert status == 1
    assert "The gateway cannot start: the " in errors
    assert words in errors


def test_kernels_are_kept_where_that_is_wanted(folder: Path, started: list[Gateway]) -> None:
    gateway = start(folder, started, "--port", "0", "--keep-kernels").ready()
    assert gateway.printed.endswith("Ctrl-C ends it.\n")
    assert gateway.end(signal.SIGINT) == (0, "")
    assert gateway.noted("end_all") == []
    *_, ending, ended = gateway.printed.splitlines()
    assert "then kernels live on for 900 s, for the next gateway at this address." in ending
    assert ended == "The gateway has ended."


def test_a_hangup_replaces_workers_one_by_one_and_nobody_else(folder: Path, started: list[Gateway]) -> None:
    gateway = start(folder, started, "--port", "0", "--workers", "2").ready()
    gateway.process.send_signal(signal.SIGHUP)
    gateway.until("ended", "worker", 2)
    lines = [line.split()[:3] for line in gateway.notes.read_text().splitlines()]
    first = [line for line in lines if line[1] == "worker"][2:]
    assert first == [[what, "worker", number] for number in "01" for what in ("ready", "told", "ended")]
    assert len(gateway.noted("ready")) == 7
    assert int(answer(gateway.port)) in {pid for _, _, pid in gateway.noted("ready", "worker")[2:]}
    assert gateway.end() == (0, "")
    assert "\nReplacing the workers one by one; kernels go on, and clients connect again.\n" in gateway.printed


def test_a_second_signal_hurries(folder: Path, started: list[Gateway]) -> None:
    gateway = start(folder, started, "--port", "0", PLAN="worker:deaf", BEAKER_GATEWAY_DRAIN_S="600").ready()
    gateway.process.send_signal(signal.SIGTERM)
    gateway.until("told", "worker", 1)
    assert gateway.end() == (0, "")
    assert gateway.order_of("ended") == ["host", "registry"]
    *_, ending, hurrying, _ = gateway.printed.splitlines()
    assert ending == "Ending: requests that run have 600 s, then kernels are ended. Ctrl-C once more hurries."
    assert hurrying == "Hurrying: what still runs is cut off."


def test_a_signal_before_it_is_ready_ends_it(folder: Path, started: list[Gateway]) -> None:
    gateway = start(folder, started, "--port", "0", PLAN="host:mute")
    gateway.until("begun", "host", 1)
    assert gateway.end() == (0, "")
    assert "Ctrl-C ends it" not in gateway.printed


def test_roles_leave_when_the_guardian_is_killed_and_the_next_one_gets_its_port(folder: Path, started: list[Gateway]) -> None:
    port = free_port()
    gateway = start(folder, started, "--port", str(port)).ready()
    gateway.process.kill()
    gateway.until("orphaned", "", 3)
    again = start(folder, started, "--port", str(port)).ready()
    assert again.port == port
    assert again.end() == (0, "")


def test_so_does_a_unix_socket(folder: Path, started: list[Gateway]) -> None:
    gateway = start(folder, started, "--unix-socket", "s").ready()
    gateway.process.kill()
    gateway.process.communicate()
    again = start(folder, started, "--unix-socket", "s").ready()
    assert again.end() == (0, "")


def test_a_second_one_at_the_same_address_is_a_sentence(folder: Path, started: list[Gateway]) -> None:
    gateway = start(folder, started, "--unix-socket", "s").ready()
    assert oct((folder / "s").stat().st_mode & 0o777) == "0o600"
    status, errors = start(folder, started, "--unix-socket", "s").ended()
    assert (status, errors.count("\n")) == (2, 1)
    assert "Somebody listens at" in errors
    assert gateway.end() == (0, "")
    assert not (folder / "s").exists()


@pytest.mark.parametrize("way", ["--token", "BEAKER_GATEWAY_TOKEN"])
def test_a_token_that_is_given_is_seen_nowhere(way: str, folder: Path, started: list[Gateway]) -> None:
    options, variables = (["--token", CANARY], {}) if way == "--token" else ([], {way: CANARY})
    variables["OPENAI_API_KEY"] = "sk-" + CANARY
    gateway = start(folder, started, "--port", "0", *options, **variables).ready()
    guardian = psutil.Process(gateway.process.pid)
    everybody = [guardian, *guardian.children(recursive=True)]
    assert len(everybody) == 4
    for process in everybody:
        assert CANARY not in " ".join(process.cmdline())
        environ = Path(f"/proc/{process.pid}/environ")
        if sys.platform == "linux" and process is not guardian:  # which nobody but root can read
            assert CANARY.encode() not in environ.read_bytes()
    status, errors = gateway.end()
    assert status == 0
    assert CANARY not in gateway.printed
    assert ("could be read by every user" in errors) is (way == "--token")
    logs = Path(os.environ["XDG_STATE_HOME"]) / "beaker/logs"
    assert CANARY not in "".join(path.read_text() for path in logs.iterdir())


def test_a_token_that_was_made_is_in_a_file_where_no_terminal_is_and_nowhere_else(folder: Path, started: list[Gateway]) -> None:
    gateway = start(folder, started, "--port", "0").ready()
    found = re.search(r"token +in (\S+), which only you can read\n", gateway.printed)
    assert found is not None
    place = Path(found[1])
    token = place.read_text().strip()
    assert (len(token), stat.S_IMODE(place.stat().st_mode)) == (43, 0o600)
    assert gateway.end() == (0, "")
    assert not place.exists()
    logs = Path(os.environ["XDG_STATE_HOME"]) / "beaker/logs"
    assert token not in gateway.printed + "".join(path.read_text() for path in logs.iterdir())


def test_it_leaves_nothing_of_an_address_that_was_chosen_for_it(folder: Path, started: list[Gateway]) -> None:
    runtime = Path(os.environ["XDG_RUNTIME_DIR"]) / "beaker"
    before = {*runtime.glob("gw-*")}
    gateway = start(folder, started, "--port", "0").ready()
    assert len({*runtime.glob("gw-*")} - before) == 1
    gateway.end()
    assert [path.name for path in (Path(os.environ["XDG_STATE_HOME"]) / "beaker").iterdir()] == ["logs"]
    assert {*runtime.glob("gw-*")} - before == set()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has subreapers")
def test_orphans_are_reaped(folder: Path, started: list[Gateway]) -> None:
    gateway = start(folder, started, "--port", "0", PLAN="registry:forks").ready()
    ((_, _, registry),) = gateway.noted("ready", "registry")
    guardian = psutil.Process(gateway.process.pid)
    (grandchild,) = wait_until(lambda: [child for child in guardian.children() if child.pid not in _pids(gateway)])
    grandchild.kill()
    wait_until(lambda: not psutil.pid_exists(grandchild.pid))
    assert psutil.pid_exists(registry)
    assert gateway.end()[0] == 0


def _pids(gateway: Gateway) -> set[int]:
    return {pid for _, _, pid in gateway.noted("ready")}


def test_an_agent_host_is_started_by_whoever_comes_first_and_again_when_it_has_gone(folder: Path, started: list[Gateway]) -> None:
    gateway = start(folder, started, "--port", "0", "--workers", "2", BEAKER_GATEWAY_AGENTS="1").ready()
    assert gateway.noted("ready", "agent-host") == []
    first = int(gateway.knock())
    assert int(gateway.knock()) == first
    assert gateway.noted("ready", "agent-host") == [("agent-host", 0, first)]
    wait_until(lambda: gateway.incumbents() == [first])
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: not psutil.pid_exists(first))
    second = int(gateway.knock())
    os.kill(second, signal.SIGTERM)  # it leaves by itself, with status 0
    wait_until(lambda: not psutil.pid_exists(second))
    third = int(gateway.knock())
    assert len({first, second, third}) == 3
    wait_until(lambda: gateway.incumbents() == [third])
    assert gateway.end() == (0, "")
    assert gateway.incumbents() == []
    assert gateway.order_of("ended") == ["agent-host", "worker", "worker", "host", "host", "agent-host", "registry"]


def test_one_that_is_lost_again_and_again_is_refused_for_a_while_and_the_gateway_goes_on(folder: Path, started: list[Gateway]) -> None:
    gateway = start(folder, started, "--port", "0", PLAN="agent-host:dies").ready()
    assert gateway.knock() == ""
    logs = Path(os.environ["XDG_STATE_HOME"]) / "beaker/logs"
    assert "post.refused" in "".join(path.read_text() for path in logs.iterdir())
    assert int(answer(gateway.port)) == gateway.noted("ready", "worker")[0][2]
    status, errors = gateway.end()
    assert (status, errors.count("last words of the agent-host")) == (0, 6)


def test_without_a_token_it_warns_and_a_browser_opens_the_address_as_it_is(folder: Path, started: list[Gateway]) -> None:
    browser, said = folder / "browser", folder / "said"
    browser.write_text(f'#!/bin/sh\necho "$1" > {said}.new && mv {said}.new {said}\n')
    browser.chmod(0o700)
    gateway = start(folder, started, "--port", "0", "--no-token", "--open", BROWSER=f"{browser} %s").ready()
    wait_until(said.exists, what="the browser")
    page = Path(said.read_text().strip().removeprefix("file://"))
    assert f'content="0;url=http://127.0.0.1:{gateway.port}/"' in page.read_text()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    assert f" each process having {1_048_576 if hard == resource.RLIM_INFINITY else hard} descriptors\n" in gateway.printed
    assert "  WARNING     no token is asked for (--no-token): every user" in gateway.printed
    assert gateway.end() == (0, "")
    assert not page.exists()
    logs = Path(os.environ["XDG_STATE_HOME"], "beaker/logs").glob("guardian-*.jsonl")
    assert any("gateway.open_door" in log.read_text() for log in logs)
