"""Restart intensity of one subkernel as a value: how often it was started again lately, and whether once more is allowed.

A frozen value and not a counter object, because it is part of the state that `lifecycle.step` maps to the next one.
"""

import msgspec


class RestartIntensity(msgspec.Struct, frozen=True):
    """At most `limit` restarts within any `window_s` seconds; the user's own restarts begin the count anew."""

    limit: int = 5
    window_s: float = 30.0
    restarts: tuple[float, ...] = ()
    """When the restarts that still count took place, monotonic seconds."""

    def after_restart(self, now: float) -> "RestartIntensity | None":
        """The intensity with one more restart at `now`; None where that is one too many.

        Example:
            >>> once = RestartIntensity(limit=1, window_s=10.0).after_restart(0.0)
            >>> once.after_restart(5.0), once.after_restart(11.0).restarts
            (None, (11.0,))
        """
        counted = tuple(at for at in self.restarts if now - at <= self.window_s)
        if len(counted) >= self.limit:
            return None
        return msgspec.structs.replace(self, restarts=(*counted, now))

    def forgotten(self) -> "RestartIntensity":
        """The intensity with no restart counted."""
        return msgspec.structs.replace(self, restarts=())
