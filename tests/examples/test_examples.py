"""The examples are what they say: the data can be made again, the notebook is fresh and asks for our kernel."""

import csv
import os
import runpy
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest
from nbclient import NotebookClient

from beaker.settings.env_file import parse_env
from beaker.settings.key_wishes import TOKEN_VARIABLE
from beaker.settings.schema import all_setting_names
from tests.kit.processes import lives
from tests.kit.running_kernel import wait_until

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"


def test_the_data_is_what_its_script_makes() -> None:
    made = runpy.run_path(str(EXAMPLES / "make_lake.py"))
    with (EXAMPLES / "lake.csv").open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [list(made["COLUMNS"]), *made["rows"]()]


def test_the_notebook_is_valid_fresh_and_for_our_kernel() -> None:
    notebook: Any = nbformat.read(EXAMPLES / "first-steps.ipynb", as_version=4)  # type: ignore[no-untyped-call]  # nbformat has no types
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "beaker"
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.outputs for cell in code] == [[]] * len(code)
    assert [cell.execution_count for cell in code] == [None] * len(code)
    assert any(cell.source.startswith("%%ai ") or cell.source.startswith("%%ai\n") for cell in code)


@pytest.mark.parametrize(
    ("environment", "platform", "expected"),
    [
        ({}, "linux", False),
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({"BROWSER": "w3m"}, "linux", True),
        ({"DISPLAY": ""}, "linux", False),
        ({}, "darwin", True),
    ],
)
def test_a_browser_is_opened_only_where_it_can_show_itself(environment: dict[str, str], platform: str, expected: bool) -> None:
    assert runpy.run_path(str(EXAMPLES / "serve.py"))["has_display"](environment, platform) is expected


def test_every_name_in_the_example_environment_is_one_that_beaker_reads() -> None:
    text = (ROOT / "env.example").read_text(encoding="utf-8")
    lines = [line.removeprefix("# ") for line in text.splitlines() if "=" in line and " " not in line.removeprefix("# ")]
    known = {"OPENAI_API_KEY", "OPENAI_BASE_URL", "BEAKER_MODEL", "BEAKER_SUBKERNEL"}
    known |= {TOKEN_VARIABLE, *("BEAKER_" + name.replace(".", "_").upper() for name in all_setting_names())}
    assert parse_env("\n".join(lines)).problems == []
    assert len(lines) == len(parse_env("\n".join(lines)).values)
    assert set(parse_env("\n".join(lines)).values) <= known
    assert parse_env(text).values == {"OPENAI_API_KEY": ""}


def test_a_port_that_is_taken_is_passed_over() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert port < runpy.run_path(str(EXAMPLES / "serve.py"))["free_port"](port) < port + 50


@pytest.mark.parametrize("wanted", [99999, -60])
def test_a_number_that_is_no_port_is_told(wanted: int) -> None:
    with pytest.raises(SystemExit, match=f"^{wanted} is no port: name one from 1 to 65535"):
        runpy.run_path(str(EXAMPLES / "serve.py"))["free_port"](wanted)


@pytest.mark.parametrize(
    ("environment", "env_text", "told"),
    [
        ({}, None, True),
        ({"OPENAI_API_KEY": " "}, None, True),
        ({"OPENAI_API_KEY": "k"}, None, False),
        ({"OPENAI_BASE_URL": "ollama"}, None, False),
        ({"BEAKER_ENV_FILE": "/home/me/.env"}, None, False),
        ({}, "OPENAI_API_KEY=k", False),
    ],
)
def test_who_has_named_no_model_is_told_how_to_when_the_lab_starts(
    environment: dict[str, str],
    env_text: str | None,
    told: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if env_text is not None:
        (tmp_path / ".env").write_text(env_text, encoding="utf-8")
    main = runpy.run_path(str(EXAMPLES / "serve.py"))["main"]
    main.__globals__["HERE"] = tmp_path / "examples"
    started: list[int] = []
    main.__globals__["run"] = lambda port, more: started.append(port)
    monkeypatch.setattr(os, "environ", {"BROWSER": "w3m", **environment})
    monkeypatch.setattr(sys, "argv", ["serve.py"])
    with pytest.raises(SystemExit):
        main()
    lines = [line for line in capsys.readouterr().out.splitlines() if "model" in line]
    assert len(started) == 1
    assert len(lines) == told
    assert all("copy env.example to .env" in line and "OPENAI_API_KEY" in line and "start again" in line for line in lines)


def test_a_lab_that_does_not_leave_without_its_gateway_is_ended() -> None:
    """JupyterLab ends the kernels first, at the gateway: where that is gone it stays for ever, and Ctrl-C ends it no more."""
    ignoring = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(600)"
    end = runpy.run_path(str(EXAMPLES / "serve.py"))["end"]
    end.__globals__["GRACE_S"] = 0.0
    with subprocess.Popen([sys.executable, "-c", ignoring], stdout=subprocess.PIPE) as lab:
        assert lab.stdout is not None
        lab.stdout.readline()
        assert end(lab) == -signal.SIGKILL


@pytest.mark.parametrize(("before", "after"), [("", "JPY_SESSION_NAME"), ("TEAM,JPY_SESSION_NAME", "TEAM,JPY_SESSION_NAME")])
def test_the_lab_tells_its_gateway_which_notebook_a_kernel_is_for(before: str, after: str) -> None:
    made = runpy.run_path(str(EXAMPLES / "serve.py"))["lab_environment"]({"JUPYTER_GATEWAY_ALLOWED_ENVS": before}, "canary")
    assert made == {"JUPYTER_GATEWAY_ALLOWED_ENVS": after, "JUPYTER_GATEWAY_AUTH_TOKEN": "canary"}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of a parent's end")
def test_jupyterlab_goes_with_make_dev_when_that_is_killed() -> None:
    """It held the port from then on, and wrote into the terminal."""
    script = f"""
import runpy, subprocess
run = runpy.run_path({str(EXAMPLES / "serve.py")!r})["run"]
run.__globals__["start_gateway"] = lambda token: (subprocess.Popen(["true"]), "http://127.0.0.1:1")
run.__globals__["lab_command"] = lambda port, address: ["sh", "-c", "echo $$; exec sleep 600"]
run.__globals__["os"].waitpid = lambda *_: __import__("time").sleep(600)
run(1, [])
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as serving:
        assert serving.stdout is not None
        lab = psutil.Process(int(serving.stdout.readline()))
        serving.kill()
    try:
        wait_until(lambda: not lives(lab), what="the end of JupyterLab")
    finally:
        with suppress(psutil.NoSuchProcess):
            lab.kill()


@pytest.mark.slow
def test_the_notebook_runs_from_top_to_bottom_and_its_question_is_answered(tmp_path: Path) -> None:
    for name in ("first-steps.ipynb", "lake.csv"):
        shutil.copy(EXAMPLES / name, tmp_path)
    notebook: Any = nbformat.read(tmp_path / "first-steps.ipynb", as_version=4)  # type: ignore[no-untyped-call]  # nbformat has no types
    NotebookClient(notebook, timeout=110, iopub_timeout=110, startup_timeout=110, resources={"metadata": {"path": str(tmp_path)}}).execute()
    plot, answer, help_text = [cell for cell in notebook.cells if cell.cell_type == "code"][-3:]
    assert any("image/png" in output.get("data", {}) for output in plot.outputs)
    assert any("text/markdown" in output.get("data", {}) for output in answer.outputs)
    assert "%beaker status" in str(help_text.outputs)
