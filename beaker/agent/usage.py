"""What one model call took, as the endpoint counted it.

We count nothing ourselves: without the model's own tokenizer that would be a guess, and a guess beside a bill misleads.

Source: OpenAI API reference, "Create chat completion", `usage`; OpenRouter adds `cost` in US dollars.
"""

import math

import msgspec

MOST_TOKENS = 2**40
"""Of one call, a million times what any model reads: a larger count is none, and could not be sent on."""


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """One call's count."""

    tokens_in: int
    tokens_cached: int
    tokens_out: int
    cost_usd: float | None = None


class _Details(msgspec.Struct, frozen=True):
    cached_tokens: int | None = None


class _Counted(msgspec.Struct, frozen=True):
    """The field of a chunk; `object` where endpoints differ, because a strange price must not cost the count."""

    prompt_tokens: int
    completion_tokens: int = 0
    prompt_tokens_details: object = None
    cost: object = None


def read_usage(document: object) -> Usage | None:
    """Read the `usage` of a chunk, a JSON object or an object with such attributes; None if it is no count.

    >>> read_usage({"prompt_tokens": 9, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 4}})
    Usage(tokens_in=9, tokens_cached=4, tokens_out=3, cost_usd=None)
    >>> read_usage({"prompt_tokens": "many"}) is None
    True
    """
    if document is None:
        return None
    try:
        counted = msgspec.convert(document, _Counted, from_attributes=True)
    except msgspec.ValidationError:
        return None
    if max(counted.prompt_tokens, counted.completion_tokens) > MOST_TOKENS:
        return None
    try:
        details = msgspec.convert(counted.prompt_tokens_details or {}, _Details, from_attributes=True)
    except msgspec.ValidationError:
        details = _Details()
    return Usage(
        tokens_in=_possible(counted.prompt_tokens),
        tokens_cached=min(_possible(details.cached_tokens or 0), MOST_TOKENS),
        tokens_out=_possible(counted.completion_tokens),
        cost_usd=_price(counted.cost),
    )


def _possible(tokens: int) -> int:
    """A count that never lowers what was used before: budgets add them up."""
    return max(tokens, 0)


def _price(cost: object) -> float | None:
    if not isinstance(cost, (int, float)) or isinstance(cost, bool):
        return None
    try:
        price = float(cost)
    except OverflowError:
        return None
    return price if math.isfinite(price) and price >= 0 else None
