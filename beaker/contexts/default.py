"""The context that every kernel begins with: beaker's own tools and instructions, nothing else."""

from beaker.agent.tools.session import Session
from beaker.contexts.context import Context

SHOWN = 20
"""Variables in a preview: a screen of them."""


class Default(Context):
    """For everything: the session's variables and cells, without a speciality."""

    async def preview(self, session: Session) -> str:
        """The variables."""
        variables = await session.variables()
        if not variables:
            return "The session holds no variables yet."
        more = f"\n\n{len(variables) - SHOWN} more are not shown." if len(variables) > SHOWN else ""
        return "\n".join(f"- `{each.name}`: {each.type}" for each in variables[:SHOWN]) + more
