"""What a failure of the contents is answered with."""

from typing import Final

from beaker.contents.failures import Changed, ContentsError, NoRoom, NotAllowed, NotFree, NotThat, NotThere, Torn

STATUS: Final[dict[type[ContentsError], tuple[int, str]]] = {
    NotThere: (404, "not_found"),
    NotAllowed: (403, "forbidden"),
    Changed: (412, "changed"),
    NotFree: (409, "conflict"),
    NotThat: (400, "bad_request"),
    NoRoom: (507, "no_room"),
    Torn: (507, "torn"),
}
"""And with which word for programs: the sentence is for people."""


def status_of(failure: ContentsError) -> tuple[int, str]:
    """The status and the word."""
    return next((answer for kind, answer in STATUS.items() if isinstance(failure, kind)), (500, "internal"))


def sentence(failure: ContentsError) -> str:
    """Its words as a sentence.

    >>> sentence(NotThere("there is no 'a'"))
    "There is no 'a'."
    """
    text = str(failure)
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")
