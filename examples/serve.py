"""Opens the example notebook in JupyterLab with the Beaker kernel: what `make dev` runs.

It starts the JupyterLab of the environment it runs in, with that environment's kernels first, and says where it serves.
On a machine without a display no browser is started, and the address is printed for one elsewhere.
"""

import argparse
import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).resolve().parent
NOTEBOOK = "first-steps.ipynb"
NAMING = (
    *("OPENAI_API_KEY", "OPENAI_BASE_URL", "BEAKER_AGENT_BASE_URL"),
    *("BEAKER_ENV_FILE", "BEAKER_AGENT_KEY_FILE", "BEAKER_AGENT_KEYRING"),
)
"""Variables that give a model's key or address, or the place of one."""


def has_display(environment: Mapping[str, str], platform: str) -> bool:
    """Whether a browser can show itself here; one that the user has named is believed to."""
    return platform == "darwin" or any(environment.get(name) for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"))


def free_port(wanted: int) -> int:
    """The first port from the wanted one on that is free, so that what we print about it stays true."""
    for port in range(wanted, wanted + 50):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise SystemExit(f"No port from {wanted} to {wanted + 49} is free: name one by make dev PORT=...")


def model_words(environment: Mapping[str, str], env_file: Path) -> str:
    """How to connect a real model, for someone who has named none here; empty for anybody else."""
    if env_file.is_file() or any(environment.get(name, "").strip() for name in NAMING):
        return ""
    return (
        f"No model is set here, so that the demo model answers unless your own beaker.toml names one: for a real one copy env.example to "
        f"{env_file.name} and fill it in, or set OPENAI_API_KEY, and start again."
    )


def main() -> None:
    """Becomes JupyterLab."""
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
    command = [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={HERE}", f"--ServerApp.port={port}"]
    command += [f"--LabApp.default_url=/lab/tree/{NOTEBOOK}", "--ServerApp.log_level=WARN"]
    # No question about news on top of the first notebook, and no request to anybody.
    command += ["--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    more = [os.environ["JUPYTER_CONFIG_PATH"]] if os.environ.get("JUPYTER_CONFIG_PATH") else []
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join([*more, str(HERE / ".lab")])
    print(f"JupyterLab starts with examples/{NOTEBOOK} and the Beaker kernel. Ctrl-C ends it.")
    if words:
        print(words)
    if port != wanted:
        print(f"Port {wanted} is taken; it serves on {port}.")
    if not has_display(os.environ, sys.platform):
        command.append("--no-browser")
        print("There is no display here, so no browser is opened: open the address below in yours.")
        print(f"From another machine: ssh -L {port}:localhost:{port} {os.uname().nodename}, then the same address there.")
    if os.geteuid() == 0:
        command.append("--allow-root")  # JupyterLab refuses otherwise; in a container there is often nobody else
    sys.stdout.flush()
    os.execv(sys.executable, command)


if __name__ == "__main__":
    main()
