"""The news that an actor or a link is gone, for those who monitor it."""

from typing import Literal

import msgspec


class Down(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was monitored is gone. A monitor outlives restarts: each life's end brings one."""

    kind: Literal["actor", "link"]
    name: str
    """Name of the actor, or of the link."""
    link: str = ""
    """For an actor of another node, the name of the link to it."""
    generation: int = 0
    """The life that ended; 0 if the actor was not there."""
    reason: str = ""
    """A few words: `stopped`, `crashed: ValueError: ...`, `not there`, `link lost`."""
    restarting: bool = False
    """True when the runtime starts the actor again: the same ref will reach the next life."""
