"""What questions took and may take, as `%beaker status` and `%beaker model` show it."""

import msgspec

from beaker.kernel.tally import Count, Tally


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """The budgets of `agent` in the settings."""

    turn_tokens: int
    session_tokens: int
    session_usd: float


def usage_words(tally: Tally) -> str:
    """What was used, in a line; empty where no endpoint has counted anything."""
    if not tally.turn:
        return ""
    last = f"question {tally.turn}: {_count(tally.last)}"
    window = f"after it {tally.context:,} tokens of the model's context window were full"
    everything = "" if tally.total == tally.last else f"all questions: {_count(tally.total)}"
    return "; ".join(each for each in (last, window, everything) if each)


def budget_words(tally: Tally, limits: Limits) -> str:
    """How much of the budgets that is; empty where nothing is counted."""
    if not tally.turn:
        return ""
    parts = [
        _part(f"question {tally.turn}: {tally.last.tokens:,}", tally.last.tokens, limits.turn_tokens, "agent.turn_token_limit"),
        _part(f"session: {tally.total.tokens:,}", tally.total.tokens, limits.session_tokens, "agent.session_token_limit"),
    ]
    if tally.total.priced and limits.session_usd:
        share = f"{100 * tally.total.cost_usd / limits.session_usd:.0f} %"
        parts.append(f"{_usd(tally.total.cost_usd)} of ${limits.session_usd:,.2f}, {share} (agent.session_cost_limit_usd)")
    return "; ".join(parts)


def _part(used: str, tokens: int, limit: int, name: str) -> str:
    return f"{used} of {limit:,} tokens, {100 * tokens / limit:.0f} % ({name})"


def _count(count: Count) -> str:
    cached = f" ({count.tokens_cached:,} cached)" if count.tokens_cached else ""
    words = f"{count.tokens_in:,} tokens in{cached}, {count.tokens_out:,} out"
    if count.priced == count.calls:
        return f"{words}, {_usd(count.cost_usd)}"
    # A sum that leaves calls out is told as one, or not at all.
    return f"{words}, {_usd(count.cost_usd)} for {count.priced} of {count.calls} calls" if count.priced else words


def _usd(cost: float) -> str:
    """Enough digits for cheap calls.

    >>> _usd(12.349), _usd(0.01234), _usd(0.0)
    ('$12.35', '$0.0123', '$0.0000')
    """
    return f"${cost:,.2f}" if cost >= 1 else f"${cost:.4f}"
