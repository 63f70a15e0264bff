"""Settings of a test, with the key looked for as the entry of a kernel does."""

import os
from collections.abc import Mapping
from pathlib import Path

from beaker.settings.key import find_key
from beaker.settings.load import Loaded, load


def load_all(environment: Mapping[str, str], *, folder: Path | str | None) -> Loaded:
    """Look for the key, then load the settings."""
    key, problems = find_key(environment, None if folder is None else os.fspath(folder))
    return load(environment, folder=folder, key=key and key.facts, key_problems=problems)
