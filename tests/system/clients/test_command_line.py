"""The command lines people type: jupyter run, jupyter console, papermill, jupyter nbconvert --execute."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit.without_grammar import without_grammar
from tests.system.clients.console import console
from tests.system.clients.notebooks import Cell, notebook, printed, read, write

pytestmark = pytest.mark.slow

LIMIT_S = 100
"""Each command takes a few seconds; the limit only ends a hang."""


def _run(words: list[str], folder: Path, environment: dict[str, str], *, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, cwd=folder, env=environment, input=stdin, capture_output=True, text=True, timeout=LIMIT_S, check=False)


def _jupyter(*words: str) -> list[str]:
    return [sys.executable, "-m", "jupyter", *words]


def test_jupyter_run_prints_what_the_file_prints_and_fails_with_its_error(
    kernel_name: str, work_folder: Path, environment: dict[str, str]
) -> None:
    (work_folder / "script.py").write_text("import sys\nprint('to stdout', 6 * 7)\nprint('to stderr', file=sys.stderr)\n1 / 0\n")
    ran = _run(_jupyter("run", "--kernel", kernel_name, "script.py"), work_folder, environment)
    assert ran.returncode != 0
    assert ran.stdout == "to stdout 42\n"
    assert "to stderr\n" in ran.stderr
    assert "ZeroDivisionError" in ran.stderr


def test_jupyter_run_reads_its_standard_input(kernel_name: str, work_folder: Path, environment: dict[str, str]) -> None:
    ran = _run(_jupyter("run", "--kernel", kernel_name), work_folder, environment, stdin="print(sum(range(10)))\n")
    assert (ran.returncode, ran.stdout) == (0, "45\n")


def test_papermill_runs_with_parameters_and_stops_at_the_first_error(
    kernel_name: str, work_folder: Path, environment: dict[str, str]
) -> None:
    cells: list[Cell] = [
        ("alpha = 1\nname = 'default'", "parameters"),
        "print(f'{name} {alpha * 2}')",
        "alpha",
        "alpha / 0",
        "print('not reached')",
    ]
    made = notebook(cells)
    made.metadata["kernelspec"] = {"name": kernel_name, "display_name": kernel_name, "language": "python"}
    write(made, work_folder / "in.ipynb")
    parameters = ["-p", "alpha", "21", "-r", "name", "ada"]
    words = without_grammar("papermill", "in.ipynb", "out.ipynb", "-k", kernel_name, *parameters)
    ran = _run(words, work_folder, environment)
    assert ran.returncode != 0
    assert "ZeroDivisionError" in ran.stderr
    done = read(work_folder / "out.ipynb")
    injected = next(cell for cell in done.cells if "injected-parameters" in cell.metadata.get("tags", []))
    assert injected.source == '# Parameters\nalpha = 21\nname = "ada"\n'
    printing, showing, _, behind = [next(done_cell for done_cell in done.cells if done_cell.source == cell) for cell in cells[1:]]
    assert printed(printing) == "ada 42\n"
    assert (showing.outputs[0].data["text/plain"], showing.execution_count) == ("21", 4)
    assert behind.outputs == []


def test_nbconvert_executes(kernel_name: str, work_folder: Path, environment: dict[str, str]) -> None:
    write(notebook(["from IPython.display import HTML\nHTML('<b id=\"made\">here</b>')", "print('end')"]), work_folder / "in.ipynb")
    words = ["--to", "html", "--execute", f"--ExecutePreprocessor.kernel_name={kernel_name}", "in.ipynb"]
    ran = _run(_jupyter("nbconvert", *words), work_folder, environment)
    assert ran.returncode == 0, ran.stderr
    page = (work_folder / "in.html").read_text()
    assert '<b id="made">here</b>' in page
    assert "end" in page


def test_jupyter_console_runs_asks_interrupts_and_leaves(kernel_name: str, work_folder: Path, environment: dict[str, str]) -> None:
    with console(work_folder, environment, kernel_name=kernel_name) as terminal:
        terminal.sendline("6 * 7")
        terminal.expect(r"Out\[1\]: 42")
        terminal.expect(re.escape("In [2]: "))
        terminal.sendline("name = input('your name? ')")
        terminal.expect("your name\\? ")
        terminal.sendline("ada")
        terminal.expect(re.escape("In [3]: "))
        terminal.sendline("print('hello', name)")
        terminal.expect("hello ada\r\n")
        terminal.expect(re.escape("In [4]: "))
        terminal.sendline("print('beg' + 'un', flush=True); import time; time.sleep(100)")
        terminal.expect("begun\r\n")
        terminal.sendintr()
        terminal.expect("KeyboardInterrupt")
        terminal.expect(re.escape("In [5]: "))
        terminal.sendline("print('still', name)")
        terminal.expect("still ada\r\n")
        terminal.expect(re.escape("In [6]: "))
