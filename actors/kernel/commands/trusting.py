"""Gathers what `%beaker trust` tells, and records what the user then says."""

import hmac
import os
from collections.abc import Mapping

from actors.kernel.channels.own_cell import OwnCell
from beaker.kernel.commands.command import Order
from beaker.kernel.commands.trust import GiveTrust, ShowTrust, TakeTrustBack, TrustFacts, given_words, taken_words, trust_words
from beaker.settings.load import Loaded, load
from beaker.settings.trust_store import files_in, fingerprint, forget, record

CODE_DIGITS = 6
"""Enough that no cell of a notebook guesses it, few enough to be typed."""


class Trusting:
    """The trust in one notebook's folder.

    Args:
        loaded: the settings of this kernel.
        environment: of this kernel.
    """

    def __init__(self, loaded: Loaded, environment: Mapping[str, str]) -> None:
        self._loaded = loaded
        self._environment = environment
        self._secret = os.urandom(16)

    def perform(self, cell: OwnCell, order: Order) -> None:
        """Do what the command says."""
        folder = self._loaded.folder
        match order:
            case ShowTrust():
                cell.show(trust_words(self.facts()))
            case GiveTrust(code=code):
                self._give(cell, code)
            case TakeTrustBack():
                cell.show(taken_words(folder, was_trusted=bool(folder) and forget(self._environment, folder)))
            case _:
                raise AssertionError(f"{type(order).__name__} is not about trust")

    def facts(self) -> TrustFacts:
        """Read the folder's files as they are now."""
        folder = self._loaded.folder
        where = folder or None
        recorded = load(self._environment, folder=where, key=self._loaded.key)
        trust = recorded.trust
        return TrustFacts(
            folder=folder,
            files=files_in(folder) if folder else [],
            trust=trust,
            now=load(self._environment, folder=None if trust == "full" else where, key=self._loaded.key, said=False),
            then=load(self._environment, folder=where, key=self._loaded.key, said=True),
            code=self._code(),
        )

    def _give(self, cell: OwnCell, code: str) -> None:
        folder = self._loaded.folder
        seen = fingerprint(folder) if folder else ""
        if not folder or not hmac.compare_digest(code.encode(), self._code_for(seen).encode()):
            cell.fail("UsageError", "that is no code for these files as they are now; `%beaker trust` shows them, with their code")
            return
        try:
            record(self._environment, folder, seen)
        except OSError as error:
            cell.fail("UsageError", f"the trust could not be recorded: {error}")
            return
        cell.show(given_words(folder))

    def _code(self) -> str:
        folder = self._loaded.folder
        return self._code_for(fingerprint(folder)) if folder else ""

    def _code_for(self, seen: str) -> str:
        return hmac.digest(self._secret, f"{self._loaded.folder}\0{seen}".encode("utf-8", "surrogateescape"), "sha256").hex()[:CODE_DIGITS]
