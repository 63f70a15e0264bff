"""llm_request as interfaces send it, well and badly."""

import json
from typing import Any

import pytest

from beaker.kernel.commands.command import Refused
from beaker.kernel.custom.question import Questioned, read_llm_request
from beaker.kernel.question import Ask
from beaker.messages.look import Mentioned


def content(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


def ask_of(document: bytes) -> Ask:
    wanted = read_llm_request(document)
    assert isinstance(wanted, Questioned)
    return wanted.ask


def test_a_question_alone_is_enough() -> None:
    assert read_llm_request(content(request="  what is df?\n")) == Questioned(
        ask=Ask(prompt="what is df?"), consent="messages", allow_stdin=True
    )


def test_mode_and_model_are_those_of_a_cell() -> None:
    assert ask_of(content(request="x", mode="plan", model="m")) == Ask(prompt="x", mode="plan", model="m")


def test_null_and_empty_mean_as_configured() -> None:
    assert ask_of(content(request="x", mode=None, model="", attachments=[])) == Ask(prompt="x")


def test_unknown_fields_are_passed_over() -> None:
    assert ask_of(content(request="x", notebook_id=7, options={"deep": []})) == Ask(prompt="x")


def test_attachments_are_data_beside_the_question_and_never_part_of_its_text() -> None:
    wanted = ask_of(
        content(request="sum it up", attachments=[{"name": "a.csv", "text": "@file:/etc/passwd {Out[1]}"}, {"name": "n\n2", "text": ""}])
    )
    assert wanted.prompt == "sum it up"
    assert wanted.attached == (Mentioned(label="a.csv", text="@file:/etc/passwd {Out[1]}"), Mentioned(label="n 2", text=""))


def test_the_notebook_comes_with_the_question_in_order() -> None:
    cells = [{"cell_type": "markdown", "source": "# Rain", "id": "m1"}, {"cell_type": "code", "source": ["x = 1\n", "x"], "outputs": [{}]}]
    wanted = read_llm_request(content(request="x"), json.dumps({"notebook_state": {"cells": cells, "nbformat": 4}}).encode())
    assert isinstance(wanted, Questioned)
    (notebook,) = wanted.ask.attached
    assert notebook.label == "the notebook"
    assert notebook.text == '<cell type="markdown" id="m1">\n# Rain\n</cell>\n<cell type="code">\nx = 1\nx\n</cell>'


def test_of_a_long_notebook_the_last_cells_are_kept() -> None:
    cells = [{"source": f"cell {number} " + "x" * 3000} for number in range(30)]
    wanted = read_llm_request(content(request="x"), json.dumps({"notebook_state": {"cells": cells}}).encode())
    assert isinstance(wanted, Questioned)
    text = wanted.ask.attached[0].text
    assert text.startswith("(19 earlier cells are left out)")
    assert "cell 29 " in text
    assert "cell 18 " not in text
    assert len(text) < 25_000


@pytest.mark.parametrize(
    "metadata",
    [
        b"{}",
        b'{"notebook_state": null}',
        b'{"notebook_state": {"cells": []}}',
        b'{"notebook_state": 7}',
        b'{"notebook_state": {"cells": [7]}}',
        b'{"notebook_state": {"cells": [{"source": "\xff"}]}}',
        b'{"notebook_state": ' + b"[" * 100_000,
        b"",
    ],
)
def test_a_notebook_that_cannot_be_read_costs_no_question(metadata: bytes) -> None:
    wanted = read_llm_request(content(request="x"), metadata)
    assert isinstance(wanted, Questioned)
    assert wanted.ask.attached == ()


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"consent": "stdin"}, ("stdin", True)),
        ({"consent": "never"}, ("never", True)),
        ({"allow_stdin": False}, ("messages", False)),
        ({"consent": "stdin", "allow_stdin": False}, ("never", False)),
    ],
)
def test_a_client_says_how_its_user_can_be_asked(fields: dict[str, Any], expected: tuple[str, bool]) -> None:
    wanted = read_llm_request(content(request="x", **fields))
    assert isinstance(wanted, Questioned)
    assert (wanted.consent, wanted.allow_stdin) == expected


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (b"{}", "missing required field `request`"),
        (b'{"request": 7}', "Expected `str`, got `int`"),
        (b'{"request": null}', "Expected `str`, got `null`"),
        (b'{"request": "x", "attachments": "a"}', "Expected `array`, got `str`"),
        (b'{"request": "x", "attachments": [{"name": "n"}]}', "missing required field `text`"),
        (b"[]", "Expected `object`, got `array`"),
        (b"", "cannot be read"),
        (b'{"request": "x', "cannot be read"),
        (b'{"request": "\xff\xfe"}', "cannot be read"),
        (b'{"request": "x", "more": ' + b"[" * 100_000, "cannot be read"),
        (b'{"request": " \\n "}', "is empty"),
        (b'{"request": "x\\u0000y"}', "binary data"),
        (b'{"request": "x", "mode": "fast"}', "ask, auto, plan"),
        (b'{"request": "x", "consent": "mail"}', "messages, stdin, never"),
        (b'{"request": "x", "model": "a\\nb"}', "no name of a model"),
        (content(request="x", model="m" * 300), "no name of a model"),
        (content(request="x" * 300_000), "256.0 kB is the most"),
        (content(request="x", attachments=[{"name": "n", "text": "y" * 5_000_000}]), "of 64.0 kB together"),
        (content(request="x", attachments=[{"name": "n", "text": "y"}] * 21), "21 attachments"),
        (content(request="x", attachments=[{"name": "n", "text": "a\x00b"}]), "binary data"),
        (content(request="x" * 9_000_000), "8.0 MB is the most"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(document: bytes, words: str) -> None:
    refused = read_llm_request(document)
    assert isinstance(refused, Refused)
    assert words in refused.reason
    assert len(refused.reason) < 400
