"""How long a question may be, for the kernel that takes it and the agent that is handed it: one number and one sentence."""

from beaker.kernel.commands.words import size_words

PROMPT_LIMIT_BYTES = 256_000
"""Of a question in UTF-8: about 64,000 tokens. With history and cells it must fit into one message of 1 MB between processes."""


def too_long(prompt: str) -> str | None:
    """Say why a question is too long, or None."""
    if len(prompt) * 4 <= PROMPT_LIMIT_BYTES:
        return None
    size = len(prompt.encode(errors="surrogatepass"))
    return too_long_words(size) if size > PROMPT_LIMIT_BYTES else None


def too_long_words(size: int) -> str:
    """Say that so many bytes are too many."""
    lengths = f"The question is {size_words(size)} long, and {size_words(PROMPT_LIMIT_BYTES)} is the most."
    return f"{lengths} Put the data into a file or a variable and ask about that."
