"""What users of other assistants type behind `%ai` and mean as a command: a sentence with the command that does it here.

Only a question that is nothing but such words is taken for one: `%ai help` is, `%ai help me plot df` is a question. What stands behind
`--` is always a question.
"""

import re
from collections.abc import Mapping

from beaker.errors import unknown_name
from beaker.kernel.commands.command import Refused

_MODELS = "`%beaker model` lists the models of your endpoint, and `%beaker model NAME` chooses one"
_HELP = "`%beaker help` lists what beaker can do, and `%%ai?` says how questions are asked"
_RESET = "`%beaker reset` forgets the conversation"
_NO_ALIASES = "there are no aliases here: `%%ai --model NAME` asks a model by its own name, `%beaker model NAME` sets it for all questions"

_WORDS: Mapping[str, str] = {
    r"help|commands": _HELP,
    r"list|models?|list \S+|model \S+": _MODELS,
    r"reset|clear|new|new (?:chat|conversation)": _RESET,
    r"history": "`%beaker history` shows the conversation",
    r"status|version": "`%beaker status` shows the processes behind the notebook",
    r"config|settings": "`%beaker config` shows every setting and where it came from",
    r"stop|cancel": "`%beaker stop` ends the answers that are being given",
    r"restart": "`%beaker restart` gives a fresh session, `%beaker restart agent` only a fresh agent",
    r"contexts?|context \S+|personas?": "`%beaker context` lists the contexts, and `%beaker context NAME` chooses one",
    r"undo": "there is nothing that takes a run back; `%beaker history` shows what was asked and proposed",
    r"aliases|update|(?:alias|register) \S+ \S+|(?:dealias|delete) \S+": _NO_ALIASES,
    r"error": "`%%ai explain the last error` asks for it in words",
}
"""By what stands there, with or without a slash: jupyter-ai's line magics, and what chats know."""

_PROVIDERS = (
    r"(?:ai21|anthropic(?:-chat)?|azure(?:-chat-openai|-openai)?|bedrock(?:-chat|-custom)?|cohere|deepseek|gemini|google|gpt4all|groq|"
    r"huggingface(?:_hub)?|lmstudio|mistral(?:ai)?|nvidia-chat|ollama|openai(?:-chat|-chat-new)?|openrouter|sagemaker-endpoint|together(?:ai)?|"
    r"vertexai|vllm)"
)
_MODEL_LINE = rf"{_PROVIDERS}[:/](?P<model>\S+)"
"""`%%ai provider/model` or `provider:model` alone on the first line, as jupyter-ai takes it."""

_SHORT = {"-m": "--model", "-b": "--background"}
_SHORT_OPTION = r"(?P<name>-[A-Za-z?])(?=[\s=]|$)"


def taken_for_command(first: str, body: str) -> Refused | None:
    """The command that is meant; None if this is a question.

    Args:
        first: the first line, without options.
        body: what stands below.
    """
    whole = f"{first}{body}".strip()
    if "\n" not in whole and "\r" not in whole:
        text = " ".join(whole.removeprefix("/").split()).lower()
        for pattern, sentence in _WORDS.items():
            if re.fullmatch(pattern, text):
                return Refused(reason=f"{sentence[:1].upper()}{sentence[1:]}. To ask the model just this, write it behind `--`.")
    elif found := re.fullmatch(_MODEL_LINE, first.strip()):
        model = found["model"]
        return Refused(
            reason=f"A model is named by an option, as its endpoint calls it: `%%ai --model {model[:100]}`, and the question behind it."
        )
    return None


def short_option(first: str, options: Mapping[str, object]) -> Refused | None:
    """What an option of one letter should be; None if there is none."""
    found = re.match(_SHORT_OPTION, first)
    if found is None:
        return None
    name = found["name"]
    known = _SHORT.get(name)
    sentence = f"`{name}` is no option of %%ai; `{known}` is." if known else unknown_name("an option of %%ai", name, options)
    return Refused(reason=f"{sentence} A question that begins with a dash goes behind `--`.")
