"""The page about the gateway promises nothing that is not there; `tests/packaging/test_deployment.py` holds it against the settings."""

from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs/gateway.md"


def test_the_web_notebook_that_is_not_there_yet_is_not_promised() -> None:
    (row,) = [line for line in PAGE.read_text().splitlines() if line.startswith("| `ui`")]
    assert "not part of this version" in row
