"""Contexts in the agent: tools that run in its process, lists, previews; whatever a plugin does, the agent lives."""

import asyncio
import json
import threading
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from actors.agent.contexts import UNSEEN, Contexts
from actors.runtime.failures import AskFailed
from actors.runtime.kit import Probe
from beaker.agent.model_failure import ModelFailure
from beaker.agent.tools.session import Session
from beaker.agent.tools.tool import RESULT_LIMIT_CHARS
from beaker.contexts.context import Context, summary_of, tool, tools_of
from beaker.contexts.places import OURS, Place, find_places
from beaker.contexts.procedure import Name, Procedure
from beaker.contexts.shelf import Loaded, Missing, Shelf
from beaker.messages.base import TurnId
from beaker.messages.context import AgentFailure, ContextsListed, ListContexts, ListModels, ModelsListed
from beaker.messages.running import CodeRan, RunCode
from beaker.messages.turn import ListVariables, Ping, Pong, ProposeCell, Question, Stop, ToolAnswered, ToolCalled
from tests.actors.agent.stage import FAST, on, reply_of_kernel, staged
from tests.kit.running_kernel import wait_until
from tests.scripted.replies import Call, Reply, Speak, list_variables


def called(name: str, arguments: dict[str, object]) -> Speak:
    """The model calls a tool."""
    return Speak(calls=[Call(name=name, arguments=json.dumps(arguments))])


def said(text: str) -> Speak:
    """The model answers."""
    return Speak(text=text)


class Lakes(Context):
    """Names and depths of lakes."""

    persona = "You know lakes."
    procedures = (
        Procedure(name="look", description="Look at a frame.", parameters={"frame": Name}, code={"python": "{{ frame }}.head()"}),
    )

    @tool
    def depth(self, lake: str) -> float:
        """Look a depth up."""
        return {"Inari": 92.0}[lake]

    @tool
    async def names(self, session: Session) -> list[str]:
        """What the session holds."""
        return [each.name for each in await session.variables()]

    @tool
    async def put(self, session: Session, code: str) -> str:
        """Propose code."""
        return await session.use("propose_cell", code=code)

    @tool(timeout_s=0.05)
    async def slow(self) -> None:
        """Take for ever."""
        await asyncio.sleep(3600)

    async def preview(self, session: Session) -> str:
        """How much there is."""
        return f"{len(await session.variables())} variables in {session.language}"


class Moody(Context):
    """Its preview fails."""

    async def preview(self, session: Session) -> str:
        """Fail."""
        raise ValueError("not today")


class Wild(Context):
    """Its functions do what would end a process, a loop or a task."""

    persona = "You know caf\udce9s."

    @tool
    def leave(self) -> None:
        """Leave."""
        raise SystemExit("bye")

    @tool
    def interrupt_thread(self) -> None:
        """Interrupt."""
        raise KeyboardInterrupt

    @tool
    async def interrupt_loop(self) -> None:
        """Interrupt the loop."""
        raise KeyboardInterrupt

    @tool
    async def cancel(self) -> None:
        """Cancel itself."""
        raise asyncio.CancelledError

    @tool
    def undecodable(self) -> str:
        """The name of a file that is no UTF-8."""
        return "caf\udce9"


class Blocking(Context):
    """Its async functions block."""

    let_go = threading.Event()

    @tool(timeout_s=30)
    async def block(self) -> str:
        """Block."""
        self.let_go.wait(20)
        return "let go"

    @tool
    async def loop(self) -> int:
        """Tell the loop."""
        return id(asyncio.get_running_loop())


class Long(Context):
    """Its results are long."""

    @tool
    def all_of_it(self) -> str:
        """Everything."""
        return "first" + "x" * 100_000 + "last"


class Wordless(Context):
    """Its persona is no text."""

    persona = 5  # type: ignore[assignment]  # that is the point


class Stuck(Context):
    """It is never made."""

    let_go = threading.Event()

    def __init__(self) -> None:
        self.let_go.wait()


class MadeShelf(Shelf):
    """A shelf with the contexts of this file, and one that cannot be made."""

    def __init__(self) -> None:
        super().__init__({"lakes": Place("here", ""), "moody": Place("here", ""), "broken": Place("nowhere_at_all:X", "some-package")})

    def take(self, name: str) -> Loaded | Missing:
        made = {"lakes": Lakes, "moody": Moody, "wild": Wild, "stuck": Stuck, "blocking": Blocking, "long": Long}.get(name)
        if made is None:
            return super().take(name)
        context: Context = made()
        return Loaded(name=name, context=context, summary=summary_of(context), tools=tuple(tools_of(context)))


def question(context: str = "lakes") -> Question:
    return Question(turn=TurnId(1), prompt="how deep?", language="python", history=[], cells=[], context=context)


async def told(script: Sequence[Reply], context: str = "lakes") -> tuple[list[str], object]:
    """What the model was told by its tools, and the system prompt of its last call."""
    async with on(script, shelf=MadeShelf()) as (stage, server):
        stage.agent.tell(question(context))
        ended = await stage.ended()
        assert ended.status == "ok", ended
        messages = server.requests[-1].body["messages"]
        return [message["content"] for message in messages if message["role"] == "tool"], messages[0]["content"]


async def test_a_tool_of_the_context_runs_here_and_its_result_is_told() -> None:
    results, prompt = await told([called("depth", {"lake": "Inari"}), said("92 m")])
    assert results == ["92.0"]
    assert str(prompt).endswith("You know lakes.")


async def test_an_error_of_a_tool_is_text_for_the_model() -> None:
    results, _ = await told([called("depth", {"lake": "Ness"}), called("slow", {}), said("I do not know")])
    assert results == ["That did not work: depth failed: KeyError: 'Ness'", "That did not work: slow took longer than 0.05 s"]


async def test_a_tool_looks_at_the_session_and_proposes_in_it() -> None:
    async with on([called("names", {}), called("put", {"code": "x"}), said("done")], shelf=MadeShelf()) as (stage, server):
        stage.agent.tell(question())
        assert (await stage.ended()).status == "ok"
        assert (await stage.kernel.expect(ListVariables)).turn == 1
        assert (await stage.kernel.expect(ProposeCell)).code == "x"
        assert '["df"]' in str(server.requests[-1].body["messages"])


async def test_what_a_function_of_a_context_gives_is_marked_as_data_for_which_nobody_vouches() -> None:
    async with on([called("depth", {"lake": "Inari"}), called("list_variables", {}), said("done")], shelf=MadeShelf()) as (stage, _):
        stage.agent.tell(question())
        await stage.ended()
        assert [message.untrusted for message in stage.kernel.seen if isinstance(message, ToolAnswered)] == [True, False]


@pytest.mark.parametrize("tool_call", [called("names", {}), list_variables()], ids=["of a plugin", "built in"])
async def test_no_model_is_asked_with_a_tools_result_for_a_kernel_that_is_gone(tool_call: Speak) -> None:
    gone = asyncio.Event()

    def go(message: object) -> object:
        if isinstance(message, ListVariables):
            gone.set()
        return reply_of_kernel(message)

    async with on([tool_call, said("done")], shelf=MadeShelf(), kernel=Probe(go), is_gone=gone.is_set) as (stage, server):
        stage.agent.tell(question())
        assert (await stage.ended()).status == "stopped"
        assert len(server.requests) == 1


async def test_a_procedure_is_code_that_goes_the_way_of_all_code() -> None:
    def answer(message: object) -> object:
        return CodeRan(status="ok", output="3 rows", execution_count=2) if isinstance(message, RunCode) else reply_of_kernel(message)

    async with on([called("look", {"frame": "df"}), said("done")], shelf=MadeShelf(), kernel=Probe(answer)) as (stage, server):
        stage.agent.tell(question())
        assert (await stage.ended()).status == "ok"
        assert (await stage.kernel.expect(RunCode)).code == "df.head()"
        assert "3 rows" in str(server.requests[-1].body["messages"])


async def test_a_context_that_cannot_be_used_ends_the_question_in_words_and_the_next_one_works() -> None:
    async with on([said("hello")], shelf=MadeShelf()) as (stage, _):
        stage.agent.tell(question("broken"))
        ended = await stage.ended()
        assert (ended.status, ended.reason.startswith("The context 'broken' of some-package")) == ("error", True)
        stage.agent.tell(question("lakes"))
        assert (await stage.ended()).text == "hello"


async def listed(previewed: str) -> ContextsListed:
    async with on([said("")], shelf=MadeShelf()) as (stage, _):
        reply = await stage.agent.ask(ListContexts(language="python", previewed=previewed), timeout_s=20)
        assert isinstance(reply, ContextsListed)
        return reply


async def test_whatever_a_function_raises_is_text_for_the_model_and_the_agent_lives() -> None:
    names = ["leave", "interrupt_thread", "interrupt_loop", "cancel", "undecodable"]
    async with on([*[called(name, {}) for name in names], said("done")], shelf=MadeShelf()) as (stage, server):
        stage.agent.tell(question("wild"))
        ended = await stage.ended()
        assert ended.status == "ok", ended
        messages = server.requests[-1].body["messages"]
        assert "You know caf?s." in messages[0]["content"]
        results = [message["content"].removeprefix("That did not work: ") for message in messages if message["role"] == "tool"]
        assert results == [
            "leave failed: RuntimeError: SystemExit: bye",
            "interrupt_thread failed: RuntimeError: KeyboardInterrupt: ",
            "interrupt_loop failed: RuntimeError: KeyboardInterrupt: ",
            "cancel failed: it was cancelled by itself",
            "caf?",
        ]


async def test_an_async_function_that_blocks_holds_up_neither_the_sign_of_life_nor_a_stop_nor_the_next_question() -> None:
    Blocking.let_go.clear()
    try:
        async with on([called("block", {}), called("loop", {}), said("done")], shelf=MadeShelf()) as (stage, server):
            stage.agent.tell(question("blocking"))
            await stage.kernel.expect(ToolCalled)
            assert await stage.agent.ask(Ping(), timeout_s=5) == Pong()
            stage.agent.tell(Stop(turn=TurnId(1)))
            assert (await stage.ended()).status == "stopped"
            stage.agent.tell(msgspec.structs.replace(question("blocking"), turn=TurnId(2)))
            async with asyncio.timeout(15):  # the former one blocks for longer
                assert (await stage.ended()).text == "done", "its functions run though the former one blocks still"
            assert len(server.requests) == 3
    finally:
        Blocking.let_go.set()


async def test_a_result_that_is_too_long_for_the_model_stands_whole_in_a_file(tmp_path: Path) -> None:
    limits = msgspec.structs.replace(FAST, answers=str(tmp_path))
    script = [called("all_of_it", {}), called("all_of_it", {}), said("done")]
    async with on(script, shelf=MadeShelf(), limits=limits) as (stage, server):
        stage.agent.tell(question("long"))
        await stage.ended()
        results = [message["content"] for message in server.requests[-1].body["messages"] if message["role"] == "tool"]
    paths = [result.rpartition("[cut; the whole result, 100009 characters, stands in ")[2].removesuffix("]") for result in results]
    assert len(set(paths)) == 2
    assert [len(result) <= RESULT_LIMIT_CHARS for result in results] == [True, True]
    whole = "first" + "x" * 100_000 + "last"
    kept = {str(path): (path.read_text(), path.stat().st_mode & 0o777) for path in tmp_path.iterdir()}  # noqa: ASYNC240 -- alone here
    assert kept == dict.fromkeys(paths, (whole, 0o600))


async def test_async_functions_share_one_loop_that_is_not_the_agents() -> None:
    results, _ = await told([called("loop", {}), called("loop", {}), said("done")], "blocking")
    assert results[0] == results[1] != str(id(asyncio.get_running_loop()))


async def test_a_context_that_is_never_made_is_a_sentence_and_holds_up_no_other() -> None:
    contexts = Contexts(Probe(reply_of_kernel).ref(), MadeShelf(), load_timeout_s=0.05)
    try:
        for _ in range(2):
            stuck = await contexts.surroundings("stuck", "python")
            assert isinstance(stuck, Missing)
            assert "has been loading for more than 0.05 s" in stuck.reason
        async with asyncio.timeout(20):
            while isinstance(await contexts.surroundings("lakes", "python"), Missing):
                pass  # it, too, may take its time on a busy machine
    finally:
        Stuck.let_go.set()


async def test_a_context_whose_persona_is_no_text_is_a_sentence() -> None:
    taken = Shelf({"wordless": Place(f"{__name__}:Wordless", "")}).take("wordless")
    assert isinstance(taken, Missing)
    assert "its persona is no text but int" in taken.reason


async def test_the_list_tells_what_each_is_and_why_one_cannot_be_used() -> None:
    reply = await listed("lakes")
    lakes = reply.contexts[0]
    assert (lakes.name, lakes.summary, lakes.persona) == ("lakes", "Names and depths of lakes.", "You know lakes.")
    assert [each.name for each in lakes.tools] == ["depth", "names", "put", "slow"]
    assert [(each.name, each.description) for each in lakes.procedures] == [
        ("look", "Look at a frame. Its code is shown to the user and runs with her consent.")
    ]
    assert list(reply.problems) == ["broken"]
    assert reply.preview == "1 variables in python"


async def test_a_preview_that_fails_is_words() -> None:
    assert (await listed("moody")).preview == "There is no preview: not today."


async def test_ours_are_on_the_shelf_without_being_named() -> None:
    async with on([said("")]) as (stage, _):
        reply = await stage.agent.ask(ListContexts(language="R"), timeout_s=20)
        assert isinstance(reply, ContextsListed)
        assert {facts.name for facts in reply.contexts} >= set(OURS)


async def test_an_agent_that_is_shared_names_plugins_and_leaves_them_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    plugin = Place("no_such_module:Lakes", "lakes")
    monkeypatch.setattr("actors.agent.contexts.find_places", lambda: {**find_places(), "lakes": plugin})
    before = {*threading.enumerate()}
    contexts = Contexts(Probe(reply_of_kernel).ref(), shared=True)
    listed = await contexts.list(ListContexts(language="python", previewed="default"))
    assert ([facts.name for facts in listed.contexts], listed.unseen) == (list(OURS), ["lakes"])
    assert listed.problems == {"lakes": UNSEEN}
    assert "df" in listed.preview
    assert isinstance(await contexts.surroundings("lakes", "python"), Missing)
    assert not isinstance(await contexts.surroundings("dataframes", "python"), Missing)
    contexts.close()
    wait_until(lambda: not any(thread.name == "foreign-loop" for thread in {*threading.enumerate()} - before))


async def test_the_models_are_those_that_the_endpoint_lists() -> None:
    async with on([said("")]) as (stage, server):
        reply = await stage.agent.ask(ListModels(), timeout_s=20)
        assert isinstance(reply, ModelsListed)
        assert (reply.endpoint, reply.model, reply.problem) == (server.base_url, "scripted-1", "")
        assert "scripted-1" in reply.offered


async def test_an_endpoint_that_is_down_is_a_problem_in_words_and_no_failure() -> None:
    async with on([said("")]) as (stage, server):
        await server.__aexit__(None, None, None)
        reply = await stage.agent.ask(ListModels(), timeout_s=20)
        assert isinstance(reply, ModelsListed)
        assert reply.offered == []
        assert reply.problem.startswith("No connection to http://127.0.0.1")


async def test_without_a_way_to_models_it_is_told_why() -> None:
    async def load() -> ModelFailure:
        return ModelFailure(kind="refused", reason="The openai package cannot be used.")

    async with staged(load) as stage:
        with pytest.raises(AskFailed) as refused:
            await stage.agent.ask(ListModels(), timeout_s=20)
        assert refused.value.failure == AgentFailure(reason="The openai package cannot be used.")
