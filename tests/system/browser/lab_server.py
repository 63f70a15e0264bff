"""A JupyterLab of the tests' own: on a free port, from folders of its own, and without what would look for news or for builds."""

import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.kit.ports import free_port
from tests.kit.without_grammar import without_grammar
from tests.system.browser.lab import LIMIT_S, Lab

CHECKOUT = Path(__file__).parents[3]

SETTINGS = {
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},  # a cell that is scrolled away stays in the page
    "@jupyterlab/docmanager-extension/plugin": {"autosave": False},
}
"""What would go to the network, or get between a test and its cells."""

NOT_NEEDED = ("jupyter_lsp", "jupyter_server_terminals", "notebook", "notebook_shim")
"""Parts of the server that no test asks; jupyter_lsp looks for language servers by starting node and R."""


@contextmanager
def serving_lab(folder: Path, root: Path, *more: str, environment: Mapping[str, str]) -> Iterator[Lab]:
    """Starts JupyterLab, and ends it.

    Args:
        folder: for what it keeps.
        root: what it serves; the example data is put there.
        more: options.
        environment: in which it and its kernels run.
    """
    shutil.copy(CHECKOUT / "examples/lake.csv", root)
    for name, values in SETTINGS.items():
        package, _, plugin = name.rpartition("/")
        file = folder / "settings" / package / f"{plugin}.jupyterlab-settings"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(values))
    port, token = free_port(), secrets.token_hex(16)
    options = [
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--IdentityProvider.token={token}",
        f"--ServerApp.root_dir={root}",
    ]
    options += ["--ServerApp.open_browser=False", "--ServerApp.log_level=WARN", "--ServerApp.ip=127.0.0.1"]
    options += [f"--LabApp.user_settings_dir={folder / 'settings'}", f"--LabApp.workspaces_dir={folder / 'workspaces'}"]
    options += ["--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    options += ["--LabApp.extension_manager=readonly", "--LabApp.expose_app_in_browser=True"] + ["--allow-root"] * (os.geteuid() == 0)
    config, programs = folder / "config", folder / "programs"
    (config / "labconfig").mkdir(parents=True)
    (config / "labconfig/page_config.json").write_text(json.dumps({"buildAvailable": False, "buildCheck": False}))
    extensions = {"jpserver_extensions": dict.fromkeys(NOT_NEEDED, False)}
    (config / "jupyter_server_config.json").write_text(json.dumps({"ServerApp": extensions}))
    programs.mkdir()
    (programs / "node").write_text("#!/bin/sh\n")  # JupyterLab would have yarn list its settings, which it uses for builds
    (programs / "node").chmod(0o755)
    own = {name: value for name, value in environment.items() if not name.startswith("PYTEST_")}
    own |= {"JUPYTER_CONFIG_DIR": str(config), "PATH": os.pathsep.join([str(programs), own.get("PATH", os.defpath)])}
    with (folder / "lab.log").open("wb") as log:
        words = without_grammar("jupyterlab", *options, *more)
        process = subprocess.Popen(words, cwd=root, env=own, stdout=log, stderr=log)
    served = Lab(url=f"http://127.0.0.1:{port}", token=token, root=root, log=folder / "lab.log", process=process)
    try:
        served.wait_until_it_serves(2 * LIMIT_S)  # of a busy machine this is most of a minute
        yield served
    finally:
        with suppress(OSError):  # it is gone already, if a test has failed badly
            served.end_kernels()
        process.terminate()
        try:
            process.wait(LIMIT_S)
        except subprocess.TimeoutExpired:  # its kernels are gone already; on a busy machine it takes its time with the rest
            process.kill()
            process.wait()


def install_kernel(name: str, base_url: str) -> None:
    """Installs the kernel once more, with an endpoint in its environment."""
    from jupyter_client.kernelspec import KernelSpecManager

    spec = json.loads((Path(KernelSpecManager().get_kernel_spec("beaker").resource_dir) / "kernel.json").read_text())
    spec["env"] = {"OPENAI_BASE_URL": base_url, "BEAKER_MODEL": "scripted-1", "OPENAI_API_KEY": "sk-scripted"}
    spec["display_name"] = name
    folder = Path(os.environ["JUPYTER_DATA_DIR"]) / "kernels" / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "kernel.json").write_text(json.dumps(spec))
