"""What questions may cost: tokens of one question, tokens and money of the session.

Counted is what the endpoint counts (`beaker.agent.usage`); one that counts nothing is bounded by the steps and the time of a turn.
Steps, repairs and time are limits of the turn itself, see `TurnLimits` and `RunLimits`.
"""

import msgspec

from beaker.agent.usage import Usage


class Spent(msgspec.Struct, frozen=True, kw_only=True):
    """What was used so far."""

    tokens: int = 0
    """In and out, what was cached included."""
    cost_usd: float = 0.0
    """As far as the endpoint names prices."""

    def __add__(self, usage: Usage) -> "Spent":
        """With another call."""
        return Spent(tokens=self.tokens + usage.tokens_in + usage.tokens_out, cost_usd=self.cost_usd + (usage.cost_usd or 0.0))


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """What may be used; no call is begun beyond it."""

    turn_tokens: int = 1_000_000
    session_tokens: int = 10_000_000
    session_cost_usd: float = 20.0


def overspent(budget: Budget, *, turn: Spent, session: Spent) -> str:
    """Say which budget is used up; empty if none is.

    Args:
        turn: by this question.
        session: by the questions before it.

    >>> overspent(Budget(turn_tokens=1_000), turn=Spent(tokens=1_200), session=Spent())
    'This question has used 1200 tokens, and 1000 is the most (agent.turn_token_limit).'
    """
    if turn.tokens >= budget.turn_tokens:
        return f"This question has used {turn.tokens} tokens, and {budget.turn_tokens} is the most (agent.turn_token_limit)."
    if (tokens := turn.tokens + session.tokens) >= budget.session_tokens:
        return f"This session has used {tokens} tokens, and {budget.session_tokens} is the most (agent.session_token_limit)."
    cost = turn.cost_usd + session.cost_usd
    if cost and cost >= budget.session_cost_usd:
        return f"This session has cost ${cost:.2f}, and ${budget.session_cost_usd:.2f} is the most (agent.session_cost_limit_usd)."
    return ""
