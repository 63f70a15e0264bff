"""What a page of ours says, and where it may lead: values into HTML, and addresses that stay here.

Pages are made of templates and values; a value is text unless it was made of HTML here. They have no scripts at all, so their
policy lets none run: what somebody manages to put into one is inert.
"""

from collections.abc import Iterable, Sequence
from html import escape
from string import Template
from typing import Final, NewType
from urllib.parse import unquote, urlsplit

Html = NewType("Html", str)
"""Text that is HTML already."""

POLICY: Final = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
"""Of every page: its own style sheet and icon, its own forms, in no frame of anybody, and nothing that runs."""


def fill(template: str, **values: "str | Html") -> Html:
    """A template with values in its `$places`; text is escaped, `Html` must be handed over by `raw`.

    >>> fill("<p>$name</p>", name="<b>")
    '<p>&lt;b&gt;</p>'
    >>> fill("<p>$name</p>", name=raw("<b>"))
    '<p><b></p>'
    """
    return Html(
        Template(template).substitute({name: value if isinstance(value, _Raw) else escape(value) for name, value in values.items()})
    )


class _Raw(str):
    """Marks HTML for `fill`."""


def raw(html: str) -> Html:
    """HTML that was made here, as it is."""
    return Html(_Raw(html))


def table(label: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> Html:
    """A table of texts; where it is too wide it is scrolled, by the keyboard too."""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in heads)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    whole = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return raw(f'<div class="scroll" role="region" aria-label="{escape(label)}" tabindex="0">{whole}</div>')


def safe_next(target: str, base_url: str) -> str:
    """Where to go after the login: what was asked for if that is an address of ours, else the first page.

    >>> safe_next("/lab/x?a=1", "/lab/"), safe_next("//evil.test/", "/"), safe_next("https://evil.test", "/")
    ('/lab/x?a=1', '/', '/')
    """
    try:
        parts = urlsplit(target)
    except ValueError:
        return base_url
    # Browsers read a backslash as a slash, drop tabs and line ends, and take a second slash for the beginning of a host.
    plain = target.isascii() and target.isprintable() and "\\" not in unquote(target)
    ours = not parts.scheme and not parts.netloc and target.startswith(base_url) and not target.startswith("//")
    steps = unquote(parts.path).split("/")
    return target if plain and ours and not {".", ".."} & set(steps) else base_url
