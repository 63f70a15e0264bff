"""The command line of a kernel, as clients really write it.

VS Code cuts `-f FILE` out of the kernelspec's argv and appends `--f=FILE`, quoted if the path has a space, beside `--ip=`,
`--stdin=`, `--Session.key=` and others that repeat the file's content; `jupyter run` leaves the script's name in it. ipykernel ignores
what it does not know, and so do we where it carries a value or is a plain word. Other options are refused with the valid ones.
"""

from typing import NamedTuple

from beaker.errors import BeakerError

VALID = "-f FILE (or --f=FILE, --connection-file FILE), --subkernel NAME"

_FILE_OPTIONS = frozenset({"-f", "--f", "--connection-file", "--connection_file"})
_FLAGS = frozenset({"--debug", "--quiet", "--no-secure", "--matplotlib", "--pylab"})
"""Flags without a value that ipykernel takes; they say nothing to us."""


class ArgumentError(BeakerError):
    """A command line that cannot be used; the sentence names the word and the valid options."""


class KernelArguments(NamedTuple):
    """What a kernel is started with."""

    connection_file: str
    subkernel: str | None


def parse(argv: list[str]) -> KernelArguments:
    """Read the command line.

    Args:
        argv: without the program's name.

    Raises:
        ArgumentError: no connection file, an option without its value, a word that is no option.
    """
    connection_file: str | None = None
    subkernel: str | None = None
    words = iter(argv)
    for word in words:
        name, equals, value = word.partition("=")
        if name in _FILE_OPTIONS or name == "--subkernel":
            if not equals:
                value = next(words, "")
            value = _unquoted(value)
            if not value:
                raise ArgumentError(f"{name} needs a value; valid options are {VALID}")
            if name == "--subkernel":
                subkernel = value
            else:
                connection_file = value
        elif word.startswith("-") and not (name.startswith("--") and equals) and name not in _FLAGS:
            raise ArgumentError(f"{word!r} is not an option of the beaker kernel; valid options are {VALID}")
    if connection_file is None:
        raise ArgumentError(
            f"no connection file was given; a Jupyter client starts the kernel with -f FILE; valid options are {VALID}, "
            "and the one command is `python -m beaker_kernel install`"
        )
    return KernelArguments(connection_file, subkernel)


def _unquoted(value: str) -> str:
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return value
