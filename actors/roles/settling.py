"""The first thing that a kernel process does: find the model's key and take it out of itself.

The key goes into sealed memory, and the process replaces itself by a fresh image of the same command line, without the
variable that held the key and with the descriptor's number as one more argument. So the key stands neither in the environment
that `/proc` shows nor in freed memory, and the fresh image makes itself unreadable before it does anything else. It keeps the
descriptor for its agents and reads of it only what stands in front of the key: where the key was found, and what was said
on the way. Where no key is found nothing of this happens.

Pid, parent, open descriptors and ignored signals stay the same over such a replacement. Signals that ask a kernel to do something
wait while there is nobody to hear them. Until here only `os`, `sys` and what is as light were imported: whatever a first image
imports is imported twice.
"""

import _signal  # type: ignore[import-not-found]  # what `signal` is made of: that one makes enums for a millisecond; typeshed does not list it
import os
import sys
from typing import NamedTuple

from actors.roles.key_doors import DOORS
from actors.runtime.prctl import become_undumpable
from actors.runtime.sealed import read_sealed, seal
from beaker.settings.key import FoundKey, KeyFacts, find_key

OPTION = "--key-fd="

_HEARD = frozenset({_signal.SIGINT, _signal.SIGTERM, _signal.SIGHUP})
"""What a kernel process listens to."""

_LENGTH_DIGITS = 8
"""In front of everything, in ASCII: the length of what stands in front of the key."""


class Settled(NamedTuple):
    """What is known once the key is settled."""

    facts: KeyFacts | None = None
    """Of the key; None: there is none."""
    descriptor: int | None = None
    """Where it is sealed; to be handed to agents."""
    problems: tuple[str, ...] = ()
    """What was said while it was looked for."""


def settle(argv: list[str]) -> Settled:
    """Find the key, or learn from the image before this one what it found. May replace this process.

    Args:
        argv: of the kernel, without the program's name; our own option is removed from it.
    """
    for position, word in enumerate(argv):
        if word.startswith(OPTION):
            become_undumpable()
            del argv[position]
            return _take_over(int(word.removeprefix(OPTION)))
    _ignore_interrupts()
    found, problems = find_key(os.environ, _here(), DOORS)
    if found is None:
        return Settled(problems=tuple(problems))
    _replace(found, problems)
    raise AssertionError("an image that was replaced does not go on")


def read_key(descriptor: int) -> str:
    """The key itself: for agents, and for nobody else."""
    begin = _LENGTH_DIGITS + _front_length(descriptor)
    return read_sealed(descriptor, begin).decode()


def seal_key(found: FoundKey, *, problems: list[str], waiting: str = "") -> int:
    """Put a key away, behind what the kernel process may read.

    Args:
        found: the key.
        problems: what was said while it was looked for.
        waiting: the signals that are held back over the replacement.
    """
    front = "\0".join((*found.facts, waiting, *problems)).encode("utf-8", "surrogateescape")
    return seal(str(len(front)).zfill(_LENGTH_DIGITS).encode() + front + found.value.encode(), name="beaker-key")


def _replace(found: FoundKey, problems: list[str]) -> None:
    environment = {name: value for name, value in os.environ.items() if name != found.variable}
    waiting = _HEARD - _signal.pthread_sigmask(_signal.SIG_BLOCK, _HEARD)
    descriptor = seal_key(found, problems=problems, waiting=" ".join(str(int(number)) for number in waiting))
    os.set_inheritable(descriptor, True)
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:], f"{OPTION}{descriptor}"], environment)


def _take_over(descriptor: int) -> Settled:
    os.set_inheritable(descriptor, False)
    front = read_sealed(descriptor, _LENGTH_DIGITS, _front_length(descriptor)).decode("utf-8", "surrogateescape")
    name, origin, ground, waiting, *problems = front.split("\0")
    _ignore_interrupts()
    _signal.pthread_sigmask(_signal.SIG_UNBLOCK, {int(number) for number in waiting.split()})
    return Settled(KeyFacts(name, origin, ground), descriptor, tuple(problems))


def _front_length(descriptor: int) -> int:
    return int(read_sealed(descriptor, 0, _LENGTH_DIGITS))


def _ignore_interrupts() -> None:
    """Interrupts that arrive before the loop is there are for nobody; a handler, because a subkernel would inherit an ignored signal."""
    _signal.signal(_signal.SIGINT, lambda *_: None)


def _here() -> str | None:
    try:
        return os.getcwd()
    except FileNotFoundError:
        return None
