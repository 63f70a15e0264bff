"""Code blocks in the text of an answer."""

import time

import pytest

from beaker.kernel.code_blocks import CodeBlock, split_blocks


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("no code", ["no code"]),
        ("```python\nx = 1\n```", [CodeBlock("x = 1")]),
        ("a\n\n```py\nx = 1\n\ny\n```\nb\n", ["a\n\n", CodeBlock("x = 1\n\ny"), "b\n"]),
        ("```Python title=x\nx\n```", [CodeBlock("x")]),
        ("~~~~ python3\n```\nx\n~~~\n~~~~", [CodeBlock("```\nx\n~~~")]),
        ("````python\n```\nx\n````", [CodeBlock("```\nx")]),
        ("```python\r\nx = 1\r\n```\r\n", [CodeBlock("x = 1\r")]),
        ("```python\nx\n```\n```python\ny\n```", [CodeBlock("x"), CodeBlock("y")]),
        ("   ```python\n   if x:\n     y\n   ```", [CodeBlock("if x:\n  y")]),
        ("```python\n  indented\n```", [CodeBlock("  indented")]),
    ],
)
def test_blocks_of_the_language_are_taken_out(text: str, parts: list[str | CodeBlock]) -> None:
    found = split_blocks(text, "python")
    assert [CodeBlock(part.code.replace("\r\n", "\n")) if isinstance(part, CodeBlock) else part for part in found] == parts


@pytest.mark.parametrize(
    "text",
    [
        "```\nx = 1\n```",
        "```r\nx <- 1\n```",
        "```text\nout\n```\n",
        "```python\nnever closed",
        "```python\nclosed by fewer\n``",
        "```python\n\n```",
        "`python` and ```python inline```",
        "    ```python\n    x\n    ```",
        "```text\n```python\nx\n```",
    ],
)
def test_everything_else_stays_as_it_was_written(text: str) -> None:
    assert split_blocks(text, "python") == [text]


@pytest.mark.parametrize("line", ["~" * 100_000 + "`", "~~~" + "x" * 100_000 + "`", "`" * 100_000 + "x`", "```" + " x" * 50_000 + "`"])
def test_a_line_that_is_nearly_a_fence_costs_no_more_than_its_length(line: str) -> None:
    began = time.process_time()
    split_blocks(f"{line}\n", "python")
    assert time.process_time() - began < 5.0


@pytest.mark.parametrize(("language", "mark"), [("R", "r"), ("R", "R"), ("julia", "jl"), ("bash", "sh"), ("python3", "python")])
def test_a_language_goes_by_several_names(language: str, mark: str) -> None:
    assert split_blocks(f"```{mark}\nx\n```", language) == [CodeBlock("x")]
