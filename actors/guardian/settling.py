"""The first thing that the guardian does: take what is secret out of its environment and its command line.

The model's key goes the way it goes in a kernel process (`actors.roles.settling`): into sealed memory, and the process replaces
itself. The token goes with it, from BEAKER_GATEWAY_TOKEN or `--token`: what stands in a command line can be read by every user
of the machine for as long as the process lives. Imports as little as that module does.
"""

import os
import sys
from typing import TYPE_CHECKING, NamedTuple

from actors.roles.key_doors import DOORS
from actors.roles.settling import OPTION, Settled, seal_key
from actors.roles.settling import settle as settle_key
from actors.runtime.prctl import become_undumpable
from actors.runtime.sealed import read_sealed, seal
from beaker.settings.key import FoundKey, environment_words, find_key
from beaker.settings.key_wishes import TOKEN_VARIABLE

if TYPE_CHECKING:
    from actors.runtime.fingerprint import Fingerprint

TOKEN_OPTION = "--token-fd="
PRINTED_LENGTH = 12
"""Shorter ones are made up for servers of models that want none, as "ollama", and are words that stand in paths: no variable that
holds one is kept from cells, and whoever has a print of one could try all that it may be."""
_ARGUMENT = "--token"


class Secrets(NamedTuple):
    """What was found."""

    key: Settled = Settled()
    """Of the model's key."""
    token: str | None = None
    """From the environment or the command line; empty only where the command line says so."""
    token_was_shown: bool = False
    """It stood in the command line."""
    key_print: "Fingerprint | None" = None
    """By which the model's key is known again without having it; None: there is none, or one that cells may have."""


def settle(argv: list[str]) -> Secrets:
    """Find key and token, or learn from the image before this one what it found. May replace this process.

    Args:
        argv: without the program's name; what is secret in it, and our own options, are removed.
    """
    if any(word.startswith(TOKEN_OPTION) for word in argv):
        become_undumpable()
        return _take_over(argv)
    words, given = _without_token(argv)
    environment = dict(os.environ)
    token, shown = (given, True) if given is not None else (environment.pop(TOKEN_VARIABLE, "").strip() or None, False)
    environment.pop(TOKEN_VARIABLE, None)
    # No folder has a word in what the gateway does, so none is looked into for a key either.
    found, problems = find_key(environment, None, DOORS)
    if found is None and token is None and TOKEN_VARIABLE not in os.environ:
        become_undumpable()
        return Secrets(Settled(problems=tuple(problems)))
    if found is not None:
        environment.pop(found.variable, None)
        words.append(f"{OPTION}{_inherited(seal_key(found, problems=problems))}")
    content = "\0".join((token or "", "shown" if shown else "", _print_words(found), *problems)).encode("utf-8", "surrogateescape")
    sealed = _inherited(seal(content, name="beaker-token"))
    before = sys.orig_argv[1 : len(sys.orig_argv) - len(argv)]
    os.execve(sys.executable, [sys.executable, *before, *words, f"{TOKEN_OPTION}{sealed}"], environment)
    raise AssertionError("an image that was replaced does not go on")


def _inherited(descriptor: int) -> int:
    os.set_inheritable(descriptor, True)
    return descriptor


def _take_over(argv: list[str]) -> Secrets:
    key = settle_key(argv) if any(word.startswith(OPTION) for word in argv) else None
    position = next(position for position, word in enumerate(argv) if word.startswith(TOKEN_OPTION))
    descriptor = int(argv.pop(position).removeprefix(TOKEN_OPTION))
    token, shown, key_print, *problems = read_sealed(descriptor).decode("utf-8", "surrogateescape").split("\0")
    os.close(descriptor)
    # An empty one of the environment was taken away; in the command line it was meant, by a script whose variable is empty.
    return Secrets(key or Settled(problems=tuple(problems)), token if shown else token or None, bool(shown), _read_print(key_print))


def _print_words(found: FoundKey | None) -> str:
    """The print of a key: made here, where the key is known, so that no image that lasts has to read it."""
    if found is None or len(found.value) < PRINTED_LENGTH:
        return ""
    if not found.variable and found.facts.origin == environment_words(found.facts.name):
        return ""  # the user gives it to her cells
    import msgspec

    from actors.runtime.fingerprint import fingerprint

    made = fingerprint(found.value)
    return "" if made is None else msgspec.msgpack.encode(made).hex()


def _read_print(words: str) -> "Fingerprint | None":
    if not words:
        return None
    import msgspec

    from actors.runtime.fingerprint import Fingerprint

    return msgspec.msgpack.decode(bytes.fromhex(words), type=Fingerprint)


def _without_token(argv: list[str]) -> tuple[list[str], str | None]:
    """The words without `--token X`, and X; without a value it stays, for whoever complains of it."""
    words, token, at = list[str](), None, 0
    while at < len(argv):
        if argv[at].startswith(f"{_ARGUMENT}="):
            token = argv[at].partition("=")[2]
        elif argv[at] == _ARGUMENT and at + 1 < len(argv):
            at += 1
            token = argv[at]
        else:
            words.append(argv[at])
        at += 1
    return words, token
