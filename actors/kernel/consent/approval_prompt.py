"""Asks for consent on stdin: the exact code, the choices, and code of the user's own if she wants to change it."""

from collections.abc import Callable
from typing import Literal

from actors.kernel.channels.prompts import Prompts
from actors.kernel.consent.approval import Approval, Decided
from actors.kernel.consent.giving_way import unless_others_go_on
from actors.kernel.sockets.client import Client
from beaker.consent.answers import prompt_text, read_answer
from beaker.consent.editing import END_OF_CODE, line_prompt, review_text
from beaker.kernel.requests import Requests

ATTEMPTS = 5
"""Answers that cannot be read, before the prompt gives way."""
BACK: Literal["back"] = "back"
EDIT_LINES = 2_000
"""Of a paste, line by line."""


async def ask_approval(
    approval: Approval,
    client: Client,
    prompts: Prompts,
    requests: Requests,
    *,
    waits_behind: Callable[[], bool],
    patience_s: float,
) -> Decided | None:
    """Put an approval before a client.

    Args:
        requests: the cells that may wait behind the prompt.
        waits_behind: whether a question does.
        patience_s: how long they may.

    Returns:
        Her word; None for later, by her own or because it took too long.
    """
    return await unless_others_go_on(
        _hear(approval, client, prompts), requests, since=approval.turn.face_since, waits_behind=waits_behind, patience_s=patience_s
    )


async def _hear(approval: Approval, client: Client, prompts: Prompts) -> Decided | None:
    """Ask until an answer can be read."""
    text = prompt_text(approval.name, approval.kind, approval.block.code, approval.warning)
    for _ in range(ATTEMPTS):
        answer = read_answer(await prompts.ask(client, text))
        match answer:
            case "later":
                return None
            case "edit" if approval.kind == "code":
                decided = await _edited(approval, client, prompts)
                if not isinstance(decided, str):
                    return decided
            case "always" if approval.kind != "code":
                continue
            case "allow" | "reject" | "always":
                return Decided(answer, approval.block.code)
            case _:
                continue
    return None


async def _edited(approval: Approval, client: Client, prompts: Prompts) -> Decided | Literal["back"] | None:
    """Take code from the user, show it as it would run, and ask again.

    Returns:
        Her word; None for later; BACK if she wrote nothing, or nothing that can be read.
    """
    code = ""
    for _ in range(ATTEMPTS):
        code = code or await _typed(client, prompts)
        if not code.strip():
            break
        match read_answer(await prompts.ask(client, review_text(approval.name, code, approval.block.language))):
            case "allow":
                return Decided("edit", code)
            case "reject":
                return Decided("reject", approval.block.code)
            case "later":
                return None
            case "edit":
                code = ""
            case _:
                continue
    return BACK


async def _typed(client: Client, prompts: Prompts) -> str:
    """Take lines until one ends them, or all of them at once where her client sends line ends."""
    lines: list[str] = []
    while len(lines) < EDIT_LINES:
        text = await prompts.ask(client, line_prompt(len(lines) + 1))
        if "\n" in text:
            return "\n".join([*lines, text.removesuffix(f"\n{END_OF_CODE}")])
        if text.strip() == END_OF_CODE:
            break
        lines.append(text)
    return "\n".join(lines)
