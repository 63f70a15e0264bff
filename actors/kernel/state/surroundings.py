"""Where a kernel lives: its environment and the notebook's folder.

A kernel process has those of the process. A kernel host holds many kernels, each with its own; so whatever of the KernelActor needs
them asks here and never the process.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Of one kernel."""

    environment: Mapping[str, str]
    """The variables by which its settings were read."""
    folder: Callable[[], str]
    """The notebook's; a place where nothing is if there is none."""
    not_saving: Callable[[], str] = str
    """Why a gateway writes down nothing of its kernels at the moment; empty: it does, or there is none."""


def of_this_process() -> Surroundings:
    """Those of a kernel that has a process for itself."""
    return Surroundings(os.environ, _here)


def _here() -> str:
    """Where this process was started, wherever that has been moved since."""
    try:
        return os.getcwd()
    except OSError:
        return os.devnull
