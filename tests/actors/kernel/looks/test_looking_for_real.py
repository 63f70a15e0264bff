"""Looks at real kernels: what is seen, and that the session is the same before and after."""

import time
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from actors.runtime.failures import AskFailed
from beaker.languages.python import Python
from beaker.messages.base import TurnId
from beaker.messages.look import ShowVariable, VariableShown
from beaker.messages.subkernel import Started, Starting
from beaker.messages.turn import Ended, ListVariables, Question, Taken, TurnFailure, Variables
from tests.kit.kernel_stage import KernelStage, staged, until
from tests.kit.real_subkernel import real_subkernel
from tests.kit.recording_front import PATIENCE_S

pytestmark = pytest.mark.slow

TURN = TurnId(1)

SNAPSHOT = """
import gc as _gc, json as _json, sys as _sys, threading as _threading, linecache as _linecache, re as _re
def _snapshot():
    ip = get_ipython()
    plt = _sys.modules.get("matplotlib.pyplot")
    return {
        "names": sorted(name for name in globals() if not _re.fullmatch(r"_i\\d+", name)),
        "results": [sorted(Out), repr(_), repr(__)],
        "hooks": {name: [repr(each) for each in hooks] for name, hooks in ip.events.callbacks.items()},
        "hook lists": sorted({type(hooks).__name__ for hooks in ip.events.callbacks.values()}),
        "modules": sorted(name for name in _sys.modules if not name.startswith("pygments")),
        "figures": plt.get_fignums() if plt else [],
        "drawn": [len(plt.figure(number).axes) for number in plt.get_fignums()] if plt else [],
        "threads": sorted(thread.name for thread in _threading.enumerate() if "subshell" in thread.name),
        "source": [name for name, entry in _linecache.cache.items() if len(entry) > 2 and entry[2][:1] and "lambda b, s" in entry[2][0]],
        "garbage": sum("beaker" in str(getattr(each, "__module__", "")) or type(each).__name__ == "Hushed" for each in _gc.get_objects()),
    }
"""


class Session:
    """A KernelActor with a real kernel behind it."""

    def __init__(self, stage: KernelStage) -> None:
        self.stage = stage

    async def run(self, code: str) -> str:
        """Run a cell to its end; what it printed, with results and errors."""
        msg_id = self.stage.run(code)
        await self.stage.front.over(msg_id)
        return self.printed(msg_id)

    def printed(self, msg_id: str) -> str:
        found = ""
        for sent in self.stage.front.about(msg_id):
            if sent.channel == "iopub":
                found += (
                    sent.content.get("text", "") or sent.content.get("data", {}).get("text/plain", "") or sent.content.get("evalue", "")
                )
        return found

    async def list(self) -> Variables:
        seen = await self.stage.kernel.ask(ListVariables(turn=TURN), timeout_s=60)
        assert isinstance(seen, Variables)
        return seen

    async def show(self, name: str) -> VariableShown:
        shown = await self.stage.kernel.ask(ShowVariable(turn=TURN, name=name), timeout_s=60)
        assert isinstance(shown, VariableShown)
        return shown

    async def refused(self, name: str) -> str:
        with pytest.raises(AskFailed) as refused:
            await self.show(name)
        assert isinstance(refused.value.failure, TurnFailure)
        return refused.value.failure.reason


async def session_of(spec: str, folder: Path) -> AsyncIterator[Session]:
    patient = {"kernel": {"look_time_limit_s": 30.0}}
    with ExitStack() as held:
        async with staged(folder, patient) as stage:
            await stage.open()
            await stage.attach()
            real = held.enter_context(real_subkernel(folder, spec))
            # On a loaded machine it takes longer to listen than the Supervisor's double waits for a greeting.
            await until(real.listens, f"the kernel of {spec}")
            stage.tell(Starting(generation=1), Started(subkernel=real.as_announced()))
            await stage.greeted(1)
            yield Session(stage)


@pytest.fixture
async def python(short_folder: Path) -> AsyncIterator[Session]:
    async for session in session_of("python3", short_folder):
        yield session


@pytest.fixture
async def bash(short_folder: Path) -> AsyncIterator[Session]:
    async for session in session_of("bash", short_folder):
        yield session


async def test_a_question_says_what_a_name_held_when_it_came(python: Session) -> None:
    stage = python.stage
    await python.run("x, y = 1, [1, 2]")
    stage.run("%%ai is {x} in {y}?", metadata={"cellId": "c"})
    behind = stage.run("x = y = 'later'")  # in the same burst
    question, taken = await stage.agent.expect_ask(Question)
    taken.answer(Taken())
    assert question.prompt == "is 1 in [1, 2]?"
    await stage.front.over(behind)
    stage.tell(Ended(turn=question.turn, status="ok", text=""))
    _, question = await stage.ask("%%ai and {x}?")
    assert question.prompt == "and later?"


MAGICS = {
    "None": False,
    "ai = 1": False,
    "from IPython.core.magic import register_cell_magic\n@register_cell_magic\ndef ai(line, cell):\n    'mine'": True,
    "ai = 1  # the magic is still there": True,
    "del ai, get_ipython().magics_manager.magics['cell']['ai'], get_ipython().magics_manager.user_magics.ai": False,
    "from IPython.core import magic\n@magic.magics_class\nclass Mine(magic.Magics):\n    @magic.line_cell_magic\n"
    "    def ai(self, line, cell=None):\n        'mine'\nget_ipython().register_magics(Mine)": True,
}


async def test_help_requests_tell_whether_the_session_has_a_magic(python: Session) -> None:
    async def has_magic() -> bool:
        asking = Python("python").has_magic("ai")
        try:
            wanted = next(asking)
            while True:
                content = {"code": wanted.path, "cursor_pos": len(wanted.path), "detail_level": 0}
                told = (await python.stage.front.reply(python.stage.request("inspect_request", content, channel="control"))).content
                wanted = asking.send("help" if told["found"] else None)
        except StopIteration as end:
            return bool(end.value)

    for code, there in MAGICS.items():
        await python.run(code)
        assert await has_magic() == there, code


async def test_an_idle_session_tells_of_its_data(python: Session) -> None:
    await python.run(
        "import pandas as pd, numpy as np\n"
        "df = pd.DataFrame({'city': ['Oslo', 'Rome', None], 'temp': [1.5, float('nan'), 3.5], 'n': [1, 2, 3]})\n"
        "list = grid = np.arange(6.0).reshape(2, 3)\n"  # a name of Python's own, taken by the user
        "def mean(values, *, skip=True):\n    'The mean.'\n    return sum(values)"
    )
    seen = {each.name: (each.type, each.summary) for each in (await python.list()).variables}
    assert seen["df"][1].startswith("3 rows x 3 columns: city (")
    assert seen["grid"] == ("ndarray", "float64 (2, 3)")
    assert seen["mean"] == ("function", "mean(values, *, skip)")
    assert not {"In", "Out", "get_ipython", "exit"} & set(seen)
    text = (await python.show("df")).text
    assert "missing 1, 1.5 .. 3.5, mean 2.5" in text
    assert "1 .. 3, mean 2" in text
    assert "0 | Oslo | 1.5 | 1" in text
    assert "The mean." in (await python.show("mean")).text
    assert await python.refused("nothing") == "the session has no variable nothing"


async def test_nothing_is_called_that_the_user_wrote(python: Session) -> None:
    await python.run(
        "called = []\n"
        "class Nasty:\n"
        "    def __init__(self): self.inside = 1\n"
        "    def _note(self, *a): called.append(1); raise RuntimeError\n"
        "    __repr__ = __str__ = __len__ = __iter__ = __bool__ = __eq__ = __hash__ = __format__ = _note\n"
        "    @property\n    def secret(self): called.append(2)\n"
        "class MyList(list):\n    __repr__ = __iter__ = __len__ = lambda self: called.append(3)\n"
        "nasty = Nasty(); inner = {'a': [nasty]}; mine = MyList([1, 2])\n"
    )
    seen = {each.name: each.summary for each in (await python.list()).variables}
    assert seen["nasty"] == "an object with inside"
    assert seen["mine"] == "[1, 2]"
    for name in ("nasty", "inner", "mine", "Nasty"):
        await python.show(name)
    assert await python.run("called") == "[]"


async def test_a_text_that_is_no_unicode_hides_neither_itself_nor_others(python: Session) -> None:
    await python.run(r"name = 'caf\udce9.csv'; names = [name]; n = 1")
    assert {each.name for each in (await python.list()).variables} == {"name", "names", "n"}
    assert "caf?.csv" in (await python.show("name")).text


async def test_an_idle_look_leaves_the_session_as_it_was(python: Session) -> None:
    await python.run(SNAPSHOT)
    await python.run(
        "import pandas as pd, numpy as np, matplotlib.pyplot as plt\n"
        "df = pd.DataFrame({'a': [1, 2], 't': pd.to_datetime(['2024-01-01', '2024-01-02']), 's': ['x', 'y'], 'o': [[], {}]})\n"
        "cat = df['s'].astype('category'); index = df.index\n"
        "z = pd.Series(pd.to_datetime(['2024-01-01']).tz_localize('UTC')); grid = np.eye(3)"
    )
    assert await python.run("fired = []; get_ipython().events.register('post_execute', lambda: fired.append(1)); 7") == "7"
    # A figure that is open while the session is idle, as one is that a widget's callback made.
    await python.run("from matplotlib_inline.config import InlineBackend; InlineBackend.instance().close_figures = False")
    await python.run("fig = plt.figure(); ax = fig.subplots(); line, = ax.plot([1, 2])\nbefore = after = None; fired.clear()")
    await python.run("before = _snapshot()")
    shown = len(python.stage.front.sent)
    await python.list()
    for name in ("df", "cat", "index", "grid", "fig", "z", "plt", "line"):
        assert "could not be looked at" not in (await python.show(name)).text
    assert len(python.stage.front.sent) == shown, "no client heard of it"
    kept = await python.run("after = _snapshot(); print(get_ipython().last_execution_result.info.raw_cell, len(fired), len(In))")
    assert kept == "before = _snapshot() 2 8\n", "the looks were no executions to IPython, to the user's hooks, to the history"
    assert await python.run("{what: (before[what], after[what]) for what in before if before[what] != after[what]}") == "{}"
    assert await python.run("before['figures'], before['drawn']") == "([1], [1])"
    counts = [sent.content["execution_count"] for sent in python.stage.front.sent if sent.kind == "execute_input"]
    assert counts == list(range(1, len(counts) + 1))


async def test_looks_leave_no_memory_behind(python: Session) -> None:
    await python.run("import gc, tracemalloc, pandas as pd\nclass Held: pass\nheld = Held(); df = pd.DataFrame({'a': range(100)})")
    await python.run("import weakref; watch = weakref.ref(held); tracemalloc.start()")
    # What a look executes has no file; what ipykernel keeps of any message is not ours.
    held = "sum(each.size for each in tracemalloc.take_snapshot().statistics('filename') if each.traceback[0].filename == '<string>')"

    async def look_often() -> int:
        for _ in range(4):
            await python.list()
            for name in ("df", "held"):
                await python.show(name)
        return int(await python.run(f"gc.collect(); {held}"))

    first = await look_often()
    assert await look_often() <= first + 500, "the first look may intern a name, later ones leave nothing"
    assert await python.run("del held; gc.collect(); watch() is None") == "True"


async def test_a_look_while_a_cell_plots_leaves_the_figure_whole(python: Session, tmp_path: Path) -> None:
    await python.run(SNAPSHOT)
    await python.run("import matplotlib.pyplot as plt, numpy as np, pandas as pd")
    await python.run("n = 5; items = [1, 2, 3]; text = 'hello'; df = pd.DataFrame({'a': [1]})")
    gate = tmp_path / "gate"
    running = python.stage.run(
        "import os, time, weakref\n"
        "class Held: pass\nbefore = after = None\n"
        "held = Held(); watch = weakref.ref(held)\n"
        "fig, ax = plt.subplots(); ax.plot([1, 2, 3])\n"
        "before = _snapshot()\n"
        "print('drawing', flush=True)\n"
        f"while not os.path.exists({str(gate)!r}): time.sleep(0.01)\n"
        "after = _snapshot()\n"
        "del held\n"
        "print('equal', before == after, 'freed', watch() is None, 'open', plt.get_fignums())\n"
        "if before != after: print({k: (before[k], after[k]) for k in before if before[k] != after[k]})\n"
        "ax.plot([3, 2, 1]); print('lines', len(fig.axes[0].lines))"
    )
    await python.stage.front.output(running, "stream")
    listed = await python.list()
    shown = {name: (await python.show(name)).text for name in ("n", "items", "text", "df", "fig", "held")}
    assert await python.refused("nothing") == "the session has no variable nothing"
    assert await _subshells(python) == []
    gate.touch()
    await python.stage.front.over(running)
    printed = python.printed(running)
    assert "equal True freed True open [1]" in printed, printed
    assert "lines 2" in printed
    assert [sent.kind for sent in python.stage.front.about(running)].count("display_data") == 1
    assert {(each.name, each.type) for each in listed.variables} >= {("n", "int"), ("df", "DataFrame"), ("fig", "Figure"), ("held", "Held")}
    assert "while a cell is running" in listed.note
    assert shown["n"] == "int\n5"
    assert shown["items"] == "list\n[1, 2, 3]"
    assert "'a'" in shown["df"]


async def _subshells(session: Session) -> Any:
    """Those that the subkernel has once ours had time to end."""
    deadline = time.monotonic() + PATIENCE_S
    found: Any = ["not asked yet"]
    while found and time.monotonic() < deadline:
        asked = session.stage.request("list_subshell_request", {}, channel="control")
        found = (await session.stage.front.reply(asked)).content["subshell_id"]
    return found


async def test_bash_tells_of_variables_and_keeps_its_history(bash: Session) -> None:
    await bash.run("greeting='hello world'; parts=(a b); declare -A map=([k]=v); export TOKEN_OF_MINE=secret; greet() { echo hi; }")
    before = await bash.run("compgen -v | sort | md5sum; set -o | md5sum")
    seen = {each.name: each for each in (await bash.list()).variables}
    assert seen["greeting"].summary == '"hello world"'
    assert (seen["parts"].type, seen["map"].type, seen["greet"].type) == ("array", "map", "function")
    assert seen["TOKEN_OF_MINE"].summary == ""
    assert "PATH" not in seen or seen["PATH"].summary == ""
    assert 'greeting="hello world"' in (await bash.show("greeting")).text
    assert "echo hi" in (await bash.show("greet")).text
    assert "secret" not in (await bash.show("TOKEN_OF_MINE")).text
    assert await bash.refused("nothing") == "the session has no variable nothing"
    assert await bash.run("compgen -v | sort | md5sum; set -o | md5sum") == before
    assert "declare -F" not in await bash.run("history")
    counts = [sent.content["execution_count"] for sent in bash.stage.front.sent if sent.kind == "execute_input"]
    assert counts == [1, 2, 3, 4]
