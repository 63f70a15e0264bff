"""A user's home and a notebook's folder, in which settings are written."""

from pathlib import Path
from typing import NamedTuple

from beaker.settings.load import Loaded
from tests.kit.settings import load_all


class Place(NamedTuple):
    """A user's home and a notebook's folder."""

    home: Path
    folder: Path

    def write_user(self, text: str) -> None:
        """The user's own beaker.toml."""
        self.user_file.write_text(text)

    def write_folder(self, text: str) -> None:
        """The beaker.toml beside the notebook."""
        (self.folder / "beaker.toml").write_text(text)

    def write_env(self, text: str) -> None:
        """The `.env` beside the notebook."""
        (self.folder / ".env").write_text(text)

    @property
    def user_file(self) -> Path:
        """The path of the user's own beaker.toml."""
        return self.home / ".config/beaker/beaker.toml"

    def load(self, **variables: str) -> Loaded:
        """What holds for a kernel in that folder."""
        return load_all({"HOME": str(self.home), **variables}, folder=self.folder)
