"""The page about the gateway names every setting."""

from pathlib import Path

from beaker.settings.gateway import GatewaySettings

PAGE = Path(__file__).parents[3] / "docs/gateway.md"


def test_the_web_notebook_that_is_not_there_yet_is_not_promised() -> None:
    (row,) = [line for line in PAGE.read_text().splitlines() if line.startswith("| `ui`")]
    assert "not part of this version" in row


def test_every_setting_is_on_the_page() -> None:
    table = "".join(line.split("|")[1] for line in PAGE.read_text().splitlines() if line.startswith("| `"))
    assert [name for name in GatewaySettings.__struct_fields__ if f"`{name}`" not in table] == []
