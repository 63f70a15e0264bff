"""The gateway's entry in a checkout: `python gateway.py --workers 2`. Installed, it is the console script `beaker-gateway`.

It serves Jupyter's REST and websocket interfaces for whatever interface connects; `--help` is its manual. What it does stands
in `actors/guardian/`; here only the names `beaker` and `actors` are settled, by the `beaker_kernel.py` that lies beside this file,
whatever else is installed or lies in the folder that it is started in.
"""

import os
import sys

# Started as a script we have our own folder in front, which processes that we start have not.
_PATH = sys.path[1:] if __name__ == "__main__" and not sys.flags.safe_path else sys.path[:]
sys.path[:] = [os.path.dirname(os.path.abspath(__file__))]
import beaker_kernel  # noqa: E402 -- it imports what is imported already, and nothing else

sys.path[:] = _PATH


def main() -> int:
    """Runs a gateway and returns its exit status."""
    return beaker_kernel.gateway()


if __name__ == "__main__":
    sys.exit(main())
