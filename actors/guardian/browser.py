"""Opens a browser on a gateway that has just started.

The address holds the token, and a browser's command line can be read by every user of the machine: so the browser gets the path
of a page of ours that only its owner can read, and that page leads on.
"""

import html
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

PAGE: Final = "open.html"
PAGE_S: Final = 60.0
"""How long the page stays, which holds the token: browsers that start take seconds, and nobody needs it afterwards."""


def remove_page(folder: Path) -> None:
    """Nobody needs it any more."""
    (folder / PAGE).unlink(missing_ok=True)


def open_browser(address: str, folder: Path) -> int:
    """Start what opens it, and wait for nothing; gives its pid, for whoever reaps it.

    Args:
        address: with the token.
        folder: where the page is put, as `open.html`.
    """
    page = folder / PAGE
    page.unlink(missing_ok=True)
    descriptor = os.open(page, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        quoted = html.escape(address)
        file.write(f'<!doctype html><meta http-equiv="refresh" content="0;url={quoted}"><a href="{quoted}">The gateway</a>\n')
    # A process of its own: a browser on a terminal would take ours over. It is reaped as every orphan is.
    process = subprocess.Popen(
        [sys.executable, "-I", "-m", "webbrowser", page.as_uri()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    process.returncode = 0
    return process.pid
