"""Where the value of a setting comes from."""

from typing import Literal

import msgspec

Kind = Literal["default", "user file", "folder file", "env file", "environment", "command line"]


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """Where the value of one setting comes from."""

    kind: Kind = "default"
    path: str = ""
    """Of the file, if it is one."""
    name: str = ""
    """The key in the file, or the variable."""
    of_folder: bool = False
    """It is a file of the notebook's folder, not one of the user's own places."""

    @property
    def words(self) -> str:
        """For people: `default`, `/path/beaker.toml: agent.model`, `environment BEAKER_MODEL`."""
        if self.path:
            return f"{self.path}: {self.name}"
        return f"{self.kind} {self.name}".rstrip()
