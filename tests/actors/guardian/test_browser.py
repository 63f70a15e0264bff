"""A browser that is opened finds the gateway, and nobody else finds the token."""

import os
import stat
import sys
from pathlib import Path

import pytest

from actors.guardian.browser import open_browser, remove_page
from tests.kit.running_kernel import wait_until

ADDRESS = "http://127.0.0.1:8888/?token=canary"


def test_the_address_stands_in_a_page_of_the_users_own_and_in_no_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = tmp_path / "browser"
    browser.write_text(f"#!{sys.executable}\nimport os, sys\nopen({str(tmp_path / 'new')!r}, 'w').write(sys.argv[1])\n")
    browser.write_text(browser.read_text() + f"os.rename({str(tmp_path / 'new')!r}, {str(tmp_path / 'said')!r})\n")
    browser.chmod(0o700)
    monkeypatch.setenv("BROWSER", f"{browser} %s")
    pid = open_browser(ADDRESS, tmp_path)
    wait_until((tmp_path / "said").exists, what="the browser")
    page = tmp_path / "open.html"
    assert (tmp_path / "said").read_text() == page.as_uri()
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert f'content="0;url={ADDRESS}"' in page.read_text()
    os.waitpid(pid, 0)
    remove_page(tmp_path)
    assert not page.exists()
