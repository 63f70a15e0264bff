"""A context that ends the agent's process as it is imported costs one agent, and no other context."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.running_kernel import RunningKernel, running_kernel

WORKS = """
from beaker_kernel import Context

class Deadly(Context):
    "It was mended."
"""


@pytest.fixture
def plugins(tmp_path: Path) -> Path:
    """A folder in which a distribution with such a context is installed."""
    facts = tmp_path / "deadly-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: deadly\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text("[beaker_kernel.contexts]\ndeadly = deadly_plugin:Deadly\n")
    (tmp_path / "deadly_plugin.py").write_text("import os\nos._exit(11)\n")
    return tmp_path


@pytest.fixture
def kernel(plugins: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunningKernel]:
    with running_kernel(env={"PYTHONPATH": str(plugins), "PYTHONDONTWRITEBYTECODE": "1"}) as kernel:
        yield kernel


def shown(kernel: RunningKernel, code: str) -> str:
    outcome = kernel.run(code)
    assert outcome.status == "ok", outcome.reply["content"]
    return "".join(each["content"]["data"]["text/plain"] for each in outcome.outputs if "data" in each["content"])


def test_the_next_agent_leaves_it_out_by_name_until_the_user_wants_a_fresh_one(kernel: RunningKernel, plugins: Path) -> None:
    listed = shown(kernel, "%beaker context")
    assert "dataframes" in listed
    assert "The context 'deadly' of deadly (deadly_plugin:Deadly) is left out: the agent's process ended while it was imported." in listed
    assert "`%beaker restart agent` brings it back" in listed
    assert "dataframes" in shown(kernel, "%beaker context dataframes")
    assert kernel.run("%%ai what variables do I have?").status == "ok"

    (plugins / "deadly_plugin.py").write_text(WORKS)
    shown(kernel, "%beaker restart agent")
    assert "It was mended." in shown(kernel, "%beaker context deadly")
