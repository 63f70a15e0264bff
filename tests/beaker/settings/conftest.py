"""Where the tests of this folder write settings."""

from pathlib import Path

import pytest

from tests.beaker.settings.place import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A home and a folder, empty."""
    (tmp_path / "home/.config/beaker").mkdir(parents=True)
    (tmp_path / "nb").mkdir()
    return Place(tmp_path / "home", tmp_path / "nb")
