"""`%beaker model [NAME]`: what answers, what could, and another choice for this kernel."""

from beaker.errors import nearest
from beaker.kernel.commands.command import Command, Entry, Order, Refused
from beaker.kernel.commands.usage import usage_words
from beaker.kernel.commands.words import Table, Words, escaped
from beaker.kernel.tally import Tally
from beaker.messages.context import ModelsListed

SHOWN = 60
"""Names of models: some endpoints have hundreds."""

NAME_LIMIT_CHARS = 200
"""No endpoint has longer names."""


_NOTHING = Tally()


class ChooseModel(Order, frozen=True, kw_only=True):
    """Show the model, or set it."""

    name: str = ""
    """Empty: only show."""


def _read(words: list[str]) -> Order:
    if len(words) > 1:
        return Refused(reason=f"`%beaker model` takes the name of one model, and there is {' '.join(words)[:60]!r}.")
    name = words[0] if words else ""
    if len(name) > NAME_LIMIT_CHARS or not name.isprintable():
        return Refused(reason=f"{name[:60]!r} is no name of a model.")
    return ChooseModel(name=name)


MODEL = Command(
    "model",
    Entry(
        "%beaker model [NAME]",
        "what answers and what the endpoint offers; sets another model for this kernel",
        "`%beaker model` asks the endpoint what it offers. `%beaker model NAME` sets the model for all questions to come in this kernel; "
        "`%%ai --model NAME` is for one question, and `BEAKER_MODEL` for all kernels. An endpoint that does not answer holds nothing up: "
        "the name is set and not checked.",
    ),
    _read,
)


def model_words(listed: ModelsListed, chosen: str, tally: Tally = _NOTHING) -> Words:
    """Say what answers.

    Args:
        listed: what the agent told.
        chosen: the model that was set in this kernel; empty if none was.
        tally: what its answers took.
    """
    if chosen:
        answers = f"{chosen} (set in this kernel)"
    elif listed.model:
        answers = f"{listed.model} (as configured)"
    else:
        answers = listed.offered[0] if listed.offered else "not known yet"
    names = ", ".join(listed.offered[:SHOWN])
    more = f" and {len(listed.offered) - SHOWN} more" if len(listed.offered) > SHOWN else ""
    offers = names + more if names else "no list"
    rows = [("model", answers), ("endpoint", listed.endpoint), ("offers", offers)]
    rows += [("usage", used)] if (used := usage_words(tally)) else []
    table = Table(columns=("", ""), rows=rows)
    below = listed.problem or "%beaker model NAME sets another one for this kernel."
    return Words(plain=f"{table.plain()}\n\n{below}\n", markdown=f"{table.markdown()}\n\n{escaped(below)}\n")


def check_model(name: str, listed: ModelsListed) -> str | Refused:
    """Whether a model may be set: a sentence that says that it is, or a refusal with the valid names.

    >>> check_model("llama", ModelsListed(endpoint="http://box/v1", model="", offered=["llama:8b", "qwen"]))
    "Questions in this kernel are answered by 'llama' from now on."
    """
    # Ollama adds a tag to names, Gemini stands `models/` in front; both take the name without.
    known = [offered for offered in listed.offered if offered in {name, f"models/{name}"} or offered.startswith(f"{name}:")]
    done = f"Questions in this kernel are answered by {name!r} from now on."
    if known:
        return done
    if not listed.offered:
        return f"{done} It could not be checked: {listed.problem or 'the endpoint has no list of its models.'}"
    near = nearest(name, listed.offered)
    guess = f" Did you mean {near!r}?" if near else ""
    more = f" and {len(listed.offered) - SHOWN} more" if len(listed.offered) > SHOWN else ""
    names = ", ".join(listed.offered[:SHOWN]) + more
    return Refused(reason=f"{name!r} is not a model of {listed.endpoint}.{guess} There are: {names}. {listed.problem}".rstrip())
