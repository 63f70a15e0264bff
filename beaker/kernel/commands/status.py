"""`%beaker status`, and how it reads."""

from collections.abc import Iterator
from typing import Literal

import msgspec

from beaker.kernel.commands.allow import OpenApproval, state_words
from beaker.kernel.commands.command import Command, Entry, Order, taking_nothing
from beaker.kernel.commands.usage import Limits, budget_words, usage_words
from beaker.kernel.commands.words import Table, Words, duration_words, quoted, size_words
from beaker.kernel.tally import Tally


class ShowStatus(Order, frozen=True, kw_only=True):
    """Show what runs."""


STATUS = Command(
    "status",
    Entry(
        "%beaker status",
        "the subkernel, the agent and the log file: what runs, since when, how much waits",
        "Shows the kernel that runs your ordinary cells (its process, how long it is up, the cell that runs now, how many wait), the "
        "agent that answers questions with its model, what they took of tokens, money and budgets as far as the endpoint counts, and where "
        "the log is. It looks from outside: no code runs in your session.",
    ),
    taking_nothing("status", ShowStatus()),
)


class RunningTurn(msgspec.Struct, frozen=True, kw_only=True):
    """A question that is being answered."""

    number: int
    """What `%beaker stop` takes."""
    for_s: float
    """Since it was asked."""
    words: str = ""
    """What it waits for, if it waits."""
    asks: str = ""
    """What the model asks the user at a prompt that stands open."""


class StatusFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to say, gathered without touching the session. What is unknown is left out of the text."""

    now: float
    """Wall clock, seconds since the epoch; so are all that end in `_at`."""
    kernel_id: str
    """As it stands in `ps` and in the names of the logs."""
    kernel_pid: int
    """The process that frontends talk to."""
    kernel_started_at: float
    """When that process took the kernel up."""
    front_replaced: bool = False
    """It took over from a process that was lost, with the living subkernel."""
    supervisor_pid: int | None = None
    """None: not known, or lost just now."""
    supervisor_trouble: str = ""
    """What is wrong with it; empty while it answers."""
    spec_name: str = ""
    """The subkernel's kernelspec."""
    display_name: str = ""
    """As the kernelspec calls it."""
    language: str = ""
    """As the kernelspec names it."""
    state: Literal["starting", "running", "restarting", "stopped", "dead"]
    """Of the subkernel's life."""
    trouble: str | None = None
    """What `beaker.subkernels.hang_words` says; None while all is well."""
    reason: str = ""
    """For `dead`: what happened, with the last lines of stderr."""
    generation: int = 0
    """Which of its lives this is, from 1."""
    subkernel_pid: int | None = None
    """None: none runs, or on another machine."""
    subkernel_started_at: float | None = None
    """None: none runs."""
    adopted: bool = False
    """A Supervisor before this one had started it."""
    memory_bytes: int | None = None
    """Of the subkernel's process."""
    cell_runs: bool = False
    """A cell of the user's."""
    running_count: int | None = None
    """The number of the cell that runs; None while it is not known."""
    running_for_s: float | None = None
    """None: no cell runs, or it is not known since when."""
    may_lack_input: bool = False
    """That cell was begun before this kernel process, and no question of it is known: if it called `input()` while there was none, the
    question is lost."""
    waiting_cells: int = 0
    """Behind the running one."""
    agent_state: Literal["not started", "starting", "running"] = "not started"
    """Of the agent's process."""
    agent_trouble: str = ""
    """What is wrong with it; empty while it answers."""
    agent_pid: int | None = None
    """None: none runs."""
    model: str = ""
    """What answers, as it is shown at answers; empty: not known before the first question."""
    turns: tuple[RunningTurn, ...] = ()
    """Oldest first."""
    approvals: tuple[OpenApproval, ...] = ()
    """What waits to be allowed or rejected."""
    always: Literal["", "untainted", "all"] = ""
    """Whether harmless code by the model runs without asking, and `all`: also where the model has read text that nobody vouches for."""
    tally: Tally = Tally()
    """What the questions took."""
    limits: Limits | None = None
    """What they may take."""
    log_path: str = ""
    """The file or folder of the logs."""
    not_saving: str = ""
    """Why the gateway writes down nothing of its kernels; empty: it does, or there is none."""


LOST_INPUT = "if the running one waits for an `input()` that went with the kernel process before this one, an interrupt ends it"


def status_words(facts: StatusFacts) -> Words:
    """The text of `%beaker status`: a line for each thing that can be said."""
    rows = [(name, value) for name, value in _rows(facts) if value]
    table = Table(columns=("", ""), rows=rows)
    plain, markdown = table.plain(), table.markdown()
    if facts.reason:
        plain += f"\n\n{facts.reason.rstrip()}"
        markdown += f"\n\n{quoted(facts.reason)}"
    return Words(plain=plain + "\n", markdown=markdown + "\n")


def _rows(facts: StatusFacts) -> Iterator[tuple[str, str]]:
    yield "subkernel", _subkernel(facts)
    yield "cells", _cells(facts)
    yield "memory", "" if facts.memory_bytes is None else f"{size_words(facts.memory_bytes)} in the subkernel"
    yield "agent", _agent(facts)
    yield "questions", "; ".join(_turn(turn) for turn in facts.turns)
    yield "usage", usage_words(facts.tally)
    yield "budget", "" if facts.limits is None else budget_words(facts.tally, facts.limits)
    yield "waiting", _approvals(facts)
    yield "consent", _always(facts)
    yield "kernel", _kernel(facts)
    yield "supervisor", _supervisor(facts)
    yield "not saving", _not_saving(facts)
    yield "log", facts.log_path


def _subkernel(facts: StatusFacts) -> str:
    names = [name for name in (facts.display_name, facts.spec_name) if name]
    name = f"{names[0]} ({names[1]})" if len(names) > 1 and names[0] != names[1] else "".join(names[:1])
    life = {"dead": "given up; %beaker restart starts a fresh one", "stopped": "shut down"}.get(facts.state, facts.state)
    parts = [name, facts.trouble or life]
    if facts.state not in {"dead", "stopped"}:
        parts += [_pid(facts.subkernel_pid), _up(facts.now, facts.subkernel_started_at)]
        if facts.generation > 1:
            parts.append(f"{_ordinal(facts.generation)} life")
        if facts.adopted:
            parts.append("kept when its supervisor was replaced")
    return _joined(parts)


def _cells(facts: StatusFacts) -> str:
    running = "none runs"
    if facts.cell_runs:
        number = "one" if facts.running_count is None else f"[{facts.running_count}]"
        running = f"{number} runs"
    if facts.running_for_s is not None:
        running += f" for {duration_words(facts.running_for_s)}"
    words = _joined([running, f"{facts.waiting_cells} waiting" if facts.waiting_cells else ""])
    return f"{words}; {LOST_INPUT}" if facts.may_lack_input else words


def _agent(facts: StatusFacts) -> str:
    if facts.agent_state == "not started":
        return _joined(["not running; the next question starts it", facts.model and f"model {facts.model}"])
    trouble = facts.agent_trouble and f"{facts.agent_trouble} (`%beaker restart agent` ends it)"
    return _joined([trouble or facts.agent_state, _pid(facts.agent_pid), facts.model and f"model {facts.model}"])


def _turn(turn: RunningTurn) -> str:
    asks = f"asks you at a prompt: {turn.asks}; `%beaker stop {turn.number}` ends it" if turn.asks else ""
    return _joined([f"number {turn.number} for {duration_words(turn.for_s)}", asks or turn.words])


def _approvals(facts: StatusFacts) -> str:
    if not facts.approvals:
        return ""
    named = ", ".join(f"{approval.name} ({state_words(approval)})" for approval in facts.approvals)
    first = facts.approvals[0].name
    return f"{named}: `%beaker allow {first}` or `%beaker reject {first}`; `%beaker allow` shows the code"


def _always(facts: StatusFacts) -> str:
    if not facts.always:
        return ""
    tainted = "also where" if facts.always == "all" else "but not where"
    what = f"`always`: harmless code runs without asking, {tainted} the model has read untrusted data"
    return f"{what}; `%beaker reject always` takes it back"


def _kernel(facts: StatusFacts) -> str:
    supervisor = "" if facts.supervisor_pid is None else f"supervisor pid {facts.supervisor_pid}"
    replaced = "replaced one that was lost, and kept your variables" if facts.front_replaced else ""
    return _joined([facts.kernel_id, _pid(facts.kernel_pid), _up(facts.now, facts.kernel_started_at), supervisor, replaced])


def _not_saving(facts: StatusFacts) -> str:
    if not facts.not_saving:
        return ""
    return f"{facts.not_saving}; cells run on, but a gateway that is killed now does not find again what changes meanwhile"


def _supervisor(facts: StatusFacts) -> str:
    if not facts.supervisor_trouble:
        return ""
    return _joined([facts.supervisor_trouble, _pid(facts.supervisor_pid), "interrupts and restarts wait for it; cells run on"])


def _pid(pid: int | None) -> str:
    return "" if pid is None else f"pid {pid}"


def _up(now: float, started_at: float | None) -> str:
    return "" if started_at is None else f"up {duration_words(now - started_at)}"


def _ordinal(number: int) -> str:
    suffix = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"


def _joined(parts: list[str]) -> str:
    return ", ".join(part for part in parts if part)
