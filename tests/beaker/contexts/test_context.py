"""What an author writes, and what the model is told of it."""

from typing import Annotated

import msgspec
import pytest

from beaker.agent.tools.function import FunctionTool
from beaker.agent.tools.session import Session
from beaker.agent.tools.tool import BadCall
from beaker.agent.tools.toolbox import Toolbox
from beaker.contexts.context import Context, summary_of, tool, tools_of


class Lakes(Context):
    """Names and depths of lakes.

    More words.
    """

    @tool
    def depth(self, lake: str, unit: Annotated[str, msgspec.Meta(description="m or ft")] = "m") -> float:
        """Look the greatest depth of a lake up."""
        return {"Inari": 92.0}[lake] * (1 if unit == "m" else 3.281)

    @tool(name="near_lakes", timeout_s=3.0)
    async def near(self, session: Session, limit: int = 5) -> list[str]:
        """List lakes."""
        return [session.language][:limit]

    def helper(self) -> None:
        """No tool."""


def test_marked_methods_are_tools_with_a_schema_of_their_signature() -> None:
    depth, near = tools_of(Lakes())
    assert (near.name, near.timeout_s, near.is_async) == ("near_lakes", 3.0, True)
    assert (depth.name, depth.timeout_s, depth.is_async) == ("depth", 60.0, False)
    by_name = {each["function"]["name"]: each["function"] for each in Toolbox([depth, near]).definitions()}
    assert by_name["depth"]["description"] == "Look the greatest depth of a lake up."
    parameters = by_name["depth"]["parameters"]
    assert (parameters["required"], parameters["properties"]["unit"]["description"]) == (["lake"], "m or ft")
    assert list(by_name["near_lakes"]["parameters"]["properties"]) == ["limit"], "the session is not the model's to give"


def test_arguments_are_checked_before_the_function_is_called() -> None:
    box = Toolbox(tools_of(Lakes()))
    bad = box.decode("depth", '{"lake": 5}')
    assert isinstance(bad, BadCall)
    assert "Expected `str`, got `int`" in bad.text
    good = box.decode("depth", '{"lake": "Inari", "unit": "ft"}')
    assert not isinstance(good, BadCall)
    (depth, _) = tools_of(Lakes())
    assert depth.call(good, None) == pytest.approx(301.852)  # type: ignore[arg-type]  # it takes no session


@pytest.mark.parametrize(
    ("result", "text"), [("as it is", "as it is"), ([1, "a"], '[1,"a"]'), (None, "null"), ("", "(nothing)"), (3 + 4j, "(3+4j)")]
)
def test_a_result_is_told_as_text(result: object, text: str) -> None:
    assert tools_of(Lakes())[0].performed(result).text == text


def test_a_long_result_is_cut() -> None:
    assert len(tools_of(Lakes())[0].performed("x" * 100_000).text) <= 8_000


def test_the_summary_is_the_first_line_and_none_is_inherited() -> None:
    class Bare(Context):
        pass

    assert (summary_of(Lakes()), summary_of(Bare())) == ("Names and depths of lakes.", "")


def without_hint(x):  # type: ignore[no-untyped-def]  # that is what is tested
    return x


def with_rest(*rest: int) -> None:
    del rest


def with_object(x: Context) -> None:
    del x


def sync_session(session: Session) -> None:
    del session


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (without_hint, "the argument x of the tool t has no type hint"),
        (with_rest, "cannot be given by name"),
        (with_object, "custom type"),
        (sync_session, "it has to be an async function"),
    ],
)
def test_a_signature_that_cannot_be_told_is_refused_in_words(function: object, reason: str) -> None:
    with pytest.raises(TypeError, match=reason):
        FunctionTool(function, name="t", timeout_s=1.0)  # type: ignore[arg-type]  # it is a function
