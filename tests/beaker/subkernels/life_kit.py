"""A world for the pure life of a subkernel: processes, a clock and timers that exist only here.

`World` performs the actions of `lifecycle.step` and checks, action by action, what must hold whatever happens.
"""

import signal
from typing import get_args

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
            case Clear():
                assert not self.alive, "cleared while something lives"
                self.cleared = True
            case Leave():
                assert not self.alive, "left while something lives"
                self.left = True
            case Forget() | Record():
                pass

    def open(self, found: Found | None = None) -> None:
        if found is not None and found.alive:
            self.alive.add(found.subkernel.generation)
        self.tell(Opened(now=self.now, at=WALL, found=found))
        self.settle()

    def finish_launch(self) -> None:
        """The launch that was on its way brings a process."""
        generation = self.launching.pop()
        self.alive.add(generation)
        self.pending.append(Launched(subkernel=subkernel(generation), spec_path=SPEC))

    def die(self, generation: int, status: int | None, stderr_tail: str = "") -> None:
        """A process ends; the Supervisor hears of it at the next `settle`."""
        self.alive.remove(generation)
        self.pending.append(Exited(generation=generation, status=status, stderr_tail=stderr_tail, now=self.now, at=WALL))

    def ask(self, request: Attach | Restart | Interrupt | Shutdown) -> int:
        number = len(self.asked) + 1
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
