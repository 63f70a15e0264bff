"""`get_subkernel_state` and `kernel_state_info`: what the session holds, in the tree that upstream's clients draw."""

import msgspec

from beaker.kernel.custom.replies import Ok
from beaker.messages.turn import Variable, Variables

MIME = "x-application/beaker-subkernel-state"

_FUNCTIONS = frozenset({"function", "builtin_function_or_method", "method", "ufunc", "closure", "partial"})
_CLASSES = frozenset({"type", "ABCMeta", "EnumType", "DataType"})


class Node(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the tree, as upstream's clients draw it."""

    label: str
    children: list["Node"] = []


class SessionState(msgspec.Struct, frozen=True, kw_only=True):
    """What the session holds, by kind; each by its name."""

    modules: dict[str, Node]
    variables: dict[str, Node]
    functions: dict[str, Node]
    classes: dict[str, Node]


class StateReply(Ok, frozen=True, kw_only=True):
    """`get_subkernel_state_reply`."""

    variables: list[Variable]
    """Everything that was seen, with types and short values."""
    note: str
    """What limits this look: its age, or what is missing. Empty if nothing does."""
    returned: SessionState = msgspec.field(name="return")


def session_state(seen: Variables) -> SessionState:
    """Sort what was seen by kind."""
    state = SessionState(modules={}, variables={}, functions={}, classes={})
    for variable in seen.variables:
        match variable.type:
            case "module":
                kind = state.modules
            case name if name in _FUNCTIONS:
                kind = state.functions
            case name if name in _CLASSES:
                kind = state.classes
            case _:
                kind = state.variables
        kind[variable.name] = _node(variable)
    return state


def state_reply(seen: Variables) -> StateReply:
    """The content of `get_subkernel_state_reply`."""
    return StateReply(variables=seen.variables, note=seen.note, returned=session_state(seen))


def state_info(state: SessionState) -> dict[str, dict[str, SessionState]]:
    """The content of `kernel_state_info`."""
    return {MIME: {"application/json": state}}


def _node(variable: Variable) -> Node:
    shown = [Node(label=variable.summary)] if variable.summary else []
    return Node(label=f"{variable.name} ({variable.type})" if variable.type else variable.name, children=shown)
