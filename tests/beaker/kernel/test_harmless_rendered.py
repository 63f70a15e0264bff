"""What a model writes, as renderers show it: no picture, no HTML but their own, no address that a click should not lead to.

Each is told to pass on what it finds, as JupyterLab's does with what a kernel sends. `tests/system/browser` sees JupyterLab itself.
"""

import re
from collections.abc import Callable
from html.parser import HTMLParser
from types import ModuleType
from typing import Any

import pytest

from beaker.kernel.commands.words import Table, escaped
from beaker.kernel.harmless import harmless

Render = Callable[[str], str]

OWN_TAGS = frozenset(
    {"a", "blockquote", "br", "code", "del", "div", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "s", "span"}
    | {"strong", "table", "tbody", "td", "th", "thead", "tr", "ul"}
)
"""Of markdown: `div` and `span` are mistune's for formulas."""

PAYLOADS = [
    # pictures
    "![x](http://evil.test/?q=1)",
    '![x](http://evil.test/?q=1 "title")',
    "![x](<http://evil.test/a b>)",
    "![x][r]\n\n[r]: http://evil.test/?q=1",
    "![r][]\n\n[r]: http://evil.test/?q=1",
    "![r]\n\n[r]: http://evil.test/?q=1",
    "![r]\n\n> [r]: <http://evil.test/?q=1> 'title'",
    "[![x](http://evil.test/?q=1)](http://a.test)",
    "[a ![x](http://evil.test/?q=1) b][r]\n\n[r]: http://a.test",
    "![a ![b](http://evil.test/1) c](http://evil.test/2)",
    "![x\ny](http://evil.test/?q=1)",
    "![](http://evil.test/)",
    "\\\\![x](http://evil.test/)",
    "!\\![x](http://evil.test/)",
    "**![x](http://evil.test/)**",
    "# ![x](http://evil.test/)",
    "![x](data:image/svg+xml,<svg/onload=alert(1)>)",
    "![x](//evil.test/1)",
    "![`a`](http://evil.test/)",
    "`a ![x](http://evil.test/)",
    # HTML
    "<img src=http://evil.test/>",
    '<IMG SRC="http://evil.test/">',
    "<img\nsrc=http://evil.test/>",
    "<img/src=http://evil.test/ onerror=alert(1)>",
    "<img src=http://evil.test/",
    "<script>alert(1)</script>",
    "<script src=http://evil.test/></script>",
    "<style>@import 'http://evil.test/'</style>",
    "<link rel=stylesheet href=http://evil.test/>",
    "<iframe src=http://evil.test/></iframe>",
    "<svg onload=alert(1)>",
    "<svg><image href=http://evil.test/></svg>",
    "<object data=http://evil.test/></object>",
    "<embed src=http://evil.test/>",
    "<video poster=http://evil.test/></video>",
    "<audio src=http://evil.test/ autoplay></audio>",
    "<picture><source srcset=http://evil.test/></picture>",
    "<input type=image src=http://evil.test/>",
    "<body background=http://evil.test/>",
    "<table background=http://evil.test/><tr><td>x</td></tr></table>",
    "<div style='background:url(http://evil.test/)'>x</div>",
    "<a href='javascript:alert(1)'>x</a>",
    "<form action=http://evil.test/><button>x</button></form>",
    "<meta http-equiv=refresh content='0;url=http://evil.test/'>",
    "<base href=http://evil.test/>",
    "<math><mtext><img src=http://evil.test/></mtext></math>",
    "<details><summary>x</summary>\n\nhidden",
    "<!-- hidden",
    "<!-- a --><img src=http://evil.test/>",
    "<?php echo 1 ?>",
    "<!DOCTYPE html>",
    "<![CDATA[x]]>",
    "</p><img src=http://evil.test/>",
    "<x-y onclick=alert(1)>",
    "a<b\n<i>c</i>",
    # where a click leads
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x]( javascript:alert(1))",
    "[x](<javascript:alert(1)>)",
    "[x](\njavascript:alert(1))",
    "[x](java&#115;cript:alert(1))",
    "[x](&#x6a;avascript:alert(1))",
    "[x](javascript&colon;alert(1))",
    "[x](java&Tab;script:alert(1))",
    "[x](javascript\\:alert(1))",
    "[x](vbscript:x)",
    "[x](data:text/html,<script>alert(1)</script>)",
    "[x](file:///etc/passwd)",
    "[x](command:workbench.action.terminal.new)",
    "[x][r]\n\n[r]: javascript:alert(1)",
    "[x][r]\n\n[r]:\njavascript:alert(1)",
    "[r]\n\n[r]: <javascript:alert(1)>",
    "[x\ny][]\n\n[x\ny]: javascript:alert(1)",
    "<javascript:alert(1)>",
    "[`x`](javascript:alert(1))",
]

EVIL = "<img src=http://evil.test/> ![x](http://evil.test/) [x](javascript:y) <!-- "

PLACES = [
    "before {} behind",
    "- {}",
    "1. a\n\n   {}",
    "> {}",
    "| a | b |\n|---|---|\n| {} | c |",
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
    "[a `b](c) {} `d`",
    "http://`{}`",
    "www.a.test/`{}`",
    "a $$ b\n\n$$\n```\n$$\n{}\n```",
    "\\\\begin{{a}}\n```\n\\\\end{{a}}{}\n```",
    "\\\\\\[\n```\n\\\\\\]{}\n```",
]
"""Where renderers differ in what is code."""


class Looking(HTMLParser):
    """Finds what is not markdown's own."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in OWN_TAGS:
            self.found.append(tag)
        for name, value in attrs:
            if name == "href":
                scheme = re.match(r"[a-z][a-z0-9+.-]*:", "".join((value or "").split()), re.IGNORECASE)
                if scheme is not None and scheme[0].lower() not in ("http:", "https:", "mailto:"):
                    self.found.append(f"a link to {value}")
            elif name not in ("class", "start", "title", "style") or "url(" in (value or ""):
                self.found.append(f"{tag} {name}")

    def handle_comment(self, data: str) -> None:
        self.found.append(f"comment {data}")

    def handle_decl(self, decl: str) -> None:
        self.found.append(decl)

    def handle_pi(self, data: str) -> None:
        self.found.append(data)

    def unknown_decl(self, data: str) -> None:
        self.found.append(data)


def acts(html: str) -> list[str]:
    """What in a page is not markdown's own."""
    looking = Looking()
    looking.feed(html)
    looking.close()
    return looking.found


@pytest.fixture(scope="module", params=["commonmark", "gfm-like", "mistune"])
def render(request: pytest.FixtureRequest, need_module: Callable[[str], ModuleType]) -> Render:
    """A renderer that passes on what it finds; mistune is nbconvert's."""
    if request.param == "mistune":
        parser: Any = need_module("mistune").create_markdown(
            escape=False, plugins=["table", "math", "strikethrough", "url"]
        )  # untyped here
        return lambda text: str(parser(text))
    made: Any = need_module("markdown_it").MarkdownIt(request.param, {"html": True, "linkify": False})  # untyped here
    made.validateLink = lambda address: True
    return lambda text: str(made.render(text))


@pytest.mark.parametrize("payload", PAYLOADS)
def test_nothing_acts_not_even_in_the_middle_of_its_stream(payload: str, render: Render) -> None:
    for length in range(1, len(payload) + 1):
        html = render(harmless(payload[:length]))
        assert acts(html) == [], html


@pytest.mark.parametrize("place", PLACES)
def test_nothing_acts_wherever_it_stands(place: str, render: Render) -> None:
    html = render(harmless(place.format(EVIL)))
    assert acts(html) == [], html


@pytest.mark.parametrize(
    "payload", [*PAYLOADS, "see https://a.test<img src=x>", "see https://a.test`<img src=x>`", "www.a.test/`<img src=x>` `", "`a|b`"]
)
def test_foreign_words_in_our_own_sentences_and_tables_do_nothing(payload: str, render: Render) -> None:
    html = render(f"*{escaped(payload)}*\n\n{Table(columns=('a', 'b'), rows=[(payload, payload)], code_columns=frozenset({1})).markdown()}")
    assert acts(html) == [], html


def test_these_would_act(render: Render) -> None:
    """Else the tests above would find nothing because there was nothing; mistune makes nothing of most schemes by itself."""
    silent = [payload for payload in PAYLOADS if not acts(render(payload))]
    assert len(silent) < len(PAYLOADS) / 2, silent


def test_what_stays_is_what_was_written(render: Render) -> None:
    text = "if a < b:\n\n`List<int>` as [there](https://a.test/b?c=d:e), *<x@y>*\n\n```html\n<img src=x> ![a](b)\n```"
    html = render(harmless(text))
    assert "<code>List&lt;int&gt;</code>" in html
    assert '<a href="https://a.test/b?c=d:e">there</a>' in html
    assert "<em>&lt;x@y&gt;</em>" in html
    assert "&lt;img src=x&gt; ![a](b)\n" in html
