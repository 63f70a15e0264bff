"""Consent: what the agent wants run, from the wish to the grant.

The Supervisor holds the policy; here it is asked, and the user is where it says so. An *approval* is one open question to her. It is
put to the client that asked the question, on stdin, or *parked* where that cannot be or must not last: then its cell is done,
and `%beaker allow A3` in another cell takes it up. Approvals belong to this process and not to the agent, so that they outlive it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from actors.kernel.channels.prompts import Prompts
from actors.kernel.consent.approval import Approval, Decided
from actors.kernel.consent.approval_prompt import ask_approval
from actors.kernel.consent.approvals import Approvals
from actors.kernel.consent.clearance import Clearance, Cleared, NotAllowed
from actors.kernel.questions.agent_door import AgentDoor
from actors.kernel.questions.course import Course
from actors.kernel.questions.face import Face
from actors.kernel.questions.turn import Turn
from actors.kernel.sockets.client import Client
from actors.kernel.state.state import KernelState
from actors.runtime.actor import ActorContext
from beaker.consent.answers import reasons, waiting_words, what_words
from beaker.consent.grants import code_hash
from beaker.consent.office import REJECTED
from beaker.consent.risk import risks_of
from beaker.kernel.commands.command import Refused
from beaker.kernel.turn_display import RunBlock
from beaker.messages.consent import (
    Decision,
    Kind,
    RunDecided,
    RunGranted,
    RunToBeAsked,
    RunWanted,
)
from beaker.messages.kernel import KernelMessage
from beaker.messages.running import Parked
from beaker.wire.parts import read_header

NOT_RUN = "was not run"
TAKEN_OVER = "The user took this code over as a cell of her own, to change it and run it herself. Look at what she ran before you go on."

DECIDED: dict[Decision, str] = {
    "allow": "was allowed",
    "always": "was allowed",
    "edit": "was changed and allowed",
    "reject": "was rejected",
}
"""What stands beside code in the cell in which it was decided about, until it runs."""

Free = Callable[[RunBlock], Awaitable[bool]]
"""Returns once nothing of the user's is in the way of what a block shows: whether it had to wait for that."""


class Consent:
    """Holds the approvals of one kernel.

    Args:
        waits_behind: whether another question waits for a turn.
        on_parked: called when a turn waits no longer at its cell: the next question may be put.
    """

    def __init__(
        self,
        state: KernelState,
        context: ActorContext[KernelMessage],
        clearance: Clearance,
        agent: AgentDoor,
        prompts: Prompts,
        course: Course,
        *,
        waits_behind: Callable[[Turn], bool],
        on_parked: Callable[[], None],
    ) -> None:
        self._state = state
        self._context = context
        self._clearance = clearance
        self._agent = agent
        self._prompts = prompts
        self._course = course
        self._waits_behind = waits_behind
        self._on_parked = on_parked
        self.approvals = Approvals()

    # The way of a wish.

    async def clear(self, turn: Turn, kind: Kind, code: str, language: str, *, free: Free | None = None) -> Cleared:
        """Let the Supervisor decide, and the user where it says so.

        Args:
            code: the exact text; empty unless something is to be run.
            free: waited for before the grant is given, which is good for minutes while a cell of the user's may run for hours.

        Raises:
            NotAllowed: it must not run.
        """
        block = turn.display.run(self._course.name_approval(), code, language)
        digest = code_hash(code, language=language, kind=kind)
        risks = risks_of(code, language, self._state.transcript.codes()) if kind == "code" else ("session",)
        wanted = RunWanted(
            kind=kind, code_hash=digest, generation=self._state.generation, mode=turn.mode, tainted=turn.tainted, risks=risks
        )
        taken_over = False
        try:
            while isinstance(reply := await self._clearance.ask(wanted), RunGranted) and free is not None and await free(block):
                pass  # it waited: what it has may be too old by now
            if isinstance(reply, RunToBeAsked):
                decided = await self._ask_user(turn, kind, block, reasons(risks, tainted=turn.tainted))
                taken_over = decided.taken_over
                if decided.decision == "edit":
                    code, digest = decided.code, code_hash(decided.code, language=language, kind=kind)
                    block.code = code.rstrip("\n")
                if free is not None and decided.decision != "reject":
                    await free(block)
                word = RunDecided(want=reply.want, decision=decided.decision, code_hash=digest)
                reply = await self._clearance.report(wanted, word)
        except NotAllowed as refused:
            rejected = str(refused) == REJECTED
            block.words = f"{NOT_RUN}: {'the user took it over' if taken_over else 'the user does not want it'}" if rejected else NOT_RUN
            turn.face.wanted(block, "")
            if rejected and taken_over:
                raise NotAllowed(TAKEN_OVER) from None
            raise
        assert isinstance(reply, RunGranted)
        block.words = "" if kind == "code" else f"{what_words(kind)} — allowed"
        return Cleared(reply.grant, code, digest, wanted.generation, block)

    # What the user says.

    def resume(self, name: str, face: Face, decision: Decision, code: str = "") -> str:
        """An approval is decided in another cell or by message, and the answer goes on there, below the exact code.

        It may be one that is being asked: a prompt whose page was closed can be answered by nobody, and looks like any other.

        Args:
            code: for `edit`.

        Returns:
            Why that cannot be; empty if it was done.
        """
        approval = self.approvals.find(name)
        if approval is None:
            return self.approvals.unknown(name, former=self._course.former_approvals)
        if refusal := approval.refusal(decision):
            return refusal
        turn = approval.turn
        approval.parked = approval.gave_way = turn.parked = False
        approval.block.below = f"{name} was decided in another cell, and the answer goes on there"
        turn.face.park(approval.block.below)
        approval.block.words, approval.block.below = DECIDED[decision], ""
        turn.display.begin_part(again=approval.block)
        turn.face, turn.face_since, turn.closed = face, time.monotonic(), False
        face.open(turn.display)
        self._decide(approval, decision, code if decision == "edit" else approval.block.code)
        return ""

    def take_over(self, name: str) -> str | Refused:
        """The user wants the code as a cell of her own; what is being asked is put off.

        Returns:
            The code, or why that cannot be.
        """
        approval = self.approvals.find(name)
        if approval is None:
            return Refused(reason=self.approvals.unknown(name, former=self._course.former_approvals))
        if approval.kind != "code":
            return Refused(reason=f"{name} can be allowed or rejected: there is no code in it.")
        approval.taken_over = True
        self._park(approval)
        return approval.block.code

    def answer(self, name: str, decision: Decision | None, code: str, *, idents: list[bytes], session: str) -> str:
        """An interface that knows us answers; taken only from the client session that was asked.

        Args:
            decision: None for `later`.
            code: for `edit`.

        Returns:
            Why it was not taken; empty if it was.
        """
        approval = self.approvals.find(name)
        if approval is None or approval.parked or approval.asked is None:
            return f"Nothing named {name} is being asked."
        if approval.asked.idents != idents or read_header(approval.asked.header).session != session:
            self._state.log.warning("approval.answered_by_another", approval=name)
            return f"{name} was asked of another client."
        if refusal := approval.refusal(decision):
            return refusal
        if decision is None:
            self._park(approval)
        else:
            self._decide(approval, decision, code if decision == "edit" else approval.block.code)
        return ""

    def interrupted(self, *, park: bool) -> None:
        """An interrupt came.

        Args:
            park: everything that is being asked gives way.
        """
        for approval in self.approvals:
            approval.gave_way = park and approval.asked is not None
            if approval.gave_way:
                self._park(approval)

    def set_aside(self, turn: Turn) -> str:
        """The turn is cut, what it waits for stays: gives the words how to come back to it; empty if it waits for nothing."""
        approval = self.approvals.of(turn)
        if approval is None:
            return ""
        self._stop_asking(approval)
        approval.parked = True
        approval.block.below = waiting_words(approval.name)
        return approval.block.below

    def withdraw(self, turn: Turn) -> None:
        """The turn is stopped, and what it waits for with it; its last state is drawn before its task hears of that."""
        if (approval := self.approvals.of(turn)) is not None:
            approval.block.words, approval.block.below = NOT_RUN, ""

    def _decide(self, approval: Approval, decision: Decision, code: str) -> None:
        self._stop_asking(approval)
        self._state.log.info("approval.decided", approval=approval.name, decision=decision)
        if not approval.decided.done():
            approval.decided.set_result(Decided(decision, code, approval.taken_over))

    async def _ask_user(self, turn: Turn, kind: Kind, block: RunBlock, warning: str) -> Decided:
        decided: asyncio.Future[Decided] = asyncio.get_running_loop().create_future()
        approval = Approval(block.name, turn, kind, block, warning, decided)
        self.approvals.add(approval)
        block.words = what_words(kind) + (f" — *{warning}*" if warning else "")
        turn.face.wanted(block, warning)
        self._state.log.info("approval.wanted", approval=block.name, turn=turn.number, kind=kind, how=turn.face.consent)
        try:
            self._put(approval)
            return await decided
        finally:
            self._stop_asking(approval)
            self.approvals.drop(approval)

    def _put(self, approval: Approval) -> None:
        """Put it to the user in the way that is open now."""
        face = approval.turn.face
        if approval.turn.orphaned:
            approval.parked = True
            approval.block.below = waiting_words(approval.name)
        elif face.consent == "messages":
            approval.asked = face.client
            self._state.publisher.say("approval_request", approval.request(face.client), parent=face.client.header)
        elif face.consent == "stdin" and not self._state.requests.cells_since(approval.turn.face_since):
            approval.asked = face.client
            face.flush()
            approval.asking = self._context.spawn(self._prompt(approval, face.client), name=f"approval-{approval.name}")
        else:
            self._park(approval)

    async def _prompt(self, approval: Approval, client: Client) -> None:
        patience_s = self._state.settings.agent.consent_patience_s
        decided = await ask_approval(
            approval,
            client,
            self._prompts,
            self._state.requests,
            waits_behind=lambda: self._waits_behind(approval.turn),
            patience_s=patience_s,
        )
        if decided is None:
            self._park(approval)
        else:
            self._decide(approval, decided.decision, decided.code)

    def _park(self, approval: Approval) -> None:
        if approval.parked or approval.decided.done():
            return
        approval.parked = True
        self._stop_asking(approval)
        turn = approval.turn
        turn.parked = True
        self._state.log.info("approval.parked", approval=approval.name, turn=turn.number)
        approval.block.below = waiting_words(approval.name)
        turn.face.park(approval.block.below)
        if (agent := self._agent.ref_now()) is not None:
            agent.tell(Parked(turn=turn.number))
        self._on_parked()

    def _stop_asking(self, approval: Approval) -> None:
        approval.asked = None
        asking, approval.asking = approval.asking, None
        if asking is not None and asking is not asyncio.current_task():
            asking.cancel()
