"""Requests of our own kind, for interfaces that know us (PROTOCOL of upstream, kept and widened; `docs/messages.md`).

They come on shell or control and are answered there, with busy and idle once each, a reply with a true status, and a sentence
for whatever is wrong with them. The subkernel never sees them. This room is opened by the first of them.
"""

from collections.abc import Coroutine

from actors.kernel.channels.own_request import OwnRequest
from actors.kernel.commands.choices import Choices, NotTold
from actors.kernel.consent.consent import Consent
from actors.kernel.looks.looking import Looking
from actors.kernel.questions.request_face import RequestFace
from actors.kernel.questions.turns import Turns
from actors.kernel.state.state import KernelState, Phase
from actors.runtime.actor import ActorContext
from beaker.kernel.commands.command import Refused
from beaker.kernel.custom.approval import LATER, ApprovalReply, read_approval_response
from beaker.kernel.custom.history import ResetReply, chat_history, history_reply
from beaker.kernel.custom.question import read_llm_request
from beaker.kernel.custom.session import (
    ContextInfo,
    ContextReply,
    Language,
    SetModelReply,
    preview,
    read_model,
    read_setup,
    session_info,
)
from beaker.kernel.custom.session_state import session_state, state_info, state_reply
from beaker.kernel.pending import Channel
from beaker.messages.kernel import KernelMessage
from beaker.messages.turn import TurnFailure
from beaker.wire.parts import CONTENT, METADATA, Header, Parts

AS_CONFIGURED = "Questions in this kernel are answered by the configured model from now on."


class CustomMessages:
    """Answers them."""

    def __init__(
        self,
        state: KernelState,
        context: ActorContext[KernelMessage],
        turns: Turns,
        consent: Consent,
        choices: Choices,
        looking: Looking,
    ) -> None:
        self._state = state
        self._context = context
        self._turns = turns
        self._consent = consent
        self._choices = choices
        self._looking = looking

    def take(self, idents: list[bytes], header: Header, parts: Parts, channel: Channel) -> None:
        """A request of a type in `kinds.OURS`."""
        state = self._state
        state.known_to_clients = True
        request = OwnRequest.begin(state, idents, header, parts, channel)
        if state.phase is Phase.CLOSING:
            request.abort()
            return
        match header.msg_type:
            case "llm_request":
                self._ask(request, parts)
            case "approval_response":
                self._decide(request, header.session, parts)
            case "reset_request":
                self._reset(request)
            case "get_agent_history" | "get_agent_history_request":
                self._tell_history(request)
            case "get_subkernel_state" | "get_subkernel_state_request":
                self._begin(request, self._tell_state(request))
            case "context_info_request":
                self._begin(request, self._tell_context(request))
            case "context_setup_request":
                self._set_up(request, parts)
            case "set_agent_model" | "set_agent_model_request":
                self._choose_model(request, parts)
            case kind:
                raise AssertionError(f"{kind} is answered nowhere")

    def _begin(self, request: OwnRequest, answering: Coroutine[object, object, None]) -> None:
        """Answer a request in a task of its own; whatever becomes of the task, there is a reply."""

        async def answer() -> None:
            try:
                await answering
            finally:
                request.abort()

        self._context.spawn(answer(), name=f"{request.kind}-{request.client.trace}")

    def _ask(self, request: OwnRequest, parts: Parts) -> None:
        wanted = read_llm_request(parts[CONTENT], parts[METADATA])
        if isinstance(wanted, Refused):
            request.fail("UsageError", wanted.reason)
        else:
            if wanted.allow_stdin:
                request.allow_stdin()
            self._turns.ask(RequestFace(request, consent=wanted.consent), wanted.ask)

    def _decide(self, request: OwnRequest, session: str, parts: Parts) -> None:
        answer = read_approval_response(parts[CONTENT])
        if isinstance(answer, Refused):
            request.fail("UsageError", answer.reason)
            return
        name, decision = answer.approval_id, answer.decision
        if name in self._consent.approvals.parked and decision is not None:
            # Nobody is being asked: whoever comes back to it takes the turn over, as by `%beaker allow`; the reply is the turn's.
            refusal = self._consent.resume(name, RequestFace(request, consent="messages"), decision, answer.code)
        else:
            refusal = self._consent.answer(name, decision, answer.code, idents=request.client.idents, session=session)
            if not refusal:
                request.reply(ApprovalReply(approval_id=name, decision=decision or LATER))
        if refusal:
            request.fail("NotAsked", refusal)

    def _reset(self, request: OwnRequest) -> None:
        forgotten = self._turns.course.forget()
        self._publish_history(request)
        request.reply(ResetReply(questions=forgotten.questions, proposals=forgotten.proposals))

    def _tell_history(self, request: OwnRequest) -> None:
        self._publish_history(request)
        request.reply(history_reply(self._turns.course.conversation.talks))

    def _publish_history(self, request: OwnRequest) -> None:
        """On request only: upstream publishes the whole of it after every cell."""
        request.say("chat_history", chat_history(self._turns.course.conversation.talks, self._turns.course.answered_by))

    async def _tell_state(self, request: OwnRequest) -> None:
        seen = await self._looking.variables()
        if isinstance(seen, TurnFailure):
            request.fail("NoSession", f"{seen.reason[:1].upper()}{seen.reason[1:]}.")
            return
        state = session_state(seen)
        request.say("kernel_state_info", state_info(state))
        request.say("get_subkernel_state_response", state)
        request.reply(state_reply(seen))

    # What answers, and how: the agent knows, so these wait for it in a task.

    @property
    def _language(self) -> Language:
        state = self._state
        spec = state.subkernel.spec_name if state.subkernel is not None else state.settings.subkernel.spec
        return Language(slug=state.language, subkernel=spec)

    async def _tell_context(self, request: OwnRequest) -> None:
        name = self._choices.context
        try:
            listed = await self._choices.list_contexts(name)
        except NotTold as error:
            request.fail("AgentError", str(error))
            return
        facts = next((each for each in listed.contexts if each.name == name), None)
        info = session_info(facts, listed, self._language, self._choices.model)
        summary = "" if facts is None else facts.summary
        request.say("context_info_response", ContextInfo(slug=name, name=summary, language=self._language, info=info))
        self._publish_preview(request, name, listed.preview)
        request.reply(ContextReply(slug=name, language=self._language, returned=info))

    def _set_up(self, request: OwnRequest, parts: Parts) -> None:
        setup = read_setup(parts[CONTENT], self._language)
        if isinstance(setup, Refused):
            request.fail("UsageError", setup.reason)
        else:
            self._begin(request, self._use_context(request, setup.context or self._choices.context))

    async def _use_context(self, request: OwnRequest, name: str) -> None:
        try:
            listed = await self._choices.list_contexts(name)
        except NotTold as error:
            request.fail("AgentError", str(error))
            return
        facts = self._choices.use(name, listed)
        if isinstance(facts, Refused):
            request.fail("UsageError", facts.reason)
            return
        info = session_info(facts, listed, self._language, self._choices.model)
        request.say("context_setup_response", info)
        self._publish_preview(request, name, listed.preview)
        request.reply(ContextReply(slug=name, language=self._language, returned=info))

    def _choose_model(self, request: OwnRequest, parts: Parts) -> None:
        name = read_model(parts[CONTENT])
        if isinstance(name, Refused):
            request.fail("UsageError", name.reason)
        else:
            self._begin(request, self._use_model(request, name))

    async def _use_model(self, request: OwnRequest, name: str) -> None:
        done: str | Refused = AS_CONFIGURED
        if name:
            done = await self._choices.set_model(name)
        else:
            self._choices.forget_model()
        if isinstance(done, Refused):
            request.fail("UsageError", done.reason)
        else:
            request.reply(SetModelReply(model=name, words=done, offered=list(self._choices.models)))

    def _publish_preview(self, request: OwnRequest, context: str, markdown: str) -> None:
        if markdown:
            request.say("preview", preview(context, markdown))
