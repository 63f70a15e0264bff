"""Gathers what `%beaker status` says, from outside: no code runs in the session."""

import os
import time

from actors.kernel.consent.consent import Consent
from actors.kernel.questions.turn import Turn
from actors.kernel.questions.turns import Turns
from actors.kernel.state.state import KernelState
from beaker import places
from beaker.kernel.commands.status import RunningTurn, StatusFacts
from beaker.kernel.commands.usage import Limits
from beaker.messages.consent import StandingTold


def gather(state: KernelState, turns: Turns, consent: Consent, standing: StandingTold | None) -> StatusFacts:
    """Look at the kernel as it is now.

    Args:
        standing: what the Supervisor told; None if it does not answer.
    """
    now, clock = time.time(), time.monotonic()
    running = state.requests.running()
    subkernel = state.subkernel
    return StatusFacts(
        now=now,
        kernel_id=state.kernel_id,
        kernel_pid=os.getpid(),
        kernel_started_at=state.started_at,
        front_replaced=state.taken_over is not None,
        supervisor_pid=state.supervisor_pid,
        supervisor_trouble=state.supervisor_trouble,
        spec_name=subkernel.spec_name if subkernel else state.settings.subkernel.spec,
        display_name=subkernel.display_name if subkernel else "",
        language=state.language,
        state=state.phase.value,
        trouble=state.hang_words,
        reason=state.dead_reason,
        generation=state.generation,
        subkernel_pid=subkernel.pid if subkernel else None,
        subkernel_started_at=subkernel.started_at if subkernel else None,
        adopted=subkernel.adopted if subkernel else False,
        memory_bytes=_resident_bytes(subkernel.pid) if subkernel and subkernel.pid else None,
        running_count=running.count if running else None,
        cell_runs=running is not None,
        running_for_s=clock - running.since if running and running.since else None,
        may_lack_input=running is not None and running.inherited and not state.stdin_routing.asks(running.idents),
        waiting_cells=state.requests.waiting(),
        agent_state=turns.agent_state,
        agent_trouble=turns.agent_watch.words,
        agent_pid=turns.agent_pid,
        model=turns.course.answered_by,
        turns=tuple(_running(turn, clock) for turn in turns.all_running()),
        approvals=tuple(consent.approvals.facts),
        always="" if standing is None or not standing.always else "all" if standing.though_tainted else "untainted",
        tally=turns.course.tally,
        limits=Limits(
            turn_tokens=state.settings.agent.turn_token_limit,
            session_tokens=state.settings.agent.session_token_limit,
            session_usd=state.settings.agent.session_cost_limit_usd,
        ),
        not_saving=state.surroundings.not_saving(),
        log_path=str(places.state_folder(state.surroundings.environment) / "logs"),
    )


def _running(turn: Turn, clock: float) -> RunningTurn:
    return RunningTurn(number=turn.number, for_s=clock - turn.since, words=turn.display.words, asks=turn.asks)


def _resident_bytes(pid: int) -> int | None:
    """Memory of a process; None where /proc does not tell (macOS, a process that just ended)."""
    try:
        with open(f"/proc/{pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return None
