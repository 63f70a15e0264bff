"""Why an ask brought no answer: one class per reason, all under `AskError`.

An ask always ends: with its answer or with one of these. The runtime raises them in the asker; an actor that refuses a
request calls `Asked.fail` with a message of its own and the asker gets it inside `AskFailed`.
"""


class RuntimeFault(Exception):
    """What the runtime raises: the root of every class in this package that is an exception, as the domain has one for its own."""


class AskError(RuntimeFault):
    """An ask ended without an answer."""


class AskFailed(AskError):
    """The actor answered with a failure, which is a message of its vocabulary."""

    def __init__(self, failure: object) -> None:
        super().__init__(f"the request was refused: {failure!r}")
        self.failure = failure


class AskTimeout(AskError):
    """No answer came in time. Whether the request was carried out is unknown."""


class Busy(AskError):
    """The mailbox, or the link to it, is full: the request was not taken, try again later."""


class Unreachable(AskError):
    """There is no such actor, or the link to it is gone. Whether the request was carried out is unknown."""


class Stopped(AskError):
    """The actor stopped before it answered."""


class Crashed(AskError):
    """The actor crashed before it answered."""


class Unanswered(AskError):
    """The actor let go of the request without answering it: a bug in the actor."""


class AnsweredTwice(RuntimeFault):
    """An actor answered the same request a second time: a bug in the actor."""


class NameTaken(RuntimeFault):
    """Two actors of one node cannot have one name."""


class TooLarge(RuntimeFault):
    """A message is larger than its frame kind allows."""


class ControlOverflow(RuntimeFault):
    """The control lane of an actor is full, which a correct program never does."""
