"""The types of the requests that are ours. The two edges look here for each request, so nothing else stands in this file."""

OURS = frozenset({"llm_request"})
"""On shell and on control. Upstream's clients send some without `_request` at their end."""
