"""The Makefile, as far as it can be tested without making anything."""

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

from tests.packaging import kit

TARGETS = ("help", "dev", "test", "test-system", "soak", "check", "bench", "build", "clean")


@pytest.fixture
def variables() -> dict[str, str]:
    """The environment without what an outer make has put into it."""
    return {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MFLAGS", "MAKELEVEL", "VENV", "PYTHON"}}


def test_make_alone_lists_every_target(variables: dict[str, str]) -> None:
    printed = kit.run("make", "-C", kit.ROOT, "--no-print-directory", env=variables)
    for target in TARGETS:
        assert f"\n  {target} " in printed


def test_without_a_python_it_says_what_is_needed(tmp_path: Path, variables: dict[str, str]) -> None:
    command = ["make", "-C", str(kit.ROOT), "PYTHON=", f"VENV={tmp_path}/venv", "test"]
    done = subprocess.run(command, capture_output=True, text=True, env=variables, timeout=100)
    assert done.returncode != 0
    assert "Python 3.11 or newer" in done.stderr
    assert "make PYTHON=" in done.stderr


def test_what_is_not_installed_behind_an_extra_comes_with_it() -> None:
    extras: dict[str, list[str]] = tomllib.loads((kit.ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    makefile = (kit.ROOT / "Makefile").read_text()
    told = {extra: set(within.split()) for extra, within in re.findall(r"^WITHIN_(\w+) := (.*)$", makefile, re.MULTILINE)}

    def within(extra: str) -> set[str]:
        named = {name for line in extras[extra] for found in re.findall(r"^beaker-kernel\[([\w,]+)\]$", line) for name in found.split(",")}
        return named.union(*map(within, named))

    assert told == {"system": within("system") - {"gateway"}, "dev": within("dev") - {"gateway"}}
