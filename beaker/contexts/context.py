"""What authors of contexts write: a class with a persona, tools, procedures and a preview.

A context is offered as an entry point of the group `beaker_kernel.contexts`; it is imported and made once, in the agent's
process, when it is first chosen or listed. It holds no key and reaches the session only through the `Session` that its
tools and its preview are given.

Example, in a module of a distribution whose `pyproject.toml` has `[project.entry-points."beaker_kernel.contexts"]` with
`lakes = "my_lakes:Lakes"`:

    from beaker_kernel import Context, tool

    class Lakes(Context):
        "Names and depths of lakes."

        persona = "You know the lakes of the north."

        @tool
        def depth(self, lake: str) -> float:
            "Look the greatest depth of a lake up, in metres."
            return {"Inari": 92.0}[lake]
"""

import inspect
from collections.abc import Callable, Sequence
from typing import ClassVar, TypeVar, overload

from beaker.agent.tools.function import FunctionTool
from beaker.agent.tools.session import Session
from beaker.contexts.procedure import Procedure

F = TypeVar("F", bound=Callable[..., object])

TIMEOUT_S = 60.0
"""Of a call, unless its tool says otherwise: a slow service answers within."""

_MARK = "__beaker_tool__"


class Context:
    """A way to work: what the model is told and can do beyond beaker's own tools.

    The docstring's first line is what the list of contexts shows.
    """

    persona: ClassVar[str] = ""
    """Instructions that stand below beaker's own in every question; they cannot take those back."""
    procedures: ClassVar[Sequence[Procedure]] = ()
    """Pieces of code in several languages, offered to the model as tools. They run as all code does: with the user's consent."""

    async def preview(self, session: Session) -> str:
        """Show, as markdown, what this context sees in the session now; the empty text for nothing."""
        del session
        return ""


@overload
def tool(function: F, /) -> F: ...
@overload
def tool(*, name: str | None = None, timeout_s: float = TIMEOUT_S) -> Callable[[F], F]: ...
def tool(function: F | None = None, /, *, name: str | None = None, timeout_s: float = TIMEOUT_S) -> F | Callable[[F], F]:
    """Mark a method of a context as a tool of the model.

    Args:
        function: sync or async. Type hints make the schema of its arguments, the docstring is its description; what it returns
            or raises is told to the model as text.
        name: what the model calls it; the method's own name if left out.
        timeout_s: how long one call may take, the time included in which the user is asked for her consent, if it runs code.
    """

    def mark(function: F) -> F:
        setattr(function, _MARK, (name or function.__name__, timeout_s))
        return function

    return mark if function is None else mark(function)


def tools_of(context: Context) -> list[FunctionTool]:
    """The tools of a context, in the order of their names.

    Raises:
        TypeError: a method cannot be a tool; the sentence says why.
    """
    marked = [(getattr(method, _MARK), method) for _, method in inspect.getmembers(context, callable) if hasattr(method, _MARK)]
    return [FunctionTool(method, name=name, timeout_s=timeout_s) for (name, timeout_s), method in marked]


def summary_of(context: Context) -> str:
    """The first line of its docstring; empty for a class without one of its own."""
    words = inspect.cleandoc(type(context).__dict__.get("__doc__") or "")
    return words.partition("\n")[0].strip()
