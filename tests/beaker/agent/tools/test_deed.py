"""What a tool does, in a line for the user."""

import pytest

from beaker.agent.tools.built_in import BUILT_IN
from beaker.agent.tools.deed import LINE_CHARS, refused_line
from beaker.agent.tools.function import FunctionTool, Performed
from beaker.agent.tools.tool import BadCall
from beaker.agent.tools.toolbox import Toolbox
from beaker.messages.look import CellsRead, OutputRead, SeenCell, VariableShown
from beaker.messages.running import CodeRan, SessionChanged, UserAnswered
from beaker.messages.turn import Proposed, TurnFailure, TurnReply, Variable, Variables


def depth(lake: str, metres: bool = True) -> float:
    """Look a depth up."""
    return len(lake) + metres


BOX = Toolbox([*BUILT_IN.tools, FunctionTool(depth, name="depth", timeout_s=1.0)])


def line(name: str, arguments: str, reply: TurnReply | Performed) -> str:
    decoded = BOX.decode(name, arguments)
    assert not isinstance(decoded, BadCall), decoded.text
    return BOX.line(name, decoded, reply)


def seen(*numbers: int) -> CellsRead:
    return CellsRead(cells=[SeenCell(execution_count=number, code="x", output="long " * 1000, status="ok") for number in numbers])


FRAME = VariableShown(name="df", text="DataFrame, 5000 rows x 6 columns\na: int64, 1 .. 9\n...")
TWO = Variables(variables=[Variable(name=name, type="int", summary="1") for name in "ab"])


@pytest.mark.parametrize(
    ("name", "arguments", "reply", "expected"),
    [
        ("list_variables", "{}", TWO, "Looked at the variables: 2"),
        ("list_variables", "{}", Variables(variables=[]), "Looked at the variables: none yet"),
        ("show_variable", '{"name": "df"}', FRAME, "Looked at `df`: DataFrame, 5000 rows x 6 columns"),
        ("show_variable", '{"name": "n"}', VariableShown(name="n", text="int: 3\nmore"), "Looked at `n`: int: 3"),
        ("read_cells", "{}", seen(3, 4, 7), "Read the latest cells: [3] to [7]"),
        ("read_cells", '{"from": 4, "to": 4}', seen(4), "Read cell 4: [4]"),
        ("read_cells", '{"from": 2, "to": 9}', seen(), "Read the cells 2 to 9: none"),
        ("read_cells", '{"from": 2}', seen(2), "Read the cells from 2: [2]"),
        ("read_cells", '{"to": 9}', seen(9), "Read the cells up to 9: [9]"),
        (
            "read_output",
            '{"handle": "output-7", "offset": 10}',
            OutputRead(text="abcde", offset=10, size=99),
            "Read more of `output-7`: characters 10 to 15 of 99",
        ),
        ("depth", '{"lake": "Onega"}', Performed(text="6.0"), "Used `depth(lake='Onega', metres=True)`"),
        ("propose_cell", '{"code": "x"}', Proposed(number=1), ""),
        ("edit_cell", '{"code": "x", "cell_id": "4"}', Proposed(number=1), ""),
        ("run_code", '{"code": "x"}', CodeRan(status="error", output="KeyError"), ""),
        ("restart_subkernel", "{}", SessionChanged(words="done"), ""),
        ("ask_user", '{"question": "which?"}', UserAnswered(text="that"), ""),
    ],
)
def test_a_line_says_what_was_done_unless_the_answer_shows_it(name: str, arguments: str, reply: TurnReply, expected: str) -> None:
    assert line(name, arguments, reply) == expected


@pytest.mark.parametrize(
    ("name", "arguments", "begins"),
    [
        ("list_variables", "{}", "Could not look at the variables"),
        ("show_variable", '{"name": "df"}', "Could not look at `df`"),
        ("read_cells", '{"from": 2}', "Could not read the cells from 2"),
        ("read_output", '{"handle": "a`b"}', "Could not read more of `a'b`"),
        ("depth", '{"lake": "Onega"}', "Could not use `depth(lake='Onega', metres=True)`"),
        ("propose_cell", '{"code": "x"}', "Could not propose a cell"),
        ("edit_cell", '{"code": "x", "cell_id": "4"}', "Could not propose a change of cell `4`"),
        ("run_code", '{"code": "x"}', "Did not run code"),
        ("interrupt", "{}", "Did not interrupt the session"),
        ("restart_subkernel", "{}", "Did not restart the session"),
    ],
)
def test_a_tool_that_failed_says_why(name: str, arguments: str, begins: str) -> None:
    assert line(name, arguments, TurnFailure(reason="the session\nis dead")) == f"{begins}: the session is dead"


def test_a_question_that_could_not_be_asked_stands_in_the_answer_itself() -> None:
    told = line("ask_user", '{"question": "Which\\ncolumn?", "choices": ["level", "flow"]}', TurnFailure(reason="State it in your answer."))
    assert told == "Could not ask you: Which column? (level / flow)"


def test_a_call_that_could_not_be_made_says_why() -> None:
    bad = BUILT_IN.decode("show_variable", "{}")
    assert isinstance(bad, BadCall)
    read = "The arguments of show_variable could not be read: Object missing required field `name`"
    assert refused_line("show_variable", bad.text) == f"Could not use `show_variable`: {read}"
    assert refused_line("x" * 200, "There is no tool.").startswith(f"Could not use `{'x' * 58} …`")


def test_whatever_a_model_or_data_write_it_is_one_short_line() -> None:
    long = VariableShown(name="x", text="no end " * 10_000)
    found = line("show_variable", '{"name": "x"}', long)
    assert "\n" not in found
    assert len(found) < LINE_CHARS + 100
    assert len(line("depth", '{"lake": "%s"}' % ("`\\n<b>" * 5_000), Performed(text=""))) < LINE_CHARS


@pytest.mark.parametrize(
    ("name", "arguments", "doing"),
    [
        ("show_variable", '{"name": "df"}', "looking at `df`"),
        ("read_cells", '{"from": 4, "to": 4}', "reading cell 4"),
        ("depth", '{"lake": "Onega"}', "using `depth(lake='Onega', metres=True)`"),
        ("run_code", '{"code": "x"}', ""),
    ],
)
def test_while_it_is_done_there_are_words_for_it(name: str, arguments: str, doing: str) -> None:
    decoded = BOX.decode(name, arguments)
    assert not isinstance(decoded, BadCall)
    assert BOX.deed(name, decoded).doing == doing
