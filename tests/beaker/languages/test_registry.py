"""Which language serves which subkernel."""

import tomllib
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest

from beaker.languages.bash import Bash
from beaker.languages.language import Language
from beaker.languages.python import Python
from beaker.languages.registry import BUILT_IN, GROUP, language_for

ROOT = Path(__file__).parents[3]


def test_our_own_languages_are_declared_like_everybodys() -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"][GROUP]
    assert declared == BUILT_IN
    assert all(type(language_for(name)) is not Language for name in declared)


@pytest.mark.parametrize(
    ("name", "kind"), [("python", Python), ("Python", Python), ("bash", Bash), ("brainfuck", Language), ("", Language)]
)
def test_a_language_is_found_by_its_name_however_it_is_written(name: str, kind: type[Language]) -> None:
    assert type(language_for(name)) is kind
    assert language_for(name).name == name


def test_a_language_of_somebody_elses_is_found_by_its_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    points = EntryPoints([EntryPoint(name="cobol", value="beaker.languages.bash:Bash", group=GROUP)])
    monkeypatch.setattr("importlib.metadata.entry_points", lambda group: points.select(group=group))
    assert type(language_for("COBOL")) is Bash


def test_a_language_of_which_nothing_is_known_still_says_so() -> None:
    unknown = Language("cobol")
    assert (unknown.answers, unknown.glances, unknown.quote(1), unknown.comment("x"), list(unknown.assigned("x = 1"))) == (
        "none",
        False,
        None,
        None,
        [],
    )
