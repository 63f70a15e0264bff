"""The user's own code in place of the model's, before it runs."""

import pytest

from beaker.consent.editing import review_text, trouble_in


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("a = 1 b = 2 print(a + b)", "Python cannot read this: invalid syntax (line 1)"),
        ("for x in range(3):     print(x) print(1)", "Python cannot read this: invalid syntax (line 1)"),
        ("a = 1\nif a", "Python cannot read this: expected ':' (line 2)"),
        ("a = 1\nb = 2\nprint(a + b)", ""),
        ("await thing()", ""),
        ("'\\d' is 'x'", ""),
        ("%time a = 1\nb = 2", ""),
        ("files = !ls\nfiles", ""),
        ("%%bash\nls -l | wc", ""),
        ("df.head?", ""),
        ("x = 7 % 2 y = 1", "Python cannot read this: invalid syntax (line 1)"),
        ("", ""),
    ],
)
def test_what_python_cannot_read_is_said_and_what_only_ipython_can_is_left_to_it(code: str, words: str) -> None:
    assert trouble_in(code, "python") == words


@pytest.mark.parametrize("language", ["R", "bash", "julia", ""])
def test_of_another_language_nothing_is_said(language: str) -> None:
    assert trouble_in("a = 1 b = 2", language) == ""


def test_the_review_shows_all_of_it_and_what_is_wrong_with_it() -> None:
    assert review_text("A3", "x = 1\n\ny = 2\n", "python") == (
        "A3 would run your code:\n\nx = 1\n\ny = 2\n\n[y]es / [n]o / [e]dit again / [l]ater: "
    )
    assert review_text("A3", "a = 1 b = 2", "python") == (
        "A3 would run your code:\n\na = 1 b = 2\n\n"
        "Python cannot read this: invalid syntax (line 1). A field for one line joins the lines of a paste: "
        "[l]ater, then `%beaker edit A3`, gives you a cell.\n\n[y]es / [n]o / [e]dit again / [l]ater: "
    )
