"""Every message of our own: its type, who sends it on which channel, and the Struct of its content.

For the documentation and the test that freezes the schemas; nothing at run time looks here.
"""

from typing import Literal, NamedTuple

from beaker.kernel.custom import approval, history, news, question, replies, session, session_state

Way = Literal["to the kernel, shell or control", "to the client, on the request's channel", "to all clients, iopub"]

ASKED: Way = "to the kernel, shell or control"
REPLIED: Way = "to the client, on the request's channel"
PUBLISHED: Way = "to all clients, iopub"


class Entry(NamedTuple):
    """One type of message."""

    msg_type: str
    way: Way
    content: object
    """A Struct, or a type that msgspec makes a schema of."""


CATALOGUE = (
    Entry("llm_request", ASKED, question.LlmRequest),
    Entry("llm_reply", REPLIED, replies.LlmReply),
    Entry("llm_waiting", PUBLISHED, news.LlmWaiting),
    Entry("llm_delta", PUBLISHED, news.LlmDelta),
    Entry("llm_thought", PUBLISHED, news.LlmThought),
    Entry("llm_tool_call", PUBLISHED, news.LlmToolCall),
    Entry("llm_tool_result", PUBLISHED, news.LlmToolResult),
    Entry("llm_usage", PUBLISHED, news.LlmUsage),
    Entry("approval_request", PUBLISHED, approval.ApprovalRequest),
    Entry("approval_response", ASKED, approval.ApprovalResponse),
    Entry("approval_reply", REPLIED, approval.ApprovalReply),
    Entry("add_child_codecell", PUBLISHED, approval.ChildCodeCell),
    Entry("code_cell", PUBLISHED, news.CodeCell),
    Entry("llm_response", PUBLISHED, news.LlmResponse),
    Entry("get_agent_history_reply", REPLIED, history.HistoryReply),
    Entry("chat_history", PUBLISHED, history.ChatHistory),
    Entry("reset_reply", REPLIED, history.ResetReply),
    Entry("get_subkernel_state_reply", REPLIED, session_state.StateReply),
    Entry("kernel_state_info", PUBLISHED, dict[str, dict[str, session_state.SessionState]]),
    Entry("get_subkernel_state_response", PUBLISHED, session_state.SessionState),
    Entry("context_info_reply", REPLIED, session.ContextReply),
    Entry("context_info_response", PUBLISHED, session.ContextInfo),
    Entry("context_setup_request", ASKED, session.ContextSetup),
    Entry("context_setup_reply", REPLIED, session.ContextReply),
    Entry("context_setup_response", PUBLISHED, session.SessionInfo),
    Entry("preview", PUBLISHED, dict[str, dict[str, dict[str, str]]]),
    Entry("set_agent_model", ASKED, session.SetAgentModel),
    Entry("set_agent_model_reply", REPLIED, session.SetModelReply),
    Entry("any reply: error", REPLIED, replies.Failed),
    Entry("any reply: aborted", REPLIED, replies.Aborted),
)
