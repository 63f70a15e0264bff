"""Egress: with nothing but the loopback whole questions are answered, and no name is looked up.

What reaches the model's endpoint is all that ever leaves; no telemetry, no download of tables. The counting name server stands in
a network of its own, as do the kernels.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has networks of one's own")
def test_a_question_is_answered_without_any_network_and_without_looking_a_name_up(
    tmp_path: Path, need: Callable[..., None], need_tool: Callable[..., str]
) -> None:
    resolver, told = tmp_path / "resolv.conf", tmp_path / "told.json"
    resolver.write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    alone = [need_tool("unshare"), "--net", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    enter = f"mount --bind {resolver} /etc/resolv.conf"
    probe = subprocess.run([*alone, "sh", "-c", enter], capture_output=True, text=True, check=False)
    need(f"a network of its own, which this machine lets nobody make: {probe.stderr.strip()}", there=probe.returncode == 0)
    run = f"{enter} && exec {sys.executable} -m tests.system.faults.loopback_only {told}"
    subprocess.run([*alone, "sh", "-c", run], cwd=ROOT, env=without_proxies(), check=True, timeout=120)
    found = json.loads(told.read_text())
    assert found["interfaces"] == ["lo"]
    assert found["demo"][0] == found["scripted"][0] == "ok"
    assert "numbers" in found["demo"][1]
    assert "There are numbers." in found["scripted"][1]
    assert "numbers" in found["told"][0]
    assert any("looked-up-by-the-test" in name for name in found["control"]), "the name server hears what is asked"
    assert found["heard"] == []


def without_proxies() -> dict[str, str]:
    """A proxy would be asked in place of the name server."""
    return {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
