"""Performs what `%beaker` commands want, and knows what they may be about now.

One case per command: what it shows is made in the command's own file in `beaker/kernel/commands/`, from facts gathered here.
"""

import asyncio

from actors.kernel.channels.own_cell import OwnCell
from actors.kernel.commands.choices import Choices
from actors.kernel.commands.status_facts import gather
from actors.kernel.commands.trusting import Trusting
from actors.kernel.consent.clearance import Clearance
from actors.kernel.consent.consent import Consent
from actors.kernel.life.ending import Ending
from actors.kernel.life.supervisor_door import SupervisorMissing
from actors.kernel.questions.terminal_face import face_of
from actors.kernel.questions.turns import Turns
from actors.kernel.state.state import KernelState, Phase
from actors.runtime.actor import ActorContext
from beaker.kernel.commands.allow import Decide, ShowOpen, TakeAlwaysBack, open_words, taken_back_words
from beaker.kernel.commands.command import Order, Refused, Values
from beaker.kernel.commands.config import ChooseMagics, ShowConfig, config_words, magics_words
from beaker.kernel.commands.context import ChooseContext
from beaker.kernel.commands.edit import EditApproval, edit_words
from beaker.kernel.commands.help import ShowHelp, help_words
from beaker.kernel.commands.history import ShowHistory, history_words
from beaker.kernel.commands.insert import InsertProposal, insertable, pick
from beaker.kernel.commands.model import ChooseModel
from beaker.kernel.commands.reset import ResetConversation, reset_words
from beaker.kernel.commands.restart import RestartAgent, RestartSubkernel, agent_words
from beaker.kernel.commands.status import ShowStatus, status_words
from beaker.kernel.commands.stop import StopTurns
from beaker.kernel.commands.trust import GiveTrust, ShowTrust, TakeTrustBack
from beaker.kernel.commands.words import Words
from beaker.messages.base import TurnId
from beaker.messages.kernel import KernelMessage
from beaker.settings.load import Loaded
from beaker.wire.compose import set_next_input


class Commands:
    """Performs commands.

    Args:
        ending: ends the subkernel and starts a fresh one.
    """

    def __init__(
        self,
        state: KernelState,
        context: ActorContext[KernelMessage],
        turns: Turns,
        choices: Choices,
        consent: Consent,
        clearance: Clearance,
        loaded: Loaded,
        ending: Ending,
    ) -> None:
        self._state = state
        self._context = context
        self._turns = turns
        self._choices = choices
        self._consent = consent
        self._clearance = clearance
        self._loaded = loaded
        self._trusting = Trusting(loaded, state.surroundings.environment)
        self._ending = ending
        self._given_up: asyncio.Future[None] | None = None
        """Set while a restart waits; done when it is to be given up."""

    def perform(self, cell: OwnCell, order: Order) -> None:
        """Do it; the cell is answered now or when it is done."""
        match order:
            case Refused():
                cell.fail("UsageError", order.reason)
            case ShowHelp():
                cell.show(help_words(order.topic))
            case ShowStatus():
                self._context.spawn(self._status(cell), name="status")
            case ShowConfig():
                cell.show(config_words(self._loaded))
            case ChooseMagics():
                self._turns.course.choose_magics(ours=order.ours)
                cell.show(magics_words(order))
            case StopTurns():
                self._stop(cell, order.number)
            case Decide():
                self._decide(cell, order)
            case ShowOpen():
                cell.show(open_words(self._consent.approvals.facts))
            case TakeAlwaysBack():
                self._context.spawn(self._take_always_back(cell), name="take-always-back")
            case EditApproval():
                self._edit(cell, order)
            case ChooseModel() | ChooseContext():
                self._choices.perform(cell, order)
            case InsertProposal():
                self._insert(cell, order)
            case ShowHistory():
                talks = self._turns.course.conversation.talks
                cell.show(history_words(talks if order.last is None else talks[-order.last :]))
            case ResetConversation():
                text = reset_words(self._turns.course.forget(), len(self._turns.running))
                cell.show(Words(plain=text + "\n", markdown=text))
            case ShowTrust() | GiveTrust() | TakeTrustBack():
                self._trusting.perform(cell, order)
            case RestartAgent():
                text = agent_words(ended=self._turns.renew_agent())
                cell.show(Words(plain=text + "\n", markdown=text))
            case RestartSubkernel():
                if self._state.phase is Phase.READY:
                    self._state.leave()
                self._context.spawn(self._restart(cell), name="restart")
            case _:
                raise AssertionError(f"{type(order).__name__} is performed nowhere")

    def values(self, command: str) -> Values:
        """What exists now for a command to be about, as it would be typed."""
        match command:
            case "stop":
                return [str(number) for number in self._turns.running]
            case "allow" | "reject" | "edit":
                return [approval.name for approval in self._consent.approvals]
            case "model":
                return self._choices.models
            case "context":
                return self._choices.contexts
            case "insert":
                return insertable(self._turns.proposals())
            case _:
                return ()

    def _stop(self, cell: OwnCell, number: int | None) -> None:
        if self._turns.stop(None if number is None else TurnId(number)):
            cell.finish()
            return
        running = ", ".join(map(str, self._turns.running))
        wanted = "" if number is None else f" {number}"
        cell.fail("UsageError", f"no question{wanted} is being answered" + (f"; running: {running}" if running else ""))

    async def _status(self, cell: OwnCell) -> None:
        standing = await self._clearance.standing()
        cell.show(status_words(gather(self._state, self._turns, self._consent, standing)))

    async def _take_always_back(self, cell: OwnCell) -> None:
        held = await self._clearance.end_standing()
        if held is None:
            cell.fail("ConsentError", "the process that decides what may run does not answer, so `always` may hold still; try again")
            return
        text = taken_back_words(held=held.always)
        cell.show(Words(plain=text + "\n", markdown=text))

    def _decide(self, cell: OwnCell, order: Decide) -> None:
        """The answer goes on in this cell; it is done when the turn is."""
        refusal = self._consent.resume(order.approval, face_of(self._state, cell, background=False), order.decision)
        if refusal:
            cell.fail("UsageError", refusal)

    def _edit(self, cell: OwnCell, order: EditApproval) -> None:
        """It is the user's cell from here on, so nothing of ours runs in it."""
        code = self._consent.take_over(order.approval)
        if isinstance(code, Refused):
            cell.fail("UsageError", code.reason)
        else:
            cell.show(edit_words(order.approval), payload=[set_next_input(code)])

    def _insert(self, cell: OwnCell, order: InsertProposal) -> None:
        found = pick(order, self._turns.proposals())
        if isinstance(found, Refused):
            cell.fail("UsageError", found.reason)
        else:
            cell.finish(payload=[set_next_input(found.code)])

    def interrupted(self) -> None:
        """A restart that waits for the Supervisor is given up."""
        if self._given_up is not None and not self._given_up.done():
            self._given_up.set_result(None)

    async def _restart(self, cell: OwnCell) -> None:
        if not await self._can_restart(cell):
            self._ending.keep()
            cell.fail("RestartGivenUp", "the subkernel was not restarted; its variables are still there")
            return
        # The reply goes out first: clients drop what arrives for a cell after `status: restarting`.
        cell.say("stream", {"name": "stdout", "text": "The subkernel is being restarted; its variables are gone.\n"})
        cell.finish()
        try:
            await self._ending.restart()
        except SupervisorMissing as error:
            self._state.notices.append(f"the restart failed: {error}")

    async def _can_restart(self, cell: OwnCell) -> bool:
        """Wait, with words in the cell, for somebody who can restart the subkernel; False if the user gives it up."""
        given_up = self._given_up = asyncio.get_running_loop().create_future()
        answers = asyncio.ensure_future(
            self._ending.supervisor_answers(
                lambda words: cell.say("stream", {"name": "stderr", "text": f"beaker: {words}; an interrupt gives it up\n"})
            )
        )
        try:
            await asyncio.wait({answers, given_up}, return_when=asyncio.FIRST_COMPLETED)
            return answers.done()
        finally:
            answers.cancel()
            self._given_up = None
