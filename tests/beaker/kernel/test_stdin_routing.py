"""Who is asked and who may answer."""

from beaker.kernel.stdin_routing import REMEMBERED, StdinRouting


def test_the_client_whose_cell_asks_is_asked_and_only_it_answers_once() -> None:
    routing = StdinRouting()
    routing.executes("m1", [b"anna"])
    routing.executes("m2", [b"bert"])
    assert routing.input_requested("m1") == [b"anna"]
    assert not routing.may_reply([b"bert"])
    assert routing.may_reply([b"anna"])
    assert not routing.may_reply([b"anna"])


def test_a_client_with_two_open_questions_answers_both_and_no_more() -> None:
    routing = StdinRouting()
    for cell in ("m1", "m2"):
        routing.executes(cell, [b"anna"])
        assert routing.input_requested(cell) == [b"anna"]
    assert [routing.may_reply([b"anna"]) for _ in range(3)] == [True, True, False]


def test_a_cell_of_nobody_asks_nobody() -> None:
    routing = StdinRouting()
    assert routing.input_requested("unknown") is None
    assert not routing.may_reply([b"anna"])


def test_old_cells_are_forgotten() -> None:
    routing = StdinRouting()
    for number in range(REMEMBERED + 1):
        routing.executes(f"m{number}", [b"anna"])
    assert routing.input_requested("m0") is None
    assert routing.input_requested("m1") == [b"anna"]
