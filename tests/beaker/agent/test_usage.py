"""Usage as endpoints send it, in all their ways."""

import pytest

from beaker.agent.usage import MOST_TOKENS, Usage, read_usage


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({"prompt_tokens": 9, "completion_tokens": 3}, Usage(tokens_in=9, tokens_cached=0, tokens_out=3)),
        ({"prompt_tokens": 9, "prompt_tokens_details": None}, Usage(tokens_in=9, tokens_cached=0, tokens_out=0)),
        ({"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 4}}, Usage(tokens_in=9, tokens_cached=4, tokens_out=0)),
        ({"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": None}}, Usage(tokens_in=9, tokens_cached=0, tokens_out=0)),
        ({"prompt_tokens": 9, "prompt_tokens_details": "none"}, Usage(tokens_in=9, tokens_cached=0, tokens_out=0)),
        ({"prompt_tokens": 9, "cost": 0.0125}, Usage(tokens_in=9, tokens_cached=0, tokens_out=0, cost_usd=0.0125)),
        ({"prompt_tokens": 9, "cost": 0}, Usage(tokens_in=9, tokens_cached=0, tokens_out=0, cost_usd=0.0)),
        ({"prompt_tokens": 9, "cost": "free"}, Usage(tokens_in=9, tokens_cached=0, tokens_out=0)),
        ({"prompt_tokens": 9, "cost": True}, Usage(tokens_in=9, tokens_cached=0, tokens_out=0)),
        ({"prompt_tokens": -9, "completion_tokens": -3}, Usage(tokens_in=0, tokens_cached=0, tokens_out=0)),
        ({"prompt_tokens": 2**70, "completion_tokens": 3}, None),
        ({"prompt_tokens": 9, "completion_tokens": 2**70}, None),
        (
            {"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 2**70}},
            Usage(tokens_in=9, tokens_cached=MOST_TOKENS, tokens_out=0),
        ),
        ({"prompt_tokens": 9, "cost": float("nan")}, Usage(tokens_in=9, tokens_cached=0, tokens_out=0)),
        ({"prompt_tokens": 9, "cost": -1.0}, Usage(tokens_in=9, tokens_cached=0, tokens_out=0)),
        ({"prompt_tokens": 9, "cost": 10**400}, Usage(tokens_in=9, tokens_cached=0, tokens_out=0)),
        (None, None),
        ({}, None),
        ({"prompt_tokens": None}, None),
        ([9, 3], None),
    ],
)
def test_what_counts_is_read_and_the_rest_is_none(document: object, expected: Usage | None) -> None:
    assert read_usage(document) == expected
