"""A jupyter console on a terminal of its own, typed at by a test."""

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pexpect  # type: ignore[import-untyped]  # it ships none

LIMIT_S = 100
"""Ends a hang; each step takes a second or two."""

TERMINAL = {"PROMPT_TOOLKIT_NO_CPR": "1", "TERM": "xterm", "COLUMNS": "200", "LINES": "50"}
"""No cursor reports: nothing here answers them as a terminal would. Wide, so that no line is folded."""

CTRL_D = "\x04"
"""Leaves, with the Enter behind it: that is the answer to whether one really wants to. A kernel of somebody else's lives on."""

FLUSHES = 3
"""How often Enter is pressed before anything is typed: the console reads then what has come on iopub. Else the idle of its own first
request, which comes whenever it likes, may be read in the first cell and taken for that one's; then no input is asked for any more."""


@contextmanager
def console(
    folder: Path, environment: Mapping[str, str], *, kernel_name: str = "beaker", existing: str = "", leave: str = CTRL_D
) -> "Iterator[pexpect.spawn[str]]":
    """Start one, wait for its first prompt, and see it leave in good order when the block is over.

    Args:
        existing: the connection file of a kernel that runs; without one the console starts its own.
        leave: what is typed in the end; what the console says to it is in `before`. At the word `exit` ipykernel ends a tenth of
            a second later, whether its reply was sent by then or not: only for those who look at that.
    """
    process = pexpect.spawn(
        sys.executable,
        ["-m", "jupyter", "console", "--simple-prompt", *(["--existing", existing] if existing else ["--kernel", kernel_name])],
        cwd=str(folder),
        env={**environment, **TERMINAL},
        encoding="utf-8",
        timeout=LIMIT_S,
        dimensions=(50, 200),
    )
    try:
        process.expect(re.escape("In [1]: "))
        for _ in range(FLUSHES):
            process.sendline("")
            process.expect(r"In \[\d+\]: ")
        yield process
        process.sendline(leave)
        process.expect(pexpect.EOF)
        process.wait()  # or it could be ended on its way out
    finally:
        process.close()
    assert process.exitstatus == 0
