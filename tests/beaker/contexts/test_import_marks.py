"""A mark stands beside an agent for as long as a context is imported, and tells the next agent who ended it."""

from pathlib import Path

import pytest

from beaker.contexts.import_marks import ImportMarks, forgive


def test_a_context_that_is_imported_leaves_no_mark(tmp_path: Path) -> None:
    with ImportMarks(str(tmp_path)).around("lakes"):
        assert ImportMarks(str(tmp_path)).left_behind == {"lakes"}
    assert ImportMarks(str(tmp_path)).left_behind == frozenset()


@pytest.mark.parametrize("name", ["lakes", "a/b", "..", "müller & co", ""])
def test_one_whose_import_never_came_to_an_end_is_known_until_it_is_forgiven(tmp_path: Path, name: str) -> None:
    hanging = ImportMarks(str(tmp_path)).around(name)
    hanging.__enter__()
    assert ImportMarks(str(tmp_path)).left_behind == {name}
    forgive(str(tmp_path))
    assert ImportMarks(str(tmp_path)).left_behind == frozenset()


def test_an_agent_that_leaves_by_itself_accuses_nobody(tmp_path: Path) -> None:
    marks = ImportMarks(str(tmp_path))
    hanging = marks.around("slow")
    hanging.__enter__()
    marks.close()
    assert ImportMarks(str(tmp_path)).left_behind == frozenset()


def test_without_a_folder_contexts_are_imported_without_marks(tmp_path: Path) -> None:
    gone = str(tmp_path / "gone")
    with ImportMarks(gone).around("lakes"):
        assert ImportMarks(gone).left_behind == frozenset()
    forgive(gone)
