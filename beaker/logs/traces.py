"""Trace ids: how one is shown, and which is meant by a piece of one.

A trace is the client's msg_id. JupyterLab makes each anew; jupyter_client numbers them behind the id of its session
(`b9916625-..._10969_5`), so that the first characters of all its requests are the same and the last ones tell them apart.
"""

from collections.abc import Iterable
from typing import Final

ELLIPSIS: Final = "…"
SHOWN_CHARS: Final = 14
"""The longest that `shorten` gives: eight of the beginning tell sessions apart, five of the end requests."""


def shorten(trace: str) -> str:
    """The form in which it stands in a column, which can be given back to `trace`.

    >>> shorten("b9916625-89e29190882fda686f35076f_10969_5"), shorten("msg-7")
    ('b9916625…_5', 'msg-7')
    """
    if len(trace) <= SHOWN_CHARS:
        return trace
    number = trace.rpartition("_")[2]
    tail = f"_{number}" if number.isdigit() and len(number) <= 4 else trace[-5:]
    return trace[:8] + ELLIPSIS + tail


def meant(given: str, traces: Iterable[str]) -> list[str]:
    """The traces that a piece of one may mean: itself, else those that begin with it, else those that end with it.

    `a…b` and `a..b` mean a beginning and an end.

    >>> meant("ab", ["abc", "abd", "xab"]), meant("_7", ["s_17", "s_7"]), meant("a..7", ["a_7", "b_7"])
    (['abc', 'abd'], ['s_7'], ['a_7'])
    """
    known = [trace for trace in dict.fromkeys(traces) if fits(given, trace)]
    if given in known:
        return [given]
    return [trace for trace in known if trace.startswith(given)] or known


def fits(given: str, trace: str) -> bool:
    """Whether a piece of a trace is one of this trace."""
    begin, dots, end = given.replace("..", ELLIPSIS).partition(ELLIPSIS)
    if dots:
        return trace.startswith(begin) and trace.endswith(end)
    return trace.startswith(given) or trace.endswith(given)


def longest_piece(given: str) -> str:
    """The part of what was given that stands in the trace as it is: what to look for in bytes first."""
    return max(given.replace("..", ELLIPSIS).split(ELLIPSIS), key=len)
