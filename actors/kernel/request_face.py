"""A turn as an interface sees it that sent an `llm_request`: message by message on iopub, then `llm_reply`."""

from collections.abc import Mapping

from actors.kernel.face import Asks, Client, Outcome
from actors.kernel.own_request import OwnRequest
from beaker.kernel.custom.news import CodeCell, LlmResponse, TurnNews
from beaker.kernel.custom.replies import LlmReply
from beaker.kernel.turn_display import Proposal, RunBlock, TurnDisplay
from beaker.messages.turn import TurnEvent


class RequestFace:
    """One `llm_request` that is being answered."""

    def __init__(self, request: OwnRequest) -> None:
        self._request = request
        self._display: TurnDisplay | None = None
        self._news: TurnNews | None = None

    @property
    def client(self) -> Client:
        """Who asked."""
        return self._request.client

    @property
    def consent(self) -> Asks:
        """Not yet: no message asks for it."""
        return "never"

    def open(self, display: TurnDisplay) -> None:
        """The turn begins."""
        self._display = display
        self._news = TurnNews(display.number)

    def heard(self, event: TurnEvent) -> None:
        """The agent said something."""
        if self._news is not None:
            for kind, content in self._news.tell(event):
                self._request.say(kind, content)

    def proposed(self, proposal: Proposal) -> None:
        """A cell was proposed."""
        turn = 0 if self._display is None else self._display.number
        cell = CodeCell(
            turn=turn,
            number=proposal.number,
            language=proposal.language,
            code=proposal.code,
            cell_id=proposal.after or None,
            replaces=proposal.replaces or None,
        )
        self._request.say("code_cell", cell)

    def wanted(self, block: RunBlock, warning: str) -> None:
        """Tool calls are told as they come."""
        del block, warning

    def flush(self) -> None:
        """Everything is told at once."""

    def ran(self, code: str, language: str, request: Mapping[str, object]) -> None:
        """A cell that runs now; its outputs follow as outputs of the request."""
        self._request.say("add_child_codecell", {"language": language, "code": code, "execute_request_msg": request})

    def park(self, words: str) -> None:
        """Never: nothing is asked here."""
        del words

    def close(self, outcome: Outcome, reason: str) -> None:
        """The whole text, and the reply."""
        display = self._display
        assert display is not None, "a turn is opened before it is closed"
        if text := display.text:
            whole = LlmResponse(turn=display.number, name="response_text", text=text, complete=outcome == "ok")
            self._request.say("llm_response", whole)
        match outcome:
            case "ok":
                self._request.reply(LlmReply(turn=display.number, model=display.model, proposals=len(display.proposals)))
            case "stopped":
                self._request.abort(turn=display.number)
            case "error":
                self._request.fail("AgentError", reason, turn=display.number)
