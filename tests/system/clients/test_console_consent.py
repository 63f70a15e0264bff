"""Consent in jupyter console: the exact code on the terminal, and yes, no, edit typed there."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pexpect  # type: ignore[import-untyped]  # it ships none
import pytest

from tests.kit.scripted_process import scripted

pytestmark = pytest.mark.slow

LIMIT_S = 60
CHOICES = re.escape("[y]es / [n]o / [a]lways / [e]dit / [l]ater: ")


@pytest.fixture
def console(work_folder: Path, environment: dict[str, str]) -> "Iterator[pexpect.spawn[str]]":
    """A jupyter console whose model wants to run `40 + 2` at every question."""
    terminal = environment | {"PROMPT_TOOLKIT_NO_CPR": "1", "TERM": "xterm", "COLUMNS": "200", "LINES": "50"}
    with scripted("consent") as endpoint:
        words = ["-m", "jupyter", "console", "--kernel", "beaker", "--simple-prompt"]
        process = pexpect.spawn(
            sys.executable,
            words,
            cwd=str(work_folder),
            env=terminal | endpoint,
            encoding="utf-8",
            timeout=LIMIT_S,
            dimensions=(50, 200),
        )
        process.expect(re.escape("In [1]: "))
        yield process
        process.sendline("exit")
        process.expect(pexpect.EOF)
        process.close()


def test_yes_edit_and_no_are_typed_at_the_prompt(console: "pexpect.spawn[str]") -> None:
    console.sendline("%ai how much is it?")
    console.expect(re.escape("A1 wants to run this:"))
    console.expect(re.escape("40 + 2"))
    console.expect(CHOICES)
    console.sendline("y")
    console.expect("42\r\n")
    console.expect("It is what I thought")
    console.expect(r"In \[\d+\]: ")

    console.sendline("%ai and now?")
    console.expect(CHOICES)
    console.sendline("e")
    console.expect("Your code")
    console.sendline("x = 5")
    console.sendline("x * 20")
    console.sendline(".")
    console.expect("100\r\n")
    console.expect("It is what I thought")
    console.expect(r"In \[\d+\]: ")

    console.sendline("%ai once more")
    console.expect(CHOICES)
    console.sendline("n")
    console.expect("It is what I thought")
    console.expect(r"In \[\d+\]: ")
    console.sendline("print('x is', x)")
    console.expect("x is 5\r\n")
    console.expect(r"In \[\d+\]: ")
