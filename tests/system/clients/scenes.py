"""What a scene is: a play of requests on one kernel, the same on each."""

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.system.clients.tracing import Player

Play = Callable[[Player], None]


@dataclass
class Scenes:
    """Scenes by their names, which are those of the functions that play them."""

    plays: dict[str, Play] = field(default_factory=dict[str, Play])
    two_threads: set[str] = field(default_factory=set[str])
    """Those with requests that a kernel answers from different threads: only the order within each request is promised."""

    def scene(self, *, two_threads: bool = False) -> Callable[[Play], Play]:
        """Put a scene on the list."""

        def put(play: Play) -> Play:
            name = play.__name__.strip("_").replace("_", " ")
            self.plays[name] = play
            if two_threads:
                self.two_threads.add(name)
            return play

        return put


def gated(name: str, then: str) -> str:
    """A cell that waits for a file of this name in its folder."""
    return f"import pathlib, time\nprint('on', flush=True)\nwhile not pathlib.Path({name!r}).exists(): time.sleep(0.01)\n{then}"


def until_queued(player: Player) -> None:
    """What was sent on shell has reached the kernel behind all relays, as far as one can know: control has been there thrice."""
    for _ in range(3):
        player.settle(player.send("kernel_info_request", {}, on="control"))
