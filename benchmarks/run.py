"""Prints the budgets of the design that apply, each beside its reference measured in the same run.

    python -P benchmarks/run.py [--quick] [NAME ...]      names: execute streams start memory questions transport death
                                                          gateway

A row says: our figure, the reference's, the value that the budget is about (a ratio, or our figure itself), the budget, and whether it is
held. Rounds of both sides take turns, so that whatever else the machine does falls on both. Run it on a quiet machine.
"""

import argparse
import importlib
import os
import platform
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the checkout: `-P` leaves it out, and it is what is measured

import beaker_kernel  # noqa: F401  # our names are ours from here on

NAMES = ["execute", "streams", "start", "memory", "questions", "transport", "death", "gateway"]


def main() -> int:
    """Measures what is asked for; the exit status counts nothing, since a loaded machine proves nothing."""
    parser = argparse.ArgumentParser(description="Measure the budgets beside bare ipykernel and jupyter_server.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"what to measure: {', '.join(NAMES)}; all if none is given")
    parser.add_argument("--quick", action="store_true", help="few rounds: shows that it works, proves nothing")
    arguments = parser.parse_args()
    for name in arguments.names:
        if name not in NAMES:
            parser.error(f"{name!r} is not measured here; there are: {', '.join(NAMES)}")
    from benchmarks.figures import print_head, print_rows

    # Whoever stops us, `timeout` too, is heard as Ctrl-C is, which ends all that was started. A shell's background jobs do not hear that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))

    load = os.getloadavg()[0]
    print(f"{platform.python_implementation()} {platform.python_version()}, {os.cpu_count()} cores, load {load:.1f}: {' '.join(sys.argv)}")
    if load > 0.5:
        print("This machine is not quiet: ratios hold roughly, absolute times do not.")
    print_head()
    for name in arguments.names or NAMES:
        try:
            print_rows(importlib.import_module(f"benchmarks.{name}").measure(quick=arguments.quick))
        except KeyboardInterrupt:
            print(f"{name}: stopped", flush=True)
            return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
