"""`llm_request`: a question of an interface that knows us, and what is wrong with one."""

from typing import Literal

import msgspec

from beaker.errors import unknown_name
from beaker.kernel.commands.command import Refused
from beaker.kernel.commands.words import size_words
from beaker.kernel.custom.notebook_state import read_notebook
from beaker.kernel.custom.reading import read
from beaker.kernel.question import MODES, Ask, check_prompt
from beaker.messages.consent import Mode
from beaker.messages.look import Mentioned

MSG_TYPE = "llm_request"
Way = Literal["messages", "stdin", "never"]
WAYS: tuple[Way, ...] = ("messages", "stdin", "never")

ATTACHMENTS = 20
"""More than a person chooses by hand; each is a part of the prompt."""
ATTACHED_BYTES = 64_000
"""Of all attachments: with the longest question, history and cells they must fit into one message of 1 MB between processes."""

MODEL_LIMIT_CHARS = 200
"""Of a model's name: the longest that are known have 100."""


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """A text that belongs to a question. The model is told that it is data."""

    name: str
    """As the user knows it: a file's name, `selection`."""
    text: str


class LlmRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The content of `llm_request`."""

    request: str
    """The question."""
    mode: str | None = None
    """How code of the model is treated, as `--mode` of `%%ai`; None: as configured."""
    model: str | None = None
    """Which model answers, as `--model` of `%%ai`; None: as configured."""
    attachments: list[Attachment] = []
    consent: str = "messages"
    """How the user is asked before code of the model runs: `messages` (`approval_request`), `stdin` (an input_request), or `never`:
    then nothing runs, and the model is told so."""
    allow_stdin: bool = True
    """Whether this client answers an input_request, by which the model may ask back."""


class Questioned(msgspec.Struct, frozen=True, kw_only=True):
    """A question that can be asked."""

    ask: Ask
    consent: Way
    allow_stdin: bool


def read_llm_request(content: bytes, metadata: bytes = b"{}") -> Questioned | Refused:
    """What is asked, or why it cannot be.

    Args:
        metadata: of the request; see `notebook_state`.
    """
    found = read(content, LlmRequest, msg_type=MSG_TYPE)
    if isinstance(found, Refused):
        return found
    question = found.request.strip()
    if not question:
        return Refused(reason="There is no question: `request` of llm_request is empty.")
    mode: Mode | None = next((known for known in MODES if known == found.mode), None)
    if mode is None and found.mode is not None:
        return Refused(reason=unknown_name("a mode of llm_request", found.mode, MODES))
    if found.model is not None and not (found.model.isprintable() and len(found.model) <= MODEL_LIMIT_CHARS):
        return Refused(reason=f"`model` of llm_request is no name of a model: {found.model[:60]!r}.")
    consent: Way | None = next((known for known in WAYS if known == found.consent), None)
    if consent is None:
        return Refused(reason=unknown_name("a way of consent of llm_request", found.consent, WAYS))
    attached = _attached(found.attachments)
    if refused := check_prompt(question) or (attached if isinstance(attached, Refused) else None):
        return refused
    if consent == "stdin" and not found.allow_stdin:
        consent = "never"
    assert not isinstance(attached, Refused), "returned above"
    notebook = read_notebook(metadata)
    ask = Ask(prompt=question, model=found.model or None, mode=mode, attached=(*attached, *([notebook] if notebook else [])))
    return Questioned(ask=ask, consent=consent, allow_stdin=found.allow_stdin)


def _attached(attachments: list[Attachment]) -> tuple[Mentioned, ...] | Refused:
    """As data beside the question. They are no part of its text: whatever they mention must not be looked up."""
    size = sum(len(each.text.encode(errors="replace")) for each in attachments)
    if size > ATTACHED_BYTES or len(attachments) > ATTACHMENTS:
        sizes = f"{len(attachments)} attachments of {size_words(size)}; at most {ATTACHMENTS} of {size_words(ATTACHED_BYTES)} together"
        return Refused(reason=f"There are {sizes} are possible. Write the data to a file and mention it by `@file:NAME`.")
    for each in attachments:
        if each.text and check_prompt(each.text) is not None:
            return Refused(reason=f"The attachment {each.name[:60]!r} holds binary data, not text.")
    return tuple([Mentioned(label=_one_line(each.name), text=each.text) for each in attachments])


def _one_line(name: str) -> str:
    return " ".join(name.encode(errors="replace").decode().split())[:100]
