"""How cells and outputs that passed by read for the model."""

from beaker.agent.tools.built_in import BUILT_IN
from beaker.agent.tools.tool import RESULT_LIMIT_CHARS, BadCall
from beaker.agent.tools.transcript import ReadCellsArguments, ReadCellsTool, ReadOutputTool
from beaker.messages.look import CellsRead, OutputRead, SeenCell

describe = ReadCellsTool().describe


def cell(number: int, output: str = "", handle: str = "") -> SeenCell:
    return SeenCell(execution_count=number, code=f"f({number})", output=output, status="ok", handle=handle)


def test_the_arguments_have_the_public_names() -> None:
    assert BUILT_IN.decode("read_cells", '{"from": 2, "to": 4}') == ReadCellsArguments(from_=2, to=4)
    (parameters,) = [each["function"]["parameters"] for each in BUILT_IN.definitions() if each["function"]["name"] == "read_cells"]
    assert set(parameters["properties"]) == {"from", "to"}
    bad = BUILT_IN.decode("read_cells", '{"from": 5, "to": 4}')
    assert bad == BadCall(text="read_cells got from=5 and to=4: the first number has to come first.")


def test_cells_stand_in_their_order_with_handles() -> None:
    text = describe(CellsRead(cells=[cell(1), cell(2, "long ...", "output-2")], note="1 earlier cells are left out"))
    assert text.startswith('(1 earlier cells are left out)\n\n<cell number="1" status="ok">\nf(1)\n</cell>\n\n')
    assert '<cell number="2" status="ok" handle="output-2">' in text


def test_the_newest_cells_that_fit_are_shown_and_the_rest_is_counted() -> None:
    text = describe(CellsRead(cells=[cell(number, "x" * 1900) for number in range(10)]))
    assert len(text) <= RESULT_LIMIT_CHARS
    assert 'number="9"' in text
    assert text.startswith("(7 earlier cells did not fit; ask for them by from and to)")


def test_no_cells_are_a_sentence() -> None:
    assert describe(CellsRead(cells=[])) == "No cells have run yet."


def test_a_part_of_an_output_says_where_it_goes_on() -> None:
    describe_part = ReadOutputTool().describe
    assert describe_part(OutputRead(text="abc", offset=10, size=20)) == "(characters 10 to 13 of 20; go on with offset 13)\nabc"
    assert describe_part(OutputRead(text="abc", offset=17, size=20)) == "(characters 17 to 20 of 20)\nabc"
    assert describe_part(OutputRead(text="", offset=30, size=20)) == "(the output has 20 characters; there is nothing at 30)"
