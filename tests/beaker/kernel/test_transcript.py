"""What is remembered of the session."""

import json

from beaker.kernel.transcript import HEAD_BYTES, TAIL_BYTES, Transcript


def content(**fields: object) -> bytes:
    return json.dumps(fields).encode()


def test_a_cell_is_remembered_with_code_outputs_and_status() -> None:
    transcript = Transcript(100_000)
    transcript.begin("m", content(code="df", execution_count=3))
    transcript.output("m", content(name="stdout", text="hello\n"))
    transcript.output("m", content(data={"text/plain": "<Axes>", "image/png": "aGk="}, metadata={}))
    transcript.output("m", content(ename="KeyError", evalue="'x'", traceback=["long"]))
    transcript.end("m", "error")
    (seen,) = transcript.recent(5, output_chars=1000)
    assert (seen.execution_count, seen.code, seen.status) == (3, "df", "error")
    assert seen.output == "hello\n<Axes> (image/png)\nKeyError: 'x'\n"


def test_a_flood_keeps_its_first_and_last_part_within_the_budget() -> None:
    transcript = Transcript(10_000_000)
    transcript.begin("m", content(code="flood"))
    for number in range(5000):
        transcript.output("m", content(text=f"line {number} {'x' * 50}\n"))
    (seen,) = transcript.recent(1, output_chars=1_000_000)
    assert seen.output.startswith("line 0 ")
    assert "line 4999 " in seen.output
    assert "bytes left out" in seen.output
    assert len(seen.output) < HEAD_BYTES + TAIL_BYTES + 100


def test_text_for_the_model_is_cut_in_the_middle() -> None:
    transcript = Transcript(100_000)
    transcript.begin("m", content(code="x"))
    transcript.output("m", content(text="a" * 500 + "b" * 500))
    (seen,) = transcript.recent(1, output_chars=100)
    assert seen.output.startswith("a" * 50 + "\n... 900 characters left out")
    assert seen.output.endswith("b" * 50)


def test_the_oldest_cells_go_first() -> None:
    transcript = Transcript(3000)
    for number in range(10):
        transcript.begin(f"m{number}", content(code=f"cell {number} {'x' * 900}", execution_count=number))
    assert [seen.execution_count for seen in transcript.recent(99, output_chars=10)] == [7, 8, 9]


def test_outputs_of_unknown_cells_and_unreadable_ones_are_no_trouble() -> None:
    transcript = Transcript(3000)
    transcript.output("nobody", content(text="x"))
    transcript.begin("m", b"not json")
    transcript.output("m", b"not json")
    (seen,) = transcript.recent(1, output_chars=10)
    assert seen.output == ""
