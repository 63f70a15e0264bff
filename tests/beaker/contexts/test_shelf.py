"""Contexts are found, made once, and one that fails is a sentence that names it."""

import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from beaker.agent.turn_state import Surroundings
from beaker.contexts.context import Context, tool, tools_of
from beaker.contexts.places import GROUP, OURS, Place, find_places
from beaker.contexts.procedure import Procedure
from beaker.contexts.shelf import Loaded, Missing, Shelf, procedures_of, surroundings_of

ROOT = Path(__file__).parents[3]


def shelf(**values: str) -> Shelf:
    return Shelf({name: Place(value, "some-package") for name, value in values.items()})


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in [name for name in sys.modules if name.startswith("plugin_")]:
        del sys.modules[name]


def test_ours_stand_in_the_entry_points_of_the_distribution() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"][GROUP] == OURS


def test_ours_are_found_first_and_can_be_made() -> None:
    places = find_places()
    assert list(places)[: len(OURS)] == list(OURS)
    for name in OURS:
        made = Shelf(places).take(name)
        assert isinstance(made, Loaded), made
        assert made.summary
        assert isinstance(surroundings_of(made, "python"), Surroundings)


def test_a_context_adds_its_tools_and_its_procedures_for_the_language() -> None:
    made = Shelf(find_places()).take("dataframes")
    assert isinstance(made, Loaded)
    assert [each.name for each in procedures_of(made, "R")] == ["overview", "missing_values", "compare_groups"]
    assert procedures_of(made, "julia") == []
    around = surroundings_of(made, "python")
    assert isinstance(around, Surroundings)
    assert {"list_variables", "propose_cell", "overview"} <= {each.name for each in around.toolbox.tools}
    assert "tabular data" in around.persona


@pytest.mark.parametrize(
    ("text", "value", "reason"),
    [
        ("raise RuntimeError('no licence')", "plugin_a:X", "RuntimeError: no licence"),
        ("import nothing_of_this_name", "plugin_a:X", "No module named 'nothing_of_this_name'"),
        ("def X(: pass", "plugin_a:X", "SyntaxError"),
        ("import sys; sys.exit('bye')", "plugin_a:X", "SystemExit: bye"),
        ("x = 1", "plugin_a:X", "has no attribute 'X'"),
        ("class X: pass", "plugin_a:X", "plugin_a:X is no Context"),
        (
            "from beaker_kernel import Context, tool\nclass X(Context):\n    @tool\n    def t(self, x): pass",
            "plugin_a:X",
            "the argument x of the tool t has no type hint",
        ),
        ("", "plugin_missing:X", "No module named 'plugin_missing'"),
    ],
)
def test_one_that_fails_is_a_sentence_that_names_it_and_its_package(plugins: Path, text: str, value: str, reason: str) -> None:
    (plugins / "plugin_a.py").write_text(text)
    missing = shelf(broken=value, fine=OURS["dataframes"])
    failed = missing.take("broken")
    assert isinstance(failed, Missing)
    assert failed.reason.startswith("The context 'broken' of some-package (plugin_")
    assert reason in failed.reason
    assert isinstance(missing.take("fine"), Loaded)


def test_a_context_is_made_once(plugins: Path) -> None:
    (plugins / "plugin_b.py").write_text(
        "from beaker_kernel import Context\nmade = []\nclass X(Context):\n    def __init__(self): made.append(1)"
    )
    both = shelf(x="plugin_b:X")
    assert both.take("x") is both.take("x")
    assert sys.modules["plugin_b"].made == [1]


def test_an_unknown_name_is_a_sentence_with_those_there_are() -> None:
    unknown = shelf(default=OURS["default"]).take("defualt")
    assert unknown == Missing(reason="'defualt' is not a context. Did you mean 'default'? There are: default.")


def test_two_tools_of_one_name_cannot_be() -> None:
    class Twice(Context):
        @tool
        def propose_cell(self) -> str:
            """Ours has this name."""
            return ""

    class Unsound(Context):
        procedures = (Procedure(name="p", description="", code={"python": "{{ y }}"}),)

    for context, reason in ((Twice(), "there are two tools 'propose_cell'"), (Unsound(), "the procedure p has no parameter y")):
        loaded = Loaded(name="x", context=context, summary="", tools=tuple(tools_of(context)))
        around = surroundings_of(loaded, "python")
        assert isinstance(around, Missing)
        assert reason in around.reason


def test_one_that_ended_the_process_is_not_imported_again_and_says_how_it_comes_back() -> None:
    taken = Shelf({"deadly": Place("plugin_deadly:X", "some-package")}, left_out={"deadly"}).take("deadly")
    assert isinstance(taken, Missing)
    assert taken.reason == (
        "The context 'deadly' of some-package (plugin_deadly:X) is left out: the agent's process ended while it was imported. "
        "When that is mended, `%beaker restart agent` brings it back; `%beaker context NAME` chooses another."
    )
