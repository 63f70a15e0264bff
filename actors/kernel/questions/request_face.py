"""A turn as an interface sees it that sent an `llm_request`: message by message on iopub, then `llm_reply`."""

from collections.abc import Mapping

from actors.kernel.channels.own_request import OwnRequest
from actors.kernel.questions.face import Asks, Outcome
from actors.kernel.sockets.client import Client
from beaker.kernel.custom.approval import ChildCodeCell
from beaker.kernel.custom.news import CodeCell, LlmResponse, LlmWaiting, TurnNews
from beaker.kernel.custom.question import Way
from beaker.kernel.custom.replies import LlmReply
from beaker.kernel.turn_display import Proposal, RunBlock, TurnDisplay
from beaker.messages.turn import ToolAnswered, TurnEvent


class RequestFace:
    """One `llm_request` that is being answered, or an `approval_response` by which a parked turn goes on.

    Args:
        consent: how its client is asked.
    """

    def __init__(self, request: OwnRequest, *, consent: Way) -> None:
        self._request = request
        self._consent: Asks = consent
        self._waits = False
        """Words about a run are shown as what the turn waits for."""
        self._display: TurnDisplay | None = None
        self._news: TurnNews | None = None

    @property
    def client(self) -> Client:
        """Who asked."""
        return self._request.client

    @property
    def consent(self) -> Asks:
        """As its client wants it, while the request is open."""
        return "parked" if self._request.over and self._consent != "never" else self._consent

    def open(self, display: TurnDisplay) -> None:
        """The turn begins."""
        self._display = display
        self._news = TurnNews(display.number)

    def heard(self, event: TurnEvent) -> None:
        """The agent said something."""
        if isinstance(event, ToolAnswered):
            self._say_waiting("")
        if self._news is not None:
            for kind, content in self._news.tell(event):
                self._request.say(kind, content)

    def proposed(self, proposal: Proposal) -> None:
        """A cell was proposed."""
        cell = CodeCell(
            turn=self._number,
            number=proposal.number,
            language=proposal.language,
            code=proposal.code,
            cell_id=proposal.after or None,
            replaces=proposal.replaces or None,
        )
        self._request.say("code_cell", cell)

    def wanted(self, block: RunBlock, warning: str) -> None:
        """What the turn waits for; an approval is asked for by a message of its own."""
        del warning
        self._say_waiting(f"{block.name} {block.words}" if block.words else "")

    def flush(self) -> None:
        """Everything is told at once."""

    def ran(self, code: str, language: str, request: Mapping[str, object]) -> bool:
        """A cell that runs now: the interface shows it as one, so what the subkernel says of it belongs to it alone."""
        self._say_waiting("")
        cell = ChildCodeCell(turn=self._number, language=language, code=code, execute_request_msg=request)
        self._request.say("add_child_codecell", cell)
        return True

    def redraw(self, block: RunBlock) -> None:
        """The interface sees the cell itself."""

    def park(self, words: str) -> None:
        """The request is done; the turn goes on when somebody comes back to it."""
        if not self._request.over:
            self._say_text(complete=False)
            display = self._display
            proposals = 0 if display is None else len(display.proposals)
            model = "" if display is None else display.model
            self._request.reply(LlmReply(turn=self._number, model=model, proposals=proposals, waiting=words))

    def close(self, outcome: Outcome, reason: str) -> None:
        """The whole text, and the reply."""
        if self._request.over:
            return
        display = self._display
        assert display is not None, "a turn is opened before it is closed"
        self._say_text(complete=outcome == "ok")
        match outcome:
            case "ok":
                self._request.reply(LlmReply(turn=display.number, model=display.model, proposals=len(display.proposals)))
            case "stopped":
                self._request.abort(turn=display.number)
            case "error":
                self._request.fail("AgentError", reason, turn=display.number)

    @property
    def _number(self) -> int:
        return 0 if self._display is None else self._display.number

    def _say_text(self, *, complete: bool) -> None:
        if self._display is not None and (text := self._display.text):
            whole = LlmResponse(turn=self._number, name="response_text", text=text, complete=complete)
            self._request.say("llm_response", whole)

    def _say_waiting(self, words: str) -> None:
        if words or self._waits:
            self._waits = bool(words)
            self._request.say("llm_waiting", LlmWaiting(turn=self._number, words=words))
