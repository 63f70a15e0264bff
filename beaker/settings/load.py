"""Settings as they hold for one kernel, or for the gateway: gathered from their places, with where each came from and what was not used.

Each place overrides the ones before it: defaults, the user's beaker.toml, the beaker.toml of the notebook's folder, the `.env`
file, environment variables, the command line. The two in the folder are believed as far as `beaker.settings.trust` says.
A mistake costs that one setting and becomes a sentence in `problems`: nothing raises, because a kernel that does not start is
the worst place to read about a typo.
"""

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from beaker.settings.gathering import Gathering
from beaker.settings.key import KeyFacts, environment_words
from beaker.settings.key_wishes import USERS_OWN
from beaker.settings.origin import Origin
from beaker.settings.schema import GATEWAY, Settings
from beaker.settings.shown import one_line
from beaker.settings.trust import Trust, user_file

if TYPE_CHECKING:
    from pathlib import Path


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of one kernel, and how they came about."""

    settings: Settings
    """What holds."""
    origins: dict[str, Origin]
    """For every setting, by `section.name`, in the order of `setting_names`."""
    gateway_origins: dict[str, Origin] = {}
    """The same for the settings of the gateway."""
    problems: list[str]
    """Sentences for the user: each names the place, the setting and what would be right. Without secrets."""
    gateway_problems: list[str] = []
    """Those of them that are about settings of the gateway, from places that may set them."""
    key: KeyFacts | None = None
    """What may be known of the model's key; None: there is none. The key itself is not here."""
    key_missed: str = ""
    """Where there is no key: why a place that the user named gives none; a sentence, or empty."""
    user_file: str = ""
    """Path of the user's own beaker.toml, whether it exists or not."""
    folder: str = ""
    """The notebook's; empty: there is none."""
    trust: Trust = "none"
    """In the files of that folder."""

    @property
    def key_origin(self) -> str:
        """Where the model's key was found, in words; empty: there is none."""
        return "" if self.key is None else self.key.origin

    @property
    def withheld(self) -> str:
        """The variable that cells do not get; empty: they get all of them."""
        key = self.key
        taken = key is not None and key.origin == environment_words(key.name) and key.name not in self.settings.subkernel.keep_env
        return key.name if key is not None and taken else ""

    @property
    def endpoint_ground(self) -> str:
        """Whose word `agent.base_url` is: USERS_OWN, or the folder in whose file it stands."""
        return self.folder if self.origins["agent.base_url"].of_folder else USERS_OWN


def load(
    environment: Mapping[str, str],
    *,
    folder: "Path | str | None",
    command_line: Mapping[str, str] | None = None,
    key: KeyFacts | None = None,
    key_problems: Sequence[str] = (),
    said: bool | None = None,
) -> Loaded:
    """Gather the settings.

    Args:
        environment: the variables of this process.
        folder: the notebook's; None: there is none, and no file of it is read.
        command_line: settings given as options, by `section.name`.
        key: what is known of the model's key, which was looked for before anything else: see `beaker.settings.key`.
        key_problems: what was said while it was looked for.
        said: how it would be if `%beaker trust` held for the folder, or did not; None: as it is recorded.
    """
    where = None if folder is None else os.fspath(folder)
    gathering = Gathering(environment, where, has_key=key is not None, said=said)
    gathering.read_user_file()
    gathering.settle_trust()
    gathering.read_folder_file()
    gathering.read_env_file()
    gathering.read_variables()
    for name, text in (command_line or {}).items():
        gathering.take(name, text, Origin(kind="command line"), is_text=True)
    gathering.problems += key_problems
    origins = gathering.origins()
    return Loaded(
        settings=gathering.settings(),
        origins={name: origin for name, origin in origins.items() if not name.startswith(GATEWAY)},
        gateway_origins={name: origin for name, origin in origins.items() if name.startswith(GATEWAY)},
        problems=[one_line(sentence) for sentence in gathering.problems],
        gateway_problems=[one_line(sentence) for sentence in gathering.gateway_problems],
        key=key,
        key_missed=one_line(next(iter([*gathering.missed, *key_problems]), "")) if key is None else "",
        user_file=user_file(environment),
        folder=where or "",
        trust=gathering.trust,
    )
