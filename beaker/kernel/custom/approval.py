"""`approval_request` and `approval_response`: consent by message, and what is wrong with an answer."""

from collections.abc import Mapping

import msgspec

from beaker.errors import unknown_name
from beaker.kernel.commands.command import Refused
from beaker.kernel.custom.reading import read
from beaker.kernel.custom.replies import Ok
from beaker.messages.consent import Decision, Kind

MSG_TYPE = "approval_response"
LATER = "later"
DECISIONS: tuple[Decision, ...] = ("allow", "always", "reject", "edit")
CODE_CHOICES = (*DECISIONS, LATER)
OTHER_CHOICES = ("allow", "reject", LATER)
"""Where there is no code that could be edited, or allowed for always."""


class ApprovalRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`approval_request`: the model wants something done that the user must allow. Nothing is done until she does."""

    approval_id: str
    """As `%beaker allow` takes it: `A3`."""
    turn: int
    kind: Kind
    """`code`, or `interrupt` or `restart` of the session."""
    code: str
    """The exact text; empty unless the kind is `code`."""
    language: str
    reason: str
    """Why she should look twice; empty if there is no special reason."""
    choices: tuple[str, ...]
    """What `decision` may be."""
    session: str
    """The client session that is asked: only its answer is taken."""


class ApprovalResponse(msgspec.Struct, frozen=True, kw_only=True):
    """The content of `approval_response`."""

    approval_id: str
    decision: str
    """allow: run it; always: and ask no more for harmless code; edit: run `code` instead; reject; later: let it wait."""
    code: str | None = None
    """For `edit`: what runs instead."""


class ApprovalReply(Ok, frozen=True, kw_only=True):
    """`approval_reply`: the answer was taken."""

    approval_id: str
    decision: str


class ChildCodeCell(msgspec.Struct, frozen=True, kw_only=True):
    """`add_child_codecell`: code of the model runs now, allowed by the user or by the mode."""

    turn: int
    language: str
    code: str
    execute_request_msg: Mapping[str, object]
    """The request as it was sent to the subkernel. Status, input and outputs follow on iopub with its header as parent."""
    action: str = "code_cell"
    autoexecute: bool = True
    """It runs already."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a client decided."""

    approval_id: str
    decision: Decision | None
    """None for later."""
    code: str
    """For `edit`, else empty."""


def read_approval_response(content: bytes) -> Answer | Refused:
    """What was decided, or why that cannot be told."""
    found = read(content, ApprovalResponse, msg_type=MSG_TYPE)
    if isinstance(found, Refused):
        return found
    decision: Decision | None = next((known for known in DECISIONS if known == found.decision), None)
    if decision is None and found.decision != LATER:
        return Refused(reason=unknown_name("a decision of approval_response", found.decision, CODE_CHOICES))
    code = found.code or ""
    if decision == "edit" and not code.strip():
        return Refused(reason="`edit` needs the code that is to run instead, in `code` of approval_response.")
    return Answer(approval_id=found.approval_id, decision=decision, code=code if decision == "edit" else "")
