"""Opens the example notebook in JupyterLab on a gateway with the Beaker kernel: what `make dev` runs.

It starts a gateway of the environment it runs in, with that environment's kernels first, and on it that environment's JupyterLab,
and says where that serves. Files are JupyterLab's, kernels the gateway's. When one of the two ends, the other does; a gateway that was
killed is started again at its address, and has its kernels.
On a machine without a display no browser is started, and the address is printed for one elsewhere.
"""

import argparse
import ctypes
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import IO

HERE = Path(__file__).resolve().parent
NOTEBOOK = "first-steps.ipynb"
NAMING = (
    *("OPENAI_API_KEY", "OPENAI_BASE_URL", "BEAKER_AGENT_BASE_URL"),
    *("BEAKER_ENV_FILE", "BEAKER_AGENT_KEY_FILE", "BEAKER_AGENT_KEYRING"),
)
"""Variables that give a model's key or address, or the place of one."""

ALLOWED = "JUPYTER_GATEWAY_ALLOWED_ENVS"
"""Names the variables that a Jupyter server sends to its gateway with a request for a kernel, beside its own."""
NOTEBOOK_NAME = "JPY_SESSION_NAME"
"""One of them, which it makes for each kernel: the path of the notebook."""

LAB = """
import sys
sys.modules["rfc3987_syntax"] = None
from jupyter_server.gateway.managers import GatewayKernelManager
from jupyterlab.labapp import main
GatewayKernelManager.resolve_path = lambda self, path: None
sys.exit(main())
"""
"""`-m jupyterlab`, with two differences. It is there a second or two sooner: to check texts of the format `iri`, which nothing here
has, jsonschema would build a grammar as it is imported, where that module is found. And its page may ask which files an error names:
of a kernel on a gateway its server does not know, and jupyter_client fails then, with a traceback on the terminal for each file of
each error."""

GRACE_S = 5.0
"""How long JupyterLab may take to leave when there is no gateway: with kernels that it cannot end there it never does."""

PR_SET_PDEATHSIG = 1
"""From <linux/prctl.h>."""


def has_display(environment: Mapping[str, str], platform: str) -> bool:
    """Whether a browser can show itself here; one that the user has named is believed to."""
    return platform == "darwin" or any(environment.get(name) for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"))


def free_port(wanted: int) -> int:
    """The first port from the wanted one on that is free, so that what we print about it stays true."""
    ports = range(max(wanted, 1), min(wanted + 50, 1 << 16))
    for port in ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    if not ports:
        raise SystemExit(f"{wanted} is no port: name one from 1 to 65535 by make dev PORT=...")
    raise SystemExit(f"No port from {ports[0]} to {ports[-1]} is free: name one by make dev PORT=...")


def model_words(environment: Mapping[str, str], env_file: Path) -> str:
    """How to connect a real model, for someone who has named none here; empty for anybody else."""
    if env_file.is_file() or any(environment.get(name, "").strip() for name in NAMING):
        return ""
    return (
        f"No model is set here, so that the demo model answers unless your own beaker.toml names one: for a real one copy env.example to "
        f"{env_file.name} and fill it in, or set OPENAI_API_KEY, and start again."
    )


def start_gateway(token: str, port: int = 0) -> tuple["subprocess.Popen[str]", str]:
    """A gateway, by default at a free port, which ends when we do; gives it and its address once it can be used."""
    command = [sys.executable, "-P", str(HERE.parent / "gateway.py"), "--host", "127.0.0.1", "--port", str(port), "--root-dir", str(HERE)]
    gateway = subprocess.Popen(
        command,
        env={**os.environ, "BEAKER_GATEWAY_TOKEN": token},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # a Ctrl-C is for JupyterLab, which asks whether it is meant
        preexec_fn=partial(end_with_parent, signal.SIGTERM),
    )
    assert gateway.stdout is not None
    address = ""
    for line in gateway.stdout:
        if found := re.match(r"The gateway serves at (\S+)", line):
            address = found[1].rstrip("/")
        if line.startswith("Ctrl-C"):
            break
    else:
        raise SystemExit(gateway.wait() or 1)  # it has said why
    # What cells write past Jupyter comes this way too, and must not wait for us.
    threading.Thread(target=pass_on, args=[gateway.stdout], daemon=True).start()
    return gateway, address


def end_with_parent(number: signal.Signals) -> None:
    """Has the system send this process a signal when the one that started it is gone, however that came."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)


def pass_on(lines: IO[str]) -> None:
    """Prints what comes."""
    for line in lines:
        sys.stdout.write(line)
        sys.stdout.flush()


def lab_command(port: int, gateway: str) -> list[str]:
    """What starts JupyterLab on the gateway."""
    command = [sys.executable, "-c", LAB, f"--gateway-url={gateway}", f"--ServerApp.root_dir={HERE}", f"--ServerApp.port={port}"]
    # Errors alone: it warns of each notebook that is opened, each restart and each closed page, by sentences about its gateway.
    command += [f"--LabApp.default_url=/lab/tree/{NOTEBOOK}", "--Application.log_level=ERROR"]
    # No question about news on top of the first notebook, and no request to anybody.
    command += ["--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    if os.geteuid() == 0:
        command.append("--allow-root")  # JupyterLab refuses otherwise; in a container there is often nobody else
    return command


def lab_environment(environment: Mapping[str, str], token: str) -> dict[str, str]:
    """Of JupyterLab: the gateway's token, and that it tells the gateway for which notebook a kernel is, by which its logs are found."""
    allowed = [name for name in environment.get(ALLOWED, "").split(",") if name and name != NOTEBOOK_NAME]
    return {**environment, "JUPYTER_GATEWAY_AUTH_TOKEN": token, ALLOWED: ",".join([*allowed, NOTEBOOK_NAME])}


def run(port: int, more: Sequence[str]) -> int:
    """Runs both until one of them ends; gives JupyterLab's status."""
    token = secrets.token_urlsafe(32)
    gateway, address = start_gateway(token)
    lab = subprocess.Popen(
        [*lab_command(port, address), *more],
        env=lab_environment(os.environ, token),
        preexec_fn=partial(end_with_parent, signal.SIGKILL),  # the gateway goes at the same time: see GRACE_S
    )
    signal.signal(signal.SIGINT, lambda *_: None)  # JupyterLab has it too
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: lab.terminate())
    ended, status = os.waitpid(-1, 0)
    while ended == gateway.pid and os.WIFSIGNALED(status):
        print("The gateway was killed: another one starts at its address.", file=sys.stderr)
        try:
            gateway, address = start_gateway(token, int(address.rpartition(":")[2]))
        except SystemExit:
            break
        print("It serves, with the kernels that were there.", file=sys.stderr)
        ended, status = os.waitpid(-1, 0)
    if ended == gateway.pid:
        print("The gateway has ended, and JupyterLab with it.", file=sys.stderr)
        return end(lab) or 1
    gateway.terminate()
    gateway.wait()
    return os.waitstatus_to_exitcode(status)


def end(lab: "subprocess.Popen[bytes]") -> int:
    """Ends JupyterLab where there is no gateway; gives its status."""
    lab.terminate()
    try:
        return lab.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        lab.kill()
        return lab.wait()


def main() -> None:
    """Says what is to be said, and runs both."""
    parser = argparse.ArgumentParser(description="Open the example notebook in JupyterLab with the Beaker kernel.")
    parser.add_argument("--port", type=int, default=8888, help="where to serve; the next free one if it is taken")
    wanted = parser.parse_args().port
    port = free_port(wanted)
    env_file = HERE.parent / ".env"
    words = model_words(os.environ, env_file)
    if env_file.is_file():
        os.environ.setdefault("BEAKER_ENV_FILE", str(env_file))  # by its name: the values stay out of the environment
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
    os.environ["PATH"] = os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", os.defpath)])
    config = [os.environ["JUPYTER_CONFIG_PATH"]] if os.environ.get("JUPYTER_CONFIG_PATH") else []
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join([*config, str(HERE / ".lab")])
    print(f"A gateway starts, and on it JupyterLab with examples/{NOTEBOOK} and the Beaker kernel. Ctrl-C ends both.")
    if words:
        print(words)
    if port != wanted:
        print(f"Port {wanted} is taken; it serves on {port}.")
    more = []
    if not has_display(os.environ, sys.platform):
        more.append("--no-browser")
        print("There is no display here, so no browser is opened: open the address below in yours.")
        print(f"From another machine: ssh -L {port}:localhost:{port} {os.uname().nodename}, then the same address there.")
    sys.stdout.flush()
    sys.exit(run(port, more))


if __name__ == "__main__":
    main()
