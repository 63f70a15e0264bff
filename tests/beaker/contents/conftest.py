"""A folder that is served, beside one that is not."""

from pathlib import Path

import pytest
from nbformat.sign import MemorySignatureStore, NotebookNotary

from beaker.contents.paths import Root
from beaker.contents.store import Contents


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What is served; beside it lie a secret and a folder whose name begins alike."""
    served = tmp_path / "test"
    served.mkdir()
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "testtest").mkdir()
    (tmp_path / "testtest/secret.txt").write_text("secret")
    return served


@pytest.fixture
def contents(folder: Path) -> Contents:
    """Its contents, with trust that nobody else has given."""
    notary = NotebookNotary(secret=b"secret", store_factory=MemorySignatureStore)  # type: ignore[no-untyped-call]  # nbformat is untyped
    return Contents(Root(str(folder)), notary)
