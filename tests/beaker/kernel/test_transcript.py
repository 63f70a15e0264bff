"""What is remembered of the session."""

import json
import tracemalloc

from beaker.kernel.transcript import CELL_SHARE, ENDS_BYTES, HUGE_BYTES, Transcript


def content(**fields: object) -> bytes:
    return json.dumps(fields).encode()


def test_a_cell_is_remembered_with_code_outputs_and_status() -> None:
    transcript = Transcript(100_000)
    transcript.begin("m", content(code="df", execution_count=3))
    transcript.output("m", content(name="stdout", text="hello\n"))
    transcript.output("m", content(data={"text/plain": "<Axes>", "image/png": "aGk="}, metadata={}))
    transcript.output("m", content(ename="KeyError", evalue="'x'", traceback=["\x1b[31mTraceback\x1b[0m"]))
    transcript.end("m", "error")
    (seen,) = transcript.recent(5, output_chars=1000)
    assert (seen.execution_count, seen.code, seen.status) == (3, "df", "error")
    assert seen.output == "hello\n<Axes> (image/png, 4 bytes)\nTraceback\nKeyError: 'x'\n"


def test_a_flood_keeps_its_first_and_last_part_within_the_budget() -> None:
    transcript = Transcript(400_000)
    transcript.begin("m", content(code="flood"))
    for number in range(5000):
        transcript.output("m", content(text=f"line {number} {'x' * 50}\n"))
    (seen,) = transcript.recent(1, output_chars=1_000_000)
    assert seen.output.startswith("line 0 ")
    assert "line 4999 " in seen.output
    assert "bytes left out" in seen.output
    assert len(seen.output) < 400_000 / CELL_SHARE + 100


def test_text_for_the_model_is_cut_in_the_middle() -> None:
    transcript = Transcript(100_000)
    transcript.begin("m", content(code="x"))
    transcript.output("m", content(text="a" * 500 + "b" * 500))
    (seen,) = transcript.recent(1, output_chars=100)
    assert seen.output.startswith("a" * 50 + "\n... 900 characters left out")
    assert seen.output.endswith("b" * 50)


def test_the_oldest_cells_go_first() -> None:
    transcript = Transcript(5000)
    for number in range(10):
        transcript.begin(f"m{number}", content(code=f"cell {number} {'x' * 900}", execution_count=number))
    assert [seen.execution_count for seen in transcript.recent(99, output_chars=10)] == [7, 8, 9]


def test_many_small_cells_take_no_more_memory_than_the_budget() -> None:
    """As those of a loop that is sent for days: what a cell costs beside its content is most of it."""
    budget_bytes = 1_000_000
    transcript = Transcript(budget_bytes)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number in range(5000):
            transcript.begin(f"{number:032x}_{number}", content(code="1", execution_count=number))
            transcript.output(f"{number:032x}_{number}", content(data={"text/plain": "1"}, metadata={}, execution_count=number))
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert budget_bytes / 2 < after - before < budget_bytes * 1.2


def test_outputs_of_unknown_cells_and_unreadable_ones_are_no_trouble() -> None:
    transcript = Transcript(3000)
    transcript.output("nobody", content(text="x"))
    transcript.begin("m", b"not json")
    transcript.output("m", b"not json")
    (seen,) = transcript.recent(1, output_chars=10)
    assert seen.output == ""


def test_a_cut_output_has_a_handle_and_is_read_on_from_an_offset() -> None:
    transcript = Transcript(100_000)
    transcript.begin("short", content(code="1"))
    transcript.output("short", content(text="short"))
    transcript.begin("long", content(code="x"))
    transcript.output("long", content(text="0123456789" * 100))
    short, long = transcript.recent(2, output_chars=100)
    assert (short.handle, long.handle) == ("", "output-2")
    assert transcript.part("output-2", 995, chars=50) == ("56789", 1000)
    assert transcript.part("output-9", 0, chars=50) is None
    assert transcript.handles() == ["output-1", "output-2"]


def test_cells_are_found_by_their_numbers() -> None:
    transcript = Transcript(100_000)
    for count in (1, 2, 3, 1):  # restarted behind the third
        transcript.begin(f"m{count}{len(transcript.codes())}", content(code=f"cell {count}", execution_count=count))
    found, more = transcript.between(1, 2, cells=2, output_chars=10)
    assert ([seen.execution_count for seen in found], more) == ([2, 1], 1)
    found, more = transcript.between(None, None, cells=10, output_chars=10)
    assert ([seen.execution_count for seen in found], more) == ([1, 2, 3, 1], 0)


def test_input_result_and_error_of_a_number_are_those_of_the_newest_cell() -> None:
    transcript = Transcript(100_000)
    transcript.begin("old", content(code="old", execution_count=4))
    transcript.output("old", content(data={"text/plain": "0"}, execution_count=4))
    transcript.begin("m", content(code="df; 1", execution_count=4))
    transcript.output("m", content(data={"text/plain": "shown"}, metadata={}))
    transcript.output("m", content(data={"text/plain": "1"}, execution_count=4))
    transcript.begin("e", content(code="x", execution_count=5))
    transcript.output("e", content(ename="NameError", evalue="x", traceback=[]))
    assert (transcript.code(4), transcript.result(4), transcript.error(4)) == ("df; 1", "1", None)
    assert (transcript.result(5), transcript.error(5)) == (None, "NameError: x")
    assert (transcript.code(6), transcript.result(6), transcript.error(6)) == (None, None, None)


def test_a_large_picture_is_named_and_costs_no_budget() -> None:
    transcript = Transcript(400_000)
    for number in range(5):
        transcript.begin(f"m{number}", content(code="plot()"))
        transcript.output(f"m{number}", content(data={"image/png": "x" * 300_000, "text/plain": "<Figure>"}, metadata={}))
    seen = transcript.recent(9, output_chars=1000)
    assert [each.output for each in seen] == ["<Figure> (image/png, 225.0 kB)\n"] * 5


def test_an_output_of_many_megabytes_is_not_decoded() -> None:
    transcript = Transcript(100_000_000)
    transcript.begin("m", content(code="x"))
    transcript.output("m", b'{"data": {"image/png": "' + b"x" * 9_000_000)
    (seen,) = transcript.recent(1, output_chars=1000)
    assert seen.output == "(an output of 9000024 bytes)\n"


def test_of_a_giant_text_the_model_sees_its_beginning_and_its_end() -> None:
    transcript = Transcript(4 * 1024 * 1024)
    transcript.begin("a", b'{"code": "x", "execution_count": 1}')
    text = 'begin \u00e4 \\ " \n' + "word \n" * (HUGE_BYTES // 5) + "the end"
    transcript.output("a", json.dumps({"name": "stdout", "text": text}).encode())
    seen = transcript.recent(1, output_chars=1_900)[0]
    assert seen.output.startswith('begin \u00e4 \\ " \nword')
    assert seen.output.endswith("the end")
    assert seen.handle
    part = transcript.part(seen.handle, 0, chars=1_000_000)
    assert part is not None
    assert "bytes left out" in part.text
    assert part.size < 3 * ENDS_BYTES


def test_cells_of_a_session_that_is_over_are_told_from_those_of_the_next() -> None:
    transcript = Transcript(100_000)
    transcript.begin("before", content(code="x = 1", execution_count=1))
    transcript.session_over()
    transcript.begin("after", content(code="y = 1", execution_count=1))
    assert [(seen.code, seen.former) for seen in transcript.recent(5, output_chars=10)] == [("x = 1", True), ("y = 1", False)]
