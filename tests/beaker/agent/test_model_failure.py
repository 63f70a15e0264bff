"""How failures read that are about the key: the sentence names the place where it has to be mended."""

import pytest

from beaker.agent.model_failure import Asked, Kind, from_status

ASKED = Asked(model="m", base_url="https://h/v1", key_name="GROQ_API_KEY")


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize(
    ("origin", "note", "words"),
    [
        (
            "environment GROQ_API_KEY",
            "",
            "The endpoint https://h/v1 refused the key (status {}). It comes from environment GROQ_API_KEY: set a valid one where "
            "Jupyter is started, and start Jupyter again.",
        ),
        (
            "pass (agent.key_command)",
            "",
            "The endpoint https://h/v1 refused the key (status {}). It comes from pass (agent.key_command): set a valid one there, "
            "and restart the kernel.",
        ),
        (
            "",
            "The key from environment OPENAI_API_KEY is not sent there, because the address comes from /nb.",
            "The endpoint https://h/v1 wants a key (status {}). The key from environment OPENAI_API_KEY is not sent there, because the "
            "address comes from /nb. Set key and address in one place, and restart the kernel; Jupyter, if that place is its environment.",
        ),
        (
            "",
            "",
            "The endpoint https://h/v1 wants a key (status {}), and there is none. Set GROQ_API_KEY where Jupyter is started, or, in a "
            "checkout, in a copy of env.example called .env, for make dev; then start Jupyter again.",
        ),
    ],
)
def test_a_refused_key_is_told_with_its_place(status: int, origin: str, note: str, words: str) -> None:
    asked = Asked(model="m", base_url=ASKED.base_url, key_name=ASKED.key_name, key_origin=origin, key_note=note)
    failure = from_status(status, "bad key sk-canary", asked, retry_after_s=None, offered=[])
    assert (failure.kind, failure.reason, failure.retryable) == ("key", words.format(status), False)


@pytest.mark.parametrize(
    ("status", "said", "kind"),
    [
        (400, "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens", "long"),
        (400, "the request exceeds the available context size, try increasing it", "long"),
        (400, "prompt is too long: 210000 tokens > 200000 maximum", "long"),
        (413, "Your input is too long for this model (context_length_exceeded)", "long"),
        (413, "Request too large for model `x` on tokens per minute (TPM): Limit 6000, Requested 8123", "long"),
        (429, "Request too large for gpt-x on tokens per min (TPM): Limit 30000, Requested 41000.", "long"),
        (429, "Rate limit reached for gpt-x on tokens per min (TPM): Limit 30000, Used 29000, Requested 1200.", "rate"),
        (400, "Conversation roles must alternate user/assistant/user/assistant/...", "roles"),
        (400, "System role not supported", "roles"),
        (500, "Only user and assistant roles are supported!", "roles"),
        (400, "this model does not support tools", "tools"),
        (400, "unknown field", "refused"),
        (401, "System role not supported", "key"),
    ],
)
def test_what_a_model_does_not_take_is_known_by_its_endpoints_words(status: int, said: str, kind: Kind) -> None:
    assert from_status(status, said, ASKED, retry_after_s=None, offered=[]).kind == kind
