"""Composes the AgentActor of one kernel from plain settings, for a process of its own or for one that it shares with others."""

import asyncio
import os
import sys
from functools import partial

from actors.agent.actor import AgentActor
from actors.agent.model import Model
from actors.agent.order import AgentOrder
from actors.agent.sdk_import import SdkBroken, load_model_stream
from actors.agent.silence import StreamTimeouts
from actors.agent.turn_run import RunLimits
from actors.runtime.clock import Clock
from actors.runtime.link import Link
from actors.runtime.supervision import RestartPolicy
from beaker import places
from beaker.agent.budget import Budget
from beaker.agent.endpoint import Unusable, choose_endpoint, read_presets
from beaker.agent.model_failure import ModelFailure
from beaker.agent.turn_state import TurnLimits
from beaker.contexts.import_marks import ImportMarks
from beaker.settings.schema import AgentSettings

NO_RESTART = RestartPolicy(limit=0)
"""After a crash the link to the kernel breaks, so that the KernelActor sees it and ends every turn: a question that arrived between
two lives of the actor would never be answered."""


def make_actor(
    link: Link, order: AgentOrder, key: str | None, clock: Clock, *, marks: ImportMarks | None = None, shared: bool = False
) -> AgentActor:
    """Compose the AgentActor of a kernel.

    Args:
        link: to its kernel.
        order: what the kernel hands down.
        key: the model's.
        marks: what says which context is being imported.
        shared: other conversations are held by this process, so that code of plugins does not run in it.
    """
    settings = order.settings
    return AgentActor(
        link.ref("kernel"),
        partial(load_model, order, key, clock),
        is_gone=link.closed.done,
        limits=RunLimits(
            turn=TurnLimits(
                steps=settings.step_limit,
                repairs=settings.repair_limit,
                calls=settings.call_limit,
                retry_after_s=settings.retry_after_limit_s,
                budget=Budget(
                    turn_tokens=settings.turn_token_limit,
                    session_tokens=settings.session_token_limit,
                    session_cost_usd=settings.session_cost_limit_usd,
                ),
            ),
            time_s=settings.turn_time_limit_s,
            calls_per_s=settings.requests_per_s,
            answers=str(places.state_folder(os.environ) / "answers"),
        ),
        marks=marks,
        shared=shared,
    )


async def load_model(order: AgentOrder, key: str | None, clock: Clock) -> Model | ModelFailure:
    """Choose the endpoint and load the way to it; with nothing configured, to the demo model."""
    settings = order.settings
    chosen = choose_endpoint(
        order.key,
        read_presets(),
        model=settings.model,
        base_url=settings.base_url,
        ground=order.endpoint_ground,
        key_missed=order.key_missed,
    )
    if isinstance(chosen, Unusable):
        return ModelFailure(kind="refused", reason=chosen.reason)
    try:
        model_stream = await load_model_stream()
    except SdkBroken as error:
        reason = f"The openai package cannot be used: {error}. Install it anew: {sys.executable} -m pip install 'openai>=3'."
        return ModelFailure(kind="refused", reason=reason)
    # In a thread: the certificates of a client take 50 ms to be read, in which other conversations of this process go on.
    return await asyncio.to_thread(model_stream, chosen, key if chosen.key_origin else None, timeouts_of(settings), clock=clock)


def timeouts_of(settings: AgentSettings) -> StreamTimeouts:
    """The limits of one model call."""
    return StreamTimeouts(
        connect_s=settings.connect_timeout_s,
        first_byte_s=settings.first_byte_timeout_s,
        silence_s=settings.silence_timeout_s,
        words_after_s=settings.waiting_words_after_s,
    )
