"""Questions from the command line: consent at the prompt of jupyter console, none under papermill."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.scripted.replies import STALL, Reply, Speak, run
from tests.scripted.threaded import serving
from tests.system.clients.console import LIMIT_S, console
from tests.system.clients.notebooks import notebook, printed, read, write

pytestmark = pytest.mark.slow

CHOICES = re.escape("[y]es / [n]o / [a]lways / [e]dit / [l]ater: ")


def test_in_the_console_consent_is_given_refused_mended_and_put_off_at_the_prompt(work_folder: Path, environment: dict[str, str]) -> None:
    script: list[Reply] = [
        *(run("print('ran', 40 + 2)"), Speak(text="That was yes.")),
        *(run("refused = 1"), Speak(text="That was no.")),
        *(run("edited = 1"), Speak(text="That was an edit.")),
        *(run("print('later', 40 + 3)"), Speak(text="There it is.")),
    ]
    with serving(script) as endpoint, console(work_folder, environment | endpoint.environment) as terminal:
        terminal.sendline("%ai how much?")
        terminal.expect(re.escape("A1 wants to run this:"))
        terminal.expect(re.escape("print('ran', 40 + 2)"))
        terminal.expect(CHOICES)
        terminal.sendline("y")
        terminal.expect("ran 42\r\n")
        terminal.expect(re.escape("That was yes."))
        terminal.expect(re.escape("In [2]: ") + "|" + re.escape("In [3]: "))
        terminal.sendline("%ai and now?")
        terminal.expect(CHOICES)
        terminal.sendline("n")
        terminal.expect(re.escape("That was no."))
        terminal.expect(r"In \[\d+\]: ")
        terminal.sendline("%ai and then?")
        terminal.expect(CHOICES)
        terminal.sendline("e")
        terminal.expect(re.escape("a line with only '.' ends it): "))
        terminal.sendline("edited = 20")
        terminal.expect("line 2: ")
        terminal.sendline("edited += 2; print('mended', edited)")
        terminal.expect("line 3: ")
        terminal.sendline(".")
        terminal.expect(re.escape("would run your code:"))
        terminal.expect(re.escape("[y]es / [n]o / [e]dit again / [l]ater: "))
        terminal.sendline("y")
        terminal.expect("mended 22\r\n")
        terminal.expect(re.escape("That was an edit."))
        terminal.expect(r"In \[\d+\]: ")
        terminal.sendline("print('refused' in globals(), edited)")
        terminal.expect("False 22\r\n")
        terminal.expect(r"In \[\d+\]: ")
        terminal.sendline("%ai and at last?")
        terminal.expect(CHOICES)
        calls = endpoint.calls
        terminal.sendline("l")
        terminal.expect(r"%beaker allow (A\d+)")
        parked = terminal.match[1]
        terminal.expect(r"In \[\d+\]: ")
        assert endpoint.calls == calls
        terminal.sendline(f"%beaker allow {parked}")
        terminal.expect("later 43\r\n")
        terminal.expect(re.escape("There it is."))
        terminal.expect(r"In \[\d+\]: ")


def test_in_the_console_ctrl_c_ends_an_answer_and_the_session_is_as_it_was(work_folder: Path, environment: dict[str, str]) -> None:
    with serving([STALL]) as endpoint, console(work_folder, environment | endpoint.environment) as terminal:
        terminal.sendline("kept = 42")
        terminal.expect(re.escape("In [2]: "))
        terminal.sendline("%ai how long?")
        terminal.expect("one two")  # as it comes: the answer has no end
        endpoint.wait_until_stalled()
        terminal.sendintr()
        terminal.expect(re.escape("*stopped*"))
        terminal.expect(re.escape("In [3]: "))
        terminal.sendline("print('still', kept)")
        terminal.expect("still 42\r\n")
        terminal.expect(re.escape("In [4]: "))


def test_papermill_ends_by_itself_with_the_code_as_text_and_nothing_was_run(work_folder: Path, environment: dict[str, str]) -> None:
    counter = work_folder / "counter"
    code = f"open({str(counter)!r}, 'a').write('x')"
    with serving([run(code), Speak(text="It is what I thought.")]) as endpoint:
        write(notebook([("x = 1", "parameters"), "%%ai count", "print('end', x)"]), work_folder / "in.ipynb")
        words = ["papermill", "in.ipynb", "out.ipynb", "-k", "beaker", "-p", "x", "21"]  # as users type it
        ran = subprocess.run(
            words, cwd=work_folder, env=environment | endpoint.environment, capture_output=True, text=True, timeout=LIMIT_S, check=False
        )
    assert ran.returncode == 0, ran.stderr
    done = read(work_folder / "out.ipynb")
    injected, question, printing = done.cells[1:]
    assert injected.source == "# Parameters\nx = 21\n"
    answer = "".join(output.data["text/markdown"] for output in question.outputs)
    assert f"**A1** was not run\n\n```python\n{code}\n```" in answer, "by us: the model does not say it"
    assert answer.count("It is what I thought.") == 1
    assert printed(printing) == "end 21\n"
    assert not counter.exists()
