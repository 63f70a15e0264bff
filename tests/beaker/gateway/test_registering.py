"""Kernels and sessions of a gateway: what is answered, what begins and what ends."""

import random
from typing import TypeVar

import msgspec
import pytest

from beaker.gateway.register import (
    Action,
    AllGone,
    Asked,
    Closing,
    End,
    Ending,
    Fact,
    Gone,
    HandOver,
    HostCame,
    HostWent,
    NotStarted,
    Offer,
    Open,
    Register,
    Reply,
    Served,
    Strike,
    Write,
)
from beaker.gateway.registering import step
from beaker.messages.registry import (
    ChangeSession,
    CloseSession,
    EndKernel,
    KernelEnded,
    KernelEntry,
    Kernels,
    KernelStarted,
    ListKernels,
    ListSessions,
    OpenSession,
    RegistryFailure,
    RegistryRequest,
    SessionClosed,
    SessionEntry,
    SessionOpened,
    Sessions,
    StartKernel,
)

Wanted = TypeVar("Wanted")

SPECS = {"beaker": "python3", "python3": "python3", "ir": "ir"}


def uuid(number: int) -> str:
    return f"{number:08d}-0000-4000-8000-000000000000"


class Play:
    """A register and all that was done with it."""

    def __init__(self, *, max_kernels: int = 3, max_sessions: int = 10, host_count: int = 2) -> None:
        self.register = Register(max_kernels=max_kernels, max_sessions=max_sessions, host_count=host_count)
        self.actions: list[Action] = []
        self.asks = 0

    def tell(self, fact: Fact) -> list[Action]:
        """What follows from a fact."""
        self.register, actions = step(self.register, fact)
        self.actions += actions
        return actions

    def ask(self, request: RegistryRequest, *, bad_path: str = "") -> int:
        """Ask; the number is that of the reply, and of the ids that it may need."""
        self.asks += 1
        offer = Offer(
            specs=SPECS,
            default="beaker",
            folder="/work",
            bad_path=bad_path,
            kernel_id=uuid(self.asks),
            session_id=uuid(1000 + self.asks),
            at=float(self.asks),
        )
        self.tell(Asked(number=self.asks, request=request, offer=offer))
        return self.asks

    def reply(self, number: int, kind: type[Wanted]) -> Wanted:
        """The one answer to an ask."""
        (found,) = [action.reply for action in self.actions if isinstance(action, Reply) and action.number == number]
        assert isinstance(found, kind)
        return found

    def is_open(self, number: int) -> bool:
        """Whether an ask still waits."""
        return not any(isinstance(action, Reply) and action.number == number for action in self.actions)

    def run_kernel(self, request: StartKernel | None = None) -> KernelEntry:
        """A kernel that is up."""
        number = self.ask(request or StartKernel())
        opened = [action for action in self.actions if isinstance(action, Open)][-1]
        self.tell(Served(kernel_id=opened.kernel.entry.kernel_id))
        return self.reply(number, KernelStarted).kernel

    def run_session(self, request: OpenSession) -> SessionEntry:
        """A session whose kernel is up."""
        number = self.ask(request)
        if self.is_open(number):
            opened = [action for action in self.actions if isinstance(action, Open)][-1]
            self.tell(Served(kernel_id=opened.kernel.entry.kernel_id))
        return self.reply(number, SessionOpened).session

    def kernels(self) -> list[str]:
        """The ids that are listed."""
        return [kernel.kernel_id for kernel in self.reply(self.ask(ListKernels()), Kernels).kernels]

    def sessions(self) -> list[tuple[str, str]]:
        """Path and kernel of each that is listed."""
        listed = self.reply(self.ask(ListSessions()), Sessions).sessions
        return [(session.path, session.kernel.kernel_id) for session in listed]

    def ended(self) -> list[str]:
        """The kernels that were told to end."""
        return [action.kernel.entry.kernel_id for action in self.actions if isinstance(action, End)]


def test_a_kernel_is_written_down_before_it_is_opened_and_told_once_it_is_served() -> None:
    play = Play()
    number = play.ask(StartKernel())
    assert [type(action) for action in play.actions] == [Write, Open]
    assert play.is_open(number)
    assert play.kernels() == []
    play.tell(Served(kernel_id=uuid(number)))
    entry = play.reply(number, KernelStarted).kernel
    assert entry == KernelEntry(kernel_id=uuid(number), spec_name="beaker", subkernel="python3", host=0, folder="/work", started_at=1.0)
    assert play.kernels() == [entry.kernel_id]


@pytest.mark.parametrize(
    ("request_", "kind", "words"),
    [
        (
            StartKernel(spec_name="irr"),
            "unknown_spec",
            "'irr' is not a kernel of this gateway. Did you mean 'ir'? There are: beaker, ir, python3.",
        ),
        (StartKernel(kernel_id="../../etc"), "bad_id", "'../../etc' is no id of a kernel: it must be a UUID"),
        (StartKernel(kernel_id=uuid(1).upper()), "taken", f"A kernel with the id {uuid(1)} runs already"),
        (EndKernel(kernel_id="nothing"), "unknown_kernel", "There is no kernel 'nothing'"),
        (OpenSession(path="b", kernel_id="nothing"), "unknown_kernel", "There is no kernel 'nothing'"),
        (OpenSession(path="b", spec_name="irr"), "unknown_spec", "'irr' is not"),
        (ChangeSession(session_id="nothing"), "unknown_session", "There is no session 'nothing'"),
        (CloseSession(session_id="nothing"), "unknown_session", "There is no session 'nothing'"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence_and_changes_nothing(request_: RegistryRequest, kind: str, words: str) -> None:
    play = Play()
    play.run_kernel()
    before = play.register
    failure = play.reply(play.ask(request_), RegistryFailure)
    assert failure.kind == kind
    assert failure.reason.startswith(words)
    assert play.register == before


def test_a_path_that_leaves_the_root_starts_nothing() -> None:
    play = Play()
    failure = play.reply(play.ask(OpenSession(path="../x"), bad_path="it leads out"), RegistryFailure)
    assert (failure.kind, failure.reason, play.register.kernels, play.register.sessions) == ("bad_path", "it leads out", {}, {})


def test_names_of_kernelspecs_are_known_in_any_case() -> None:
    assert Play().run_kernel(StartKernel(spec_name="IR")).subkernel == "ir"


def test_no_more_kernels_than_may_be_are_started_and_one_that_ends_counts_until_it_is_gone() -> None:
    play = Play(max_kernels=2)
    first = play.run_kernel()
    play.run_kernel()
    play.ask(EndKernel(kernel_id=first.kernel_id))
    assert play.reply(play.ask(StartKernel()), RegistryFailure).kind == "limit"
    play.tell(Gone(kernel_id=first.kernel_id))
    play.run_kernel()


def test_no_more_sessions_than_may_be_are_opened() -> None:
    play = Play(max_sessions=1)
    kernel = play.run_kernel()
    play.run_session(OpenSession(path="a", kernel_id=kernel.kernel_id))
    assert play.reply(play.ask(OpenSession(path="b", kernel_id=kernel.kernel_id)), RegistryFailure).kind == "limit"


def test_sessions_whose_words_could_not_be_listed_in_one_message_are_refused_and_so_are_changes_to_such() -> None:
    play = Play(max_sessions=1000)
    kernel = play.run_kernel()
    wanted = [OpenSession(path=f"{number}".rjust(4000, "p"), name="n" * 4000, kernel_id=kernel.kernel_id) for number in range(120)]
    opened = [play.ask(each) for each in wanted]
    refused = [number for number in opened if isinstance(play.reply(number, object), RegistryFailure)]
    assert {play.reply(number, RegistryFailure).kind for number in refused} == {"limit"}
    listed = play.reply(play.ask(ListSessions()), Sessions)
    assert 100 < len(listed.sessions) == 120 - len(refused)
    assert len(msgspec.msgpack.encode(listed)) < 1_000_000
    longer = ChangeSession(session_id=listed.sessions[0].session_id, kind="k" * 9000)
    assert play.reply(play.ask(longer), RegistryFailure).kind == "limit"
    shorter = ChangeSession(session_id=listed.sessions[0].session_id, name="")
    assert play.reply(play.ask(shorter), SessionOpened).session.name == ""


def test_kernels_go_to_the_host_that_has_the_fewest_of_those_that_are_linked() -> None:
    play = Play(max_kernels=9, host_count=3)
    for number in (1, 2):
        play.tell(HostCame(number=number))
    first, second, third = (play.run_kernel() for _ in range(3))
    assert [first.host, second.host, third.host] == [1, 2, 1]
    play.tell(HostWent(number=1))
    assert play.run_kernel().host == 2
    play.tell(HostWent(number=2))
    assert play.run_kernel().host == 0


def test_a_host_that_comes_is_given_its_kernels_but_none_that_ends() -> None:
    play = Play()
    one, two, three = (play.run_kernel() for _ in range(3))
    play.ask(EndKernel(kernel_id=three.kernel_id))
    given = play.tell(HostCame(number=0))
    assert [action.kernel.entry.kernel_id for action in given if isinstance(action, HandOver)] == [one.kernel_id]
    assert two.host == 1


def test_a_kernel_that_is_ended_is_listed_no_more_and_everybody_who_wants_its_end_hears_of_it() -> None:
    play = Play()
    kernel = play.run_kernel()
    play.run_session(OpenSession(path="a", kernel_id=kernel.kernel_id))
    asks = [play.ask(EndKernel(kernel_id=kernel.kernel_id)) for _ in range(2)]
    assert (play.kernels(), play.sessions()) == ([], [])
    assert all(map(play.is_open, asks))
    play.tell(Gone(kernel_id=kernel.kernel_id))
    assert [play.reply(number, KernelEnded).kernel_id for number in asks] == [kernel.kernel_id] * 2
    assert play.ended() == [kernel.kernel_id]


def test_a_kernel_that_is_ended_while_it_starts_is_told_so_to_whoever_waits() -> None:
    play = Play()
    number = play.ask(StartKernel())
    play.ask(EndKernel(kernel_id=uuid(number)))
    assert play.reply(number, RegistryFailure).reason == f"The kernel {uuid(number)} was shut down while it started."
    assert play.tell(Served(kernel_id=uuid(number))) == []


def test_a_kernel_that_does_not_start_leaves_with_the_session_that_wanted_it() -> None:
    play = Play()
    number = play.ask(OpenSession(path="a"))
    failure = RegistryFailure(kind="not_started", reason="no such program")
    play.tell(NotStarted(kernel_id=uuid(number), failure=failure))
    assert play.reply(number, RegistryFailure) == failure
    assert play.ended() == [uuid(number)]
    play.tell(Gone(kernel_id=uuid(number)))
    assert (play.register.kernels, play.register.sessions) == ({}, {})


def test_a_kernel_that_is_gone_takes_its_sessions_along() -> None:
    play = Play()
    session = play.run_session(OpenSession(path="a"))
    gone = play.tell(Gone(kernel_id=session.kernel.kernel_id))
    assert [type(action) for action in gone] == [Strike, Strike]
    assert play.sessions() == []


def test_a_kernel_that_a_client_has_ended_is_not_handed_over_again() -> None:
    play = Play()
    kernel = play.run_kernel()
    play.tell(Ending(kernel_id=kernel.kernel_id))
    assert play.tell(HostCame(number=kernel.host)) == []
    assert play.ended() == [kernel.kernel_id]


def test_a_document_that_has_a_session_gets_that_one() -> None:
    play = Play()
    first = play.run_session(OpenSession(path="a", name="a"))
    again = play.reply(play.ask(OpenSession(path="a", name="other", spec_name="ir")), SessionOpened)
    assert (again.session, again.is_new) == (first, False)


def test_two_who_want_a_session_for_one_document_at_once_get_the_same() -> None:
    play = Play()
    asks = [play.ask(OpenSession(path="a")) for _ in range(2)]
    assert sum(isinstance(action, Open) for action in play.actions) == 1
    play.tell(Served(kernel_id=uuid(asks[0])))
    first, second = (play.reply(number, SessionOpened) for number in asks)
    assert first.session == second.session
    assert (first.is_new, second.is_new) == (True, False)


def test_a_session_is_renamed_and_keeps_what_is_not_said() -> None:
    play = Play()
    session = play.run_session(OpenSession(path="a", name="A", kind="console"))
    renamed = play.reply(play.ask(ChangeSession(session_id=session.session_id, path="b")), SessionOpened).session
    assert renamed == msgspec.structs.replace(session, path="b")
    assert play.ended() == []


def test_a_session_that_is_given_a_new_kernel_ends_the_old_one_once_the_new_one_is_there() -> None:
    play = Play()
    session = play.run_session(OpenSession(path="a"))
    number = play.ask(ChangeSession(session_id=session.session_id, spec_name="ir", name="N"))
    assert play.ended() == []
    assert play.sessions() == [("a", session.kernel.kernel_id)]
    play.tell(Served(kernel_id=uuid(number)))
    changed = play.reply(number, SessionOpened).session
    assert (changed.name, changed.kernel.subkernel, changed.kernel.kernel_id) == ("N", "ir", uuid(number))
    assert play.ended() == [session.kernel.kernel_id]


def test_a_session_whose_new_kernel_does_not_start_keeps_the_old_one() -> None:
    play = Play()
    session = play.run_session(OpenSession(path="a"))
    number = play.ask(ChangeSession(session_id=session.session_id, spec_name="ir", name="N"))
    play.tell(NotStarted(kernel_id=uuid(number), failure=RegistryFailure(kind="not_started", reason="no R")))
    play.tell(Gone(kernel_id=uuid(number)))
    assert play.reply(number, RegistryFailure).reason == "no R"
    assert play.sessions() == [("a", session.kernel.kernel_id)]


def test_a_kernel_that_two_sessions_have_ends_with_the_second() -> None:
    play = Play()
    one = play.run_session(OpenSession(path="a"))
    two = play.run_session(OpenSession(path="b", kernel_id=one.kernel.kernel_id))
    play.reply(play.ask(CloseSession(session_id=one.session_id)), SessionClosed)
    assert play.ended() == []
    number = play.ask(CloseSession(session_id=two.session_id))
    assert play.is_open(number)
    play.tell(Gone(kernel_id=one.kernel.kernel_id))
    play.reply(number, SessionClosed)


def test_a_session_that_takes_another_kernel_that_runs_lets_a_shared_one_live() -> None:
    play = Play()
    kernel = play.run_kernel()
    one = play.run_session(OpenSession(path="a"))
    play.run_session(OpenSession(path="b", kernel_id=one.kernel.kernel_id))
    play.reply(play.ask(ChangeSession(session_id=one.session_id, kernel_id=kernel.kernel_id)), SessionOpened)
    assert play.ended() == []
    assert play.sessions() == [("a", kernel.kernel_id), ("b", one.kernel.kernel_id)]


def test_a_new_kernel_for_a_session_that_was_closed_meanwhile_ends() -> None:
    play = Play()
    session = play.run_session(OpenSession(path="a"))
    number = play.ask(ChangeSession(session_id=session.session_id, spec_name="ir"))
    play.ask(CloseSession(session_id=session.session_id))
    play.tell(Served(kernel_id=uuid(number)))
    assert play.reply(number, RegistryFailure).kind == "unknown_session"
    assert uuid(number) in play.ended()


def test_when_the_gateway_stops_all_kernels_end_and_none_is_started() -> None:
    play = Play()
    kernel = play.run_kernel()
    starting = play.ask(StartKernel())
    play.tell(Closing(number=99))
    assert play.reply(starting, RegistryFailure).kind == "not_started"
    assert play.reply(play.ask(StartKernel()), RegistryFailure).kind == "busy"
    assert AllGone(99) not in play.tell(Gone(kernel_id=kernel.kernel_id))
    assert AllGone(99) in play.tell(Gone(kernel_id=uuid(starting)))
    assert play.tell(Closing(number=100)) == [AllGone(100)]


@pytest.mark.parametrize("seed", range(20))
def test_whatever_happens_each_ask_is_answered_once_and_no_session_is_without_a_kernel(seed: int) -> None:
    chance = random.Random(seed)
    play = Play(max_kernels=4)
    for _ in range(150):
        kernels = [*play.register.kernels, uuid(0)]
        sessions = [*play.register.sessions, uuid(0)]
        path = chance.choice("abc")
        requests: list[RegistryRequest] = [
            StartKernel(),
            EndKernel(kernel_id=chance.choice(kernels)),
            OpenSession(path=path),
            OpenSession(path=path, kernel_id=chance.choice(kernels)),
            ChangeSession(session_id=chance.choice(sessions), kernel_id=chance.choice(kernels)),
            ChangeSession(session_id=chance.choice(sessions), spec_name="ir", path=path),
            CloseSession(session_id=chance.choice(sessions)),
        ]
        facts: list[Fact] = [
            Served(kernel_id=chance.choice(kernels)),
            NotStarted(kernel_id=chance.choice(kernels), failure=RegistryFailure(kind="not_started", reason="")),
            Gone(kernel_id=chance.choice(kernels)),
            Ending(kernel_id=chance.choice(kernels)),
            HostCame(number=chance.randrange(2)),
            HostWent(number=chance.randrange(2)),
        ]
        if chance.random() < 0.5:
            play.ask(chance.choice(requests))
        else:
            play.tell(chance.choice(facts))
        assert len(play.register.kernels) <= 4
        assert {session.kernel_id for session in play.register.sessions.values()} <= play.register.kernels.keys()
    for kernel_id in list(play.register.kernels):
        play.tell(Gone(kernel_id=kernel_id))
    answered = [action.number for action in play.actions if isinstance(action, Reply)]
    assert sorted(answered) == list(range(1, play.asks + 1))
