"""A clock on the wall that a test can set, for all processes that are started with its environment."""

import mmap
import struct
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_suffix(".c")


class WallClock:
    """The clock; it shows the true time until it is set.

    Args:
        folder: for the library that stands before the true clock, and for the page by which it is set.
        compiler: a C compiler.
    """

    def __init__(self, folder: Path, compiler: str) -> None:
        library, page = folder / "wall_clock.so", folder / "wall_clock.offset"
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", str(library), str(SOURCE)], check=True)
        page.write_bytes(struct.pack("d", 0.0))
        with page.open("r+b") as file:
            self._page = mmap.mmap(file.fileno(), 8)
        self.environment = {"LD_PRELOAD": str(library), "WALL_CLOCK_OFFSET": str(page)}

    def jump(self, to_s: float) -> None:
        """Set it to so many seconds from the true time."""
        self._page[:] = struct.pack("d", to_s)
