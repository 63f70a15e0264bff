"""The model and the context that the user has chosen for this kernel, and the asking of the agent what there is.

The agent knows both: it alone reaches the endpoint, and plugins are imported in its process. Whoever asks waits in a task; cells
run meanwhile. An agent or endpoint that does not answer never keeps a model from being set.
"""

from actors.kernel.channels.own_cell import OwnCell
from actors.kernel.questions.agent_door import AgentDoor, AgentMissing
from actors.kernel.questions.course import Course
from actors.kernel.state.state import KernelState
from actors.runtime.actor import ActorContext
from actors.runtime.failures import AskFailed, RuntimeFault, Unreachable
from actors.runtime.ref import Ref
from beaker.errors import BeakerError
from beaker.kernel.commands.command import Refused, Values
from beaker.kernel.commands.context import ChooseContext, check_context, context_words, contexts_words
from beaker.kernel.commands.model import ChooseModel, check_model, model_words
from beaker.kernel.commands.words import Words
from beaker.messages.context import AgentFailure, ContextFacts, ContextsListed, ListContexts, ListModels, ModelsListed
from beaker.messages.kernel import KernelMessage
from beaker.messages.turn import AgentMessage

MODELS_TIMEOUT_S = 30.0
"""A slow machine loads the SDK for some seconds, then the endpoint has its own, shorter limits."""

CONTEXTS_TIMEOUT_S = 60.0
"""A plugin may import half of the scientific stack when it is first made."""


class NotTold(BeakerError):
    """The agent could not tell; a sentence for the user."""


class Choices:
    """Shows and sets them."""

    def __init__(self, state: KernelState, context: ActorContext[KernelMessage], agent: AgentDoor, course: Course) -> None:
        self._state = state
        self._context = context
        self._agent = agent
        self._course = course
        self._models: list[str] = []
        self._contexts: list[str] = []

    @property
    def model(self) -> str:
        """The chosen one; empty: as configured."""
        return self._course.model

    @property
    def context(self) -> str:
        """The chosen one."""
        return self._course.context

    @property
    def models(self) -> Values:
        """The names that the endpoint listed when it was last asked."""
        return self._models

    @property
    def contexts(self) -> Values:
        """The names of all contexts that are installed."""
        if not self._contexts:
            from beaker.contexts.places import find_places  # reads metadata of all distributions: only whoever asks pays

            self._contexts = list(find_places())
        return self._contexts

    async def list_models(self) -> ModelsListed:
        """Ask the agent what answers and what could.

        Raises:
            NotTold: it cannot be asked.
        """
        listed = await self._ask_models()
        self._models = listed.offered
        return listed

    async def set_model(self, name: str) -> str | Refused:
        """Set the model, unless the endpoint says that it has none of this name; says what was done."""
        try:
            listed = await self.list_models()
        except NotTold as error:
            listed = ModelsListed(endpoint="", model="", offered=[], problem=f"{error}.")
        checked = check_model(name, listed)
        if not isinstance(checked, Refused):
            self._course.choose_model(name)
        return checked

    def forget_model(self) -> None:
        """The configured one answers again."""
        self._course.choose_model("")

    async def list_contexts(self, previewed: str) -> ContextsListed:
        """Ask the agent what contexts there are.

        Raises:
            NotTold: it cannot be asked.
        """
        wanted = ListContexts(language=self._state.language, previewed=previewed)
        try:
            try:
                listed = await (await self._agent.ref()).ask(wanted, timeout_s=CONTEXTS_TIMEOUT_S)
            except Unreachable:  # a context may have ended the agent at its import: the next one leaves it out
                await self._agent.settled()
                listed = await (await self._agent.ref()).ask(wanted, timeout_s=CONTEXTS_TIMEOUT_S)
            if listed.unseen and (alone := await self._agent.ref_alone_if_idle()) is not None:
                listed = await self._from_one_alone(alone, wanted)
        except Unreachable:
            raise NotTold(f"the agent's process ended, twice, while the context {previewed!r} was looked at, so nothing was set") from None
        except (AgentMissing, RuntimeFault) as error:
            raise NotTold(_sentence(error)) from None
        self._contexts = [facts.name for facts in listed.contexts]
        return listed

    async def _from_one_alone(self, agent: Ref[AgentMessage], wanted: ListContexts) -> ContextsListed:
        """Ask again where plugins are imported."""
        try:
            return await agent.ask(wanted, timeout_s=CONTEXTS_TIMEOUT_S)
        except Unreachable:  # as above
            await self._agent.settled()
            if (again := await self._agent.ref_alone_if_idle()) is None:
                raise  # a question has begun meanwhile
            return await again.ask(wanted, timeout_s=CONTEXTS_TIMEOUT_S)

    async def set_context(self, name: str) -> Words | Refused:
        """Set the context; shows it.

        Raises:
            NotTold: the agent cannot be asked.
        """
        listed = await self.list_contexts(name)
        found = self.use(name, listed)
        return found if isinstance(found, Refused) else context_words(found, listed.preview)

    def use(self, name: str, listed: ContextsListed) -> ContextFacts | Refused:
        """Set the context to one of those that the agent has told."""
        found = check_context(name, listed)
        if not isinstance(found, Refused):
            self._course.choose_context(name)
        return found

    def perform(self, cell: OwnCell, order: ChooseModel | ChooseContext) -> None:
        """Answer a cell that shows or sets one, when the agent has told."""
        self._context.spawn(self._perform(cell, order), name=f"choose-{type(order).__name__}")

    async def _perform(self, cell: OwnCell, order: ChooseModel | ChooseContext) -> None:
        try:
            shown = await (self._model(order.name) if isinstance(order, ChooseModel) else self._context_of(order.name))
        except NotTold as error:
            cell.fail("AgentError", str(error))
            return
        if isinstance(shown, Refused):
            cell.fail("UsageError", shown.reason)
        else:
            cell.show(shown)

    async def _model(self, name: str) -> Words | Refused:
        if not name:
            return model_words(await self.list_models(), self.model, self._course.tally)
        done = await self.set_model(name)
        return done if isinstance(done, Refused) else Words(plain=f"{done}\n", markdown=done)

    async def _context_of(self, name: str) -> Words | Refused:
        if name:
            return await self.set_context(name)
        return contexts_words(await self.list_contexts(self.context), self.context)

    async def _ask_models(self) -> ModelsListed:
        try:
            agent = await self._agent.ref()
            return await agent.ask(ListModels(), timeout_s=MODELS_TIMEOUT_S)
        except (AgentMissing, RuntimeFault) as error:
            raise NotTold(_sentence(error)) from None


def _sentence(error: Exception) -> str:
    if isinstance(error, AskFailed) and isinstance(error.failure, AgentFailure):
        return error.failure.reason
    return str(error) if isinstance(error, AgentMissing) else f"the agent did not answer: {error}"
