"""A world for the pure life of a subkernel: processes, a clock and timers that exist only here.

`World` performs the actions of `lifecycle.step` and checks, action by action, what must hold whatever happens.
"""

import signal
from typing import get_args

import msgspec

from beaker.messages.base import KernelId
from beaker.messages.subkernel import Attach, Connection, Interrupt, Restart, Shutdown, Subkernel, SubkernelEvent, SupervisorReply
from beaker.subkernels.actions import Action, Clear, Forget, Launch, Leave, Record, Reply, Ring, Send, Tell
from beaker.subkernels.facts import Alarm, Asking, Exited, Fact, Found, Launched, Opened, OwnerLost
from beaker.subkernels.life_state import Policy, State
from beaker.subkernels.lifecycle import step
from beaker.subkernels.restart_intensity import RestartIntensity

WALL = 1_800_000_000.0
SPEC = "/specs/python3/kernel.json"


def subkernel(generation: int, *, interrupt_mode: str = "signal", adopted: bool = False) -> Subkernel:
    """A subkernel that exists only in a test."""
    return Subkernel(
        generation=generation,
        spec_name="python3",
        display_name="Python 3",
        language="python",
        pid=1000 + generation,
        interrupt_mode="message" if interrupt_mode == "message" else "signal",
        connection=Connection(transport="ipc", ip="/run/s", key="k", shell_port=1, iopub_port=2, stdin_port=3, control_port=4, hb_port=5),
        started_at=WALL,
        adopted=adopted,
    )


class World:
    """The machine on which one subkernel lives, with all that the Supervisor would do to it.

    Attributes:
        polite: whether a process leaves at SIGTERM.
        slow: whether a launch takes until `finish_launch`.
    """

    def __init__(self, policy: Policy | None = None, *, limit: int = 5, window_s: float = 30.0) -> None:
        self.now = 100.0
        self.state = State(
            spec_name="python3",
            spec_path=SPEC,
            policy=policy or Policy(),
            intensity=RestartIntensity(limit=limit, window_s=window_s),
        )
        self.polite = True
        self.slow = False
        self.alive: set[int] = set()
        self.launching: set[int] = set()
        self.pending: list[Fact] = []
        self.over: list[Fact] = []
        self.alarms: list[tuple[float, Alarm]] = []
        self.told: list[SubkernelEvent] = []
        self.replies: dict[int, SupervisorReply] = {}
        self.asked: set[int] = set()
        self.signals: list[tuple[int, int]] = []
        self.unasked_starts: list[float] = []
        self.actions: list[Action] = []
        self.left = False
        self.cleared = False
        self.asks = 0
        self.record: Found | None = None
        self.last_record: Found | None = None
        self.lives: set[int] = set()

    def tell(self, fact: Fact) -> None:
        """Step, then do what is to be done."""
        self.state, actions = step(self.state, fact)
        for action in actions:
            self.actions.append(action)
            self._perform(action)

    def _perform(self, action: Action) -> None:
        assert not self.left, f"{action} after leaving"
        match action:
            case Launch(generation=generation):
                assert not self.alive, f"launch of {generation} beside {self.alive}"
                assert not self.launching
                self.unasked_starts.append(self.now)
                self.launching.add(generation)
                if not self.slow:
                    self.finish_launch()
            case Send(generation=generation, signal=number):
                self.signals.append((generation, number))
                if generation in self.alive and (number == signal.SIGKILL or (number == signal.SIGTERM and self.polite)):
                    self.die(generation, -number)
            case Tell(event=event):
                self.told.append(event)
            case Reply(number=number, reply=reply):
                assert number in self.asked
                assert number not in self.replies, f"{number} answered twice"
                self.replies[number] = reply
            case Ring(after_s=after_s, alarm=alarm):
                assert isinstance(alarm, get_args(Alarm))
                self.alarms.append((self.now + after_s, alarm))
            case Record():
                self._record(self.state.subkernel)
            case Clear():
                assert not self.alive, "cleared while something lives"
                self.cleared = True
            case Leave():
                assert not self.alive, "left while something lives"
                self.left = True
            case Forget():
                pass

    def _record(self, lives: Subkernel | None, *, launched: bool = False) -> None:
        """Write down who lives, as the household does: at once at a launch, with what was known before."""
        state, former = self.state, self.last_record
        if lives is None:
            if state.generation not in self.alive:
                self.record = None
            return
        self.record = Found(
            subkernel=lives,
            alive=True,
            answered=state.answered and not launched,
            spec_path=SPEC,
            owner=(former.owner if former is not None else None) if launched else state.last_owner,
            owner_lost_at=state.owner_lost_at,
            heard=(former.heard if former is not None else 0) if launched else state.heard,
            reachable=launched or state.reachable,
        )
        self.last_record = self.record

    def reopen(self, *, owned: bool, cleaned: bool) -> bool:
        """The Supervisor is killed, and another opens; whoever had asked hears that the link is gone.

        Args:
            owned: a kernel process is there, and remembers.
            cleaned: the record was removed before.

        Returns:
            Whether the new one knows of no session.
        """
        state, found = self.state, None if cleaned else self.record
        living = max(self.alive, default=None)
        if found is None and owned and state.subkernel is not None:
            found = Found(
                subkernel=state.subkernel,
                alive=True,
                answered=True,
                spec_path=SPEC,
                owner=state.owner,
                heard=state.generation,
                reachable=False,
            )
        if found is not None:
            found = msgspec.structs.replace(found, alive=living == found.subkernel.generation)
            assert living is None or found.alive, f"{living} is known to nobody"
        else:
            assert living is None
        blank = State(
            spec_name=state.spec_name,
            spec_path=SPEC,
            policy=state.policy,
            intensity=state.intensity.forgotten(),
        )
        if owned:
            given_up = state.phase == "dead"
            blank = msgspec.structs.replace(
                blank, generation=state.generation, phase="dead" if given_up else "new", reason=state.reason if given_up else ""
            )
        self.asked = set(self.replies)
        self.pending.clear()
        self.alarms.clear()
        self.unasked_starts.clear()
        self.state = blank
        if found is None and not owned:
            self.told.clear()
            self.over.clear()
            self.lives.clear()
        self.last_record = found
        self.tell(Opened(now=self.now, at=WALL, found=found))
        self.settle()
        return found is None

    def open(self, found: Found | None = None) -> None:
        self.record = self.last_record = found
        if found is not None and found.alive:
            self.alive.add(found.subkernel.generation)
        self.tell(Opened(now=self.now, at=WALL, found=found))
        self.settle()

    def finish_launch(self) -> None:
        """The launch that was on its way brings a process."""
        generation = self.launching.pop()
        assert generation not in self.lives, f"a second life of generation {generation}"
        self.lives.add(generation)
        self.alive.add(generation)
        self._record(subkernel(generation), launched=True)
        self.pending.append(Launched(subkernel=subkernel(generation), spec_path=SPEC))

    def die(self, generation: int, status: int | None, stderr_tail: str = "") -> None:
        """A process ends; the Supervisor hears of it at the next `settle`."""
        self.alive.remove(generation)
        self.pending.append(Exited(generation=generation, status=status, stderr_tail=stderr_tail, now=self.now, at=WALL))

    def ask(self, request: Attach | Restart | Interrupt | Shutdown) -> int:
        self.asks += 1
        number = self.asks
        self.asked.add(number)
        if isinstance(request, Restart):
            self.unasked_starts.clear()
        self.tell(Asking(number=number, request=request))
        return number

    def attach(self, pid: int = 7) -> int:
        return self.ask(Attach(kernel_id=KernelId("k"), pid=pid))

    def lose_owner(self, pid: int = 7) -> None:
        self.tell(OwnerLost(pid=pid, at=WALL))

    def settle(self) -> None:
        """Tell all facts that are on their way."""
        while self.pending:
            fact = self.pending.pop(0)
            self.over.append(fact)
            self.tell(fact)

    def pass_time(self, seconds: float) -> None:
        """Let time pass, timer by timer."""
        until = self.now + seconds
        while due := sorted((entry for entry in self.alarms if entry[0] <= until), key=lambda entry: entry[0]):
            self.now, alarm = due[0]
            self.alarms.remove(due[0])
            self.over.append(alarm)
            if self.left:
                continue
            self.tell(alarm)
            self.settle()
        self.now = until

    def kill(self) -> None:
        """Somebody kills the living process with signal 9."""
        self.die(max(self.alive), -signal.SIGKILL)
        self.settle()
