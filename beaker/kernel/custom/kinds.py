"""The types of the requests that are ours. The two edges look here for each request, so nothing else stands in this file."""

OURS = frozenset(
    {
        "llm_request",
        "approval_response",
        "reset_request",
        "context_info_request",
        "context_setup_request",
        *("set_agent_model", "set_agent_model_request"),
        *("get_agent_history", "get_agent_history_request"),
        *("get_subkernel_state", "get_subkernel_state_request"),
    }
)
"""On shell and on control. Upstream's clients send some without `_request` at their end."""
