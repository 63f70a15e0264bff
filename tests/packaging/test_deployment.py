"""The files by which the gateway is deployed say what the gateway understands, and name what there is."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

from actors.guardian.options import parse_options
from actors.registry.chronicle import CONVERSATION
from beaker.settings.gateway import GatewaySettings
from tests.packaging import kit

ROOT = Path(kit.ROOT)


def _is_understood(words: list[str]) -> bool:
    """All are options, of settings that there are."""
    names = {name.removeprefix("gateway.") for name in parse_options(words).settings}
    return bool(names) and names <= set(GatewaySettings.__struct_fields__)


def test_the_image_starts_the_gateway_with_options_that_it_has() -> None:
    text = (ROOT / "docker/Dockerfile").read_text()
    (entry,) = re.findall(r"^ENTRYPOINT (.*)$", text, re.MULTILINE)
    (options,) = re.findall(r"^CMD (.*)$", text, re.MULTILINE)
    assert json.loads(entry) == ["python", "/opt/beaker/gateway.py"]
    assert _is_understood(json.loads(options))


def test_the_image_is_made_of_what_is_there() -> None:
    copied = re.findall(r"^COPY (.*) \S+$", (ROOT / "docker/Dockerfile").read_text(), re.MULTILINE)
    names = " ".join(copied).split()
    assert [name for name in names if not (ROOT / name).exists()] == []
    assert {"gateway.py", "beaker_kernel.py", "beaker", "actors", "kernelspec", "pyproject.toml"} <= set(names)


def _patterns(name: str) -> list[str]:
    return [line for line in (ROOT / name).read_text().splitlines() if line and not line.startswith("#")]


def test_no_image_is_sent_what_git_ignores_or_keeps_and_all_that_it_copies() -> None:
    ignored = {*_patterns(".dockerignore")}
    assert {".git", *(f"**/{pattern.rstrip('/')}" for pattern in _patterns(".gitignore"))} == ignored
    copied = " ".join(re.findall(r"^COPY (.*) \S+$", (ROOT / "docker/Dockerfile").read_text(), re.MULTILINE)).split()
    assert [name for name in copied if any(fnmatch(name, pattern.removeprefix("**/")) for pattern in ignored)] == []


def test_the_unit_starts_the_gateway_with_options_that_it_has() -> None:
    text = (ROOT / "docs/beaker-gateway.service").read_text()
    (command,) = re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE)
    assert _is_understood(shlex.split(command)[1:])


def test_the_unit_is_one_that_systemd_understands(tmp_path: Path) -> None:
    # Not by `need_tool`, which fails under CI where a tool is missing: this one comes with an init system and nothing less, which
    # nobody is to install on a machine, or in a container, for one test. CI says that it skips.
    checker = shutil.which("systemd-analyze") or pytest.skip("needs systemd-analyze, which is not installed")
    text = (ROOT / "docs/beaker-gateway.service").read_text()
    unit = tmp_path / "beaker-gateway.service"
    # What it starts is installed on the machine that it is for.
    unit.write_text(re.sub(r"^ExecStart=\S+", f"ExecStart={sys.executable}", text, flags=re.MULTILINE))
    checked = subprocess.run([checker, "verify", "--man=no", str(unit)], capture_output=True, text=True, timeout=60)
    about_it = [line for line in checked.stderr.splitlines() if unit.name in line]
    assert (checked.returncode, about_it) == (0, [])


def test_what_is_typed_for_a_service_copies_files_that_stand_below_the_root() -> None:
    page = (ROOT / "docs/gateway.md").read_text()
    (block,) = re.findall(r"^## As a service of systemd$.*?^```bash\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    commands = [shlex.split(command, comments=True) for command in re.split(r"\n|&&", block)]
    copied = [words[-2] for words in commands if words[1:2] == ["cp"] or (words[1:2] == ["install"] and "-d" not in words)]
    assert "docs/beaker-gateway.service" in copied
    assert [name for name in copied if not (ROOT / name).exists()] == []


def test_the_unit_names_the_files_that_are_made_for_it() -> None:
    unit, page = (ROOT / "docs/beaker-gateway.service").read_text(), (ROOT / "docs/gateway.md").read_text()
    named = re.findall(r"/etc/beaker/\w+", unit)
    assert sorted(set(named)) == ["/etc/beaker/env", "/etc/beaker/token"]
    assert [name for name in named if f" {name}" not in page] == []


def test_the_page_says_how_the_units_logs_are_read() -> None:
    unit, page = (ROOT / "docs/beaker-gateway.service").read_text(), (ROOT / "docs/gateway.md").read_text()
    (state,), (user,) = re.findall(r"XDG_STATE_HOME=\S+", unit), re.findall(r"^User=(\S+)$", unit, re.MULTILINE)
    (folder,) = re.findall(r"^ExecStart=(\S+)/beaker-gateway ", unit, re.MULTILINE)
    assert f"\nsudo -u {user} {state} {folder}/beaker-logs " in page


def test_no_page_sends_anybody_to_the_project_of_our_name_on_the_public_index() -> None:
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "docker/Dockerfile"]
    assert [page.name for page in pages if re.search(r"(?:pip|uv|pipx)\b[^\n`]*\binstall\s+['\"]?beaker-kernel", page.read_text())] == []


def test_the_page_names_files_that_are_there() -> None:
    page = ROOT / "docs/gateway.md"
    linked = re.findall(r"\]\(([^)#:]+)\)", page.read_text())
    assert linked
    assert [name for name in linked if not (page.parent / name).exists()] == []


def test_the_page_says_where_a_conversation_stands_and_what_it_does_not_survive() -> None:
    page = (ROOT / "docs/gateway.md").read_text()
    (section,) = re.findall(r"^### What of a conversation survives what$(.*?)^## ", page, re.MULTILINE | re.DOTALL)
    assert f"`{CONVERSATION}` in the kernel's runtime folder" in section
    outcomes = {row.split("|")[2].split(";")[0].strip() for row in section.splitlines() if row.startswith("| ")}
    assert {"goes on", "is lost"} <= outcomes


def test_the_page_has_every_setting_that_there_is() -> None:
    page = (ROOT / "docs/gateway.md").read_text()
    table = re.search(r"^\| name \| default \| what \|\n(?:\|.*\n)+", page, re.MULTILINE)
    assert table is not None
    named = [name for line in table[0].splitlines() for name in re.findall(r"`(\w+)`", line.split("|")[1])]
    assert sorted(named) == sorted(GatewaySettings.__struct_fields__)
    assert "`logs.level` (`--log-level`" in page
