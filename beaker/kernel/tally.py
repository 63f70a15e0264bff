"""What the questions of one kernel took, as their endpoints counted it; what was not counted is in no sum."""

import msgspec

from beaker.messages.turn import Used


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """Of some model calls."""

    calls: int = 0
    """That were counted."""
    priced: int = 0
    """Those of them that the endpoint named a price for."""
    tokens_in: int = 0
    """What was cached included."""
    tokens_cached: int = 0
    tokens_out: int = 0
    cost_usd: float = 0.0

    @property
    def tokens(self) -> int:
        """What counts against a budget."""
        return self.tokens_in + self.tokens_out

    def __add__(self, other: "Count") -> "Count":
        """Of both."""
        return Count(
            calls=self.calls + other.calls,
            priced=self.priced + other.priced,
            tokens_in=self.tokens_in + other.tokens_in,
            tokens_cached=self.tokens_cached + other.tokens_cached,
            tokens_out=self.tokens_out + other.tokens_out,
            cost_usd=self.cost_usd + other.cost_usd,
        )


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """Of all questions, and of the last one that took anything."""

    total: Count = Count()
    turn: int = 0
    """Its number; 0: none yet."""
    last: Count = Count()
    context: int = 0
    """Tokens of the context window that were full after the last call."""

    def add(self, used: Used) -> "Tally":
        """With another call."""
        call = Count(
            calls=1,
            priced=int(used.cost_usd is not None),
            tokens_in=used.tokens_in,
            tokens_cached=used.tokens_cached,
            tokens_out=used.tokens_out,
            cost_usd=used.cost_usd or 0.0,
        )
        return Tally(
            total=self.total + call,
            turn=used.turn,
            last=self.last + call if used.turn == self.turn else call,
            context=used.tokens_in + used.tokens_out,
        )

    def precede(self, former: "Tally") -> "Tally":
        """With what another process had counted before."""
        newer = self if self.turn else former
        return Tally(total=former.total + self.total, turn=newer.turn, last=newer.last, context=newer.context)
