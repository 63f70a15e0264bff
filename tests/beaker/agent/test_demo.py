"""The demo model on real data: what it says is honest, and the cells that it writes run."""

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from beaker.agent.conversation import Assistant, ChatMessage, ToolCall, ToolResult
from beaker.agent.demo import CONNECT, DemoAnswer, answer
from beaker.agent.demo_scene import DemoRequest, Held, Scene
from beaker.agent.demo_wire import chunk_events, decode_request, reply_events
from beaker.agent.prompts import opening
from beaker.agent.tools.asking import AskUserArguments
from beaker.agent.tools.built_in import BUILT_IN
from beaker.agent.tools.proposals import EditCellArguments, ProposeCellArguments
from beaker.agent.tools.running import RunCodeArguments
from beaker.agent.tools.variables import ShowVariableArguments
from beaker.messages.base import TurnId
from beaker.messages.consent import Mode
from beaker.messages.look import SeenCell, VariableShown
from beaker.messages.running import CodeRan, UserAnswered
from beaker.messages.turn import Proposed, Question, TurnFailure, Variable, Variables

CSV = "date,city,temp_mean,rain\n" + "".join(
    f"2024-{month:02}-{day:02},{city},{month + day / 10},{day}\n" for month in (1, 2, 3) for day in (1, 11, 21) for city in ("Oslo", "Rome")
)


class Conversation:
    """Plays the agent: asks the demo model over its wire and answers its tools, until its last word."""

    def __init__(
        self,
        question: str,
        *,
        cells: list[SeenCell] | None = None,
        variables: list[Variable] | None = None,
        language: str = "python",
        mode: Mode = "ask",
        can_ask: bool = True,
        refuses: bool = False,
    ):
        asked = Question(turn=TurnId(1), prompt=question, language=language, history=[], cells=cells or [], mode=mode, can_ask=can_ask)
        self._refuses = refuses
        self.ran: list[str] = []
        self.asked: list[tuple[str, list[str]]] = []
        self._messages: list[ChatMessage] = list(opening(asked, tools=True))
        self._variables = variables or []
        self.texts: list[str] = []
        self.tools: list[str] = []
        self.cells: list[str] = []
        while self._step():
            pass

    @property
    def text(self) -> str:
        return "\n\n".join(self.texts)

    def _step(self) -> bool:
        assert len(self.texts) < 6, self.texts
        body = {"model": "demo", "stream": True, "messages": msgspec.to_builtins(self._messages), "tools": BUILT_IN.definitions()}
        text, calls = heard(reply_events(decode_request(msgspec.json.encode(body))))
        self.texts.append(text)
        if not calls:
            return False
        self._messages.append(Assistant(content=text, tool_calls=calls))
        for call in calls:
            self.tools.append(call.function.name)
            arguments = BUILT_IN.decode(call.function.name, call.function.arguments)
            if isinstance(arguments, ProposeCellArguments | EditCellArguments):
                self.cells.append(arguments.code)
                result = BUILT_IN.describe(call.function.name, Proposed(number=len(self.cells)))
            elif isinstance(arguments, ShowVariableArguments):
                result = BUILT_IN.describe("show_variable", VariableShown(name=arguments.name, text="DataFrame, 18 rows"))
            elif isinstance(arguments, RunCodeArguments):
                self.ran.append(arguments.code)
                reply = TurnFailure(reason="the user refused it") if self._refuses else CodeRan(status="ok", output="13.6")
                result = BUILT_IN.describe("run_code", reply)
            elif isinstance(arguments, AskUserArguments):
                self.asked.append((arguments.question, arguments.choices))
                result = BUILT_IN.describe("ask_user", UserAnswered(text=arguments.choices[-1]))
            else:
                result = BUILT_IN.describe("list_variables", Variables(variables=self._variables))
            self._messages.append(ToolResult(tool_call_id=call.id, content=result))
        return True


def heard(events: Iterator[bytes]) -> tuple[str, list[ToolCall]]:
    """Read a stream as a client does."""
    text, calls, finish = "", dict[str, list[str]](), None
    last = ""
    for event in events:
        data = event.removeprefix(b"data: ").strip()
        if data == b"[DONE]":
            break
        choice = msgspec.json.decode(data)["choices"][0]
        text += choice["delta"].get("content") or ""
        finish = choice["finish_reason"] or finish
        for piece in choice["delta"].get("tool_calls", []):
            last = piece.get("id", last)
            calls.setdefault(last, [piece["function"].get("name", ""), ""])[1] += piece["function"]["arguments"]
    assert finish == ("tool_calls" if calls else "stop")
    return text, [
        msgspec.convert({"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}, ToolCall)
        for call_id, (name, arguments) in calls.items()
    ]


def frame(name: str = "df", summary: str | None = None) -> Variable:
    """A data frame as ipykernel's `inspectVariables` shows it: the head of its repr, cut."""
    text = "         date  city  temp_mean  rain\n0  2024-01-01  Oslo        1.1     1\n1  2024-01-01  Rome        1.1     1\n2  2024-0"
    return Variable(name=name, type="DataFrame", summary=text if summary is None else summary)


def failed_cell(code: str, error: str) -> SeenCell:
    return SeenCell(execution_count=1, code=code, output=error, status="error")


def run(code: str, **names: object) -> dict[str, object]:
    """Run a cell with a real data frame; figures go nowhere."""
    import matplotlib  # here: half a second that only the cells which run take
    import matplotlib.pyplot as plt

    matplotlib.use("Agg")

    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(code, "cell", "exec"), names)
    names["figures"] = len(plt.get_fignums())
    plt.close("all")
    return names


@pytest.fixture
def data() -> object:
    import pandas

    return pandas.read_csv(io.StringIO(CSV))


@pytest.mark.parametrize(
    "question",
    ["hello", "what variables do I have?", "plot df", "describe df", "fix it", "load weather.csv", "sing me a song", "load something"],
)
def test_every_answer_says_what_it_is_first_and_only_then(question: str) -> None:
    talk = Conversation(question, variables=[frame()])
    assert talk.texts[0].startswith("**demo model:**")
    assert talk.text.count("**demo model:**") == 1


@pytest.mark.parametrize("question", ["hello", "sing me a song"])
def test_it_says_how_to_connect_a_real_model(question: str) -> None:
    talk = Conversation(question, variables=[frame()])
    assert all(name in talk.text for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "BEAKER_MODEL"))


def test_it_says_where_a_key_counts_and_what_has_to_start_again() -> None:
    assert "where Jupyter is started" in CONNECT
    assert "in a checkout, copy env.example to .env and fill it in, for make dev" in CONNECT
    assert CONNECT.endswith("then start Jupyter again.")  # a kernel that is restarted gets the environment that Jupyter has


@pytest.mark.parametrize("question", ["what variables do I have?", "plot df", "describe df", "what is the mean of rain in df?"])
def test_every_answer_says_where_to_read_how(question: str) -> None:
    assert Conversation(question, variables=[frame()]).text.count("`%beaker model` says how") == 1


def test_it_asks_back_when_it_does_not_understand() -> None:
    talk = Conversation("sing me a song")
    assert talk.tools == []
    assert "I do not understand" in talk.text
    assert "?" in talk.text


def test_it_lists_the_variables_that_it_saw() -> None:
    talk = Conversation("what variables do I have?", variables=[frame(), Variable(name="n", type="int", summary="3")])
    assert talk.tools == ["list_variables"]
    assert "- `df`: DataFrame, columns date, city, temp_mean, rain\n" in talk.text
    assert "- `n`: int, 3" in talk.text


@pytest.mark.parametrize(
    ("question", "says"),
    [
        ("plot the monthly mean of df", "monthly mean"),
        ("plot the weekly sum of rain in df", "weekly sum"),
        ("plot temp_mean by city", "`temp_mean` by `city`"),
        ("histogram of rain", "distribution"),
        ("scatter temp_mean rain", "`rain` against `temp_mean`"),
        ("draw temp_mean", "`temp_mean` over `date`"),
        ("plot df", "over `date`"),
        ("what is the mean temperature?", "draws"),
    ],
)
def test_a_plot_of_a_frame_that_is_there_runs(question: str, says: str, data: object) -> None:
    talk = Conversation(question, variables=[frame()])
    assert talk.tools == ["list_variables", "propose_cell"]
    assert says in talk.text
    assert run(talk.cells[0], df=data)["figures"] == 1


@pytest.mark.parametrize("question", ["plot the monthly mean", "plot df", "histogram of df"])
def test_a_plot_runs_though_the_columns_are_not_known(question: str, data: object) -> None:
    talk = Conversation(question, variables=[frame(summary="")])
    assert run(talk.cells[0], df=data)["figures"] == 1


def test_a_description_runs(data: object) -> None:
    talk = Conversation("describe the data", variables=[frame()])
    run(talk.cells[0], df=data)
    assert "df.describe" in talk.cells[0]


@pytest.mark.parametrize(
    ("question", "cells"),
    [
        ("load weather.csv", []),
        ("plot the monthly mean of weather.csv", []),
        ("describe weather.csv", []),
        ("plot the data", [SeenCell(execution_count=1, code="!ls", output="notes.txt  weather.csv", status="ok")]),
    ],
)
def test_a_csv_that_was_named_is_read_and_used(
    question: str, cells: list[SeenCell], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: object
) -> None:
    (tmp_path / "weather.csv").write_text(CSV)
    monkeypatch.chdir(tmp_path)
    names = run(Conversation(question, cells=cells).cells[0])
    assert "weather" in names


def test_with_several_frames_it_asks_which_and_goes_on_with_the_answer(data: object) -> None:
    talk = Conversation("plot it", variables=[frame("a"), frame("b")])
    assert talk.asked == [("Which data frame do you mean?", ["a", "b"])]
    assert run(talk.cells[0], b=data)["figures"] == 1


def test_where_nobody_can_be_asked_the_question_stands_in_the_text() -> None:
    talk = Conversation("plot it", variables=[frame("a"), frame("b")], can_ask=False)
    assert (talk.cells, talk.asked) == ([], [])
    assert "`a`, `b`?" in talk.text
    assert "b" in Conversation("plot b", variables=[frame("a"), frame("b")]).cells[0]


@pytest.mark.parametrize(
    ("question", "code"),
    [
        ("what is the mean of rain in df?", 'df["rain"].mean()'),
        ("what is the highest temp_mean by city?", 'df.groupby("city")["temp_mean"].max()'),
    ],
)
def test_a_figure_is_computed_with_consent(question: str, code: str, data: object) -> None:
    talk = Conversation(question, variables=[frame()])
    assert talk.ran == [code]
    assert talk.cells == []
    run(code, df=data)


def test_a_figure_that_may_not_be_computed_is_proposed_instead() -> None:
    for talk in (
        Conversation("what is the mean of rain in df?", variables=[frame()], refuses=True),
        Conversation("what is the mean of rain in df?", variables=[frame()], mode="plan"),
    ):
        assert talk.cells == ['df["rain"].mean()']


def test_a_description_begins_with_what_a_look_shows() -> None:
    talk = Conversation("describe df", variables=[frame()])
    assert talk.tools == ["list_variables", "show_variable", "propose_cell"]
    assert "DataFrame, 18 rows" in talk.text


def test_a_mended_cell_is_put_in_place_of_the_one_that_failed() -> None:
    talk = Conversation("fix it", cells=[failed_cell("dff.head()", "NameError: name 'dff' is not defined")], variables=[frame()])
    assert talk.tools[-1] == "edit_cell"


def test_with_no_data_it_says_so() -> None:
    assert "no data frame" in Conversation("plot something").text


@pytest.mark.parametrize(
    ("code", "error", "variables", "mended"),
    [
        ("plt.plot([1])", "NameError: name 'plt' is not defined", [], "import matplotlib.pyplot as plt\n\nplt.plot([1])"),
        ("dff.head()", "NameError: name 'dff' is not defined", [frame()], "df.head()"),
        ("x = 1; print(xx)", "NameError: name 'xx' is not defined. Did you mean: 'x'?", [], "x = 1; print(x)"),
        ("import sklearn", "ModuleNotFoundError: No module named 'sklearn'", [], "%pip install scikit-learn"),
        ('df["temp"].mean()', "KeyError: 'temp'", [frame()], 'df["temp_mean"].mean()'),
        ('df["zzz"]', "KeyError: 'zzz'", [frame()], "list(df.columns)"),
        ("df.haed()", "AttributeError: 'DataFrame' object has no attribute 'haed'. Did you mean: 'head'?", [frame()], "df.head()"),
    ],
)
def test_simple_errors_are_mended(code: str, error: str, variables: list[Variable], mended: str) -> None:
    talk = Conversation("fix the error", cells=[failed_cell(code, f"\x1b[31mTraceback\x1b[0m\n{error}\n")], variables=variables)
    assert talk.cells == [mended]


def test_a_missing_file_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    error = "FileNotFoundError: [Errno 2] No such file or directory: 'wether.csv'"
    talk = Conversation("what went wrong?", cells=[failed_cell("pd.read_csv('wether.csv')", error)])
    assert "*.csv" in talk.cells[0]
    run(talk.cells[0])


def test_an_error_that_it_cannot_mend_is_named() -> None:
    talk = Conversation("fix it", cells=[failed_cell("1 / 0", "ZeroDivisionError: division by zero")])
    assert talk.cells == []
    assert "ZeroDivisionError: division by zero" in talk.text


def test_the_last_error_counts_not_an_earlier_one() -> None:
    cells = [failed_cell("np.x", "NameError: name 'np' is not defined"), failed_cell("pd.x", "NameError: name 'pd' is not defined")]
    assert "import pandas" in Conversation("fix it", cells=cells).cells[0]


def test_in_another_language_it_says_that_it_writes_python_only() -> None:
    assert "this is a r session" in Conversation("plot df", language="R").text


def test_the_same_conversation_gives_the_same_bytes() -> None:
    body = msgspec.json.encode({"messages": [{"role": "user", "content": "plot df"}], "tools": BUILT_IN.definitions()})
    assert list(reply_events(decode_request(body))) == list(reply_events(decode_request(body)))


def test_without_tools_the_code_stands_in_the_text() -> None:
    body = msgspec.json.encode({"messages": [{"role": "user", "content": "load a.csv"}]})
    text, calls = heard(reply_events(decode_request(body)))
    assert calls == []
    assert "pd.read_csv" in text


@pytest.mark.parametrize("body", [b"", b"{}", b'{"messages": [{"role": "robot"}]}', b'{"messages": 3}'])
def test_what_is_no_request_is_an_error(body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_request(body)


def test_a_request_without_messages_is_answered_all_the_same() -> None:
    text, _ = heard(reply_events(DemoRequest(messages=[])))
    assert text.startswith("**demo model:**")


def test_whitespace_of_a_text_survives_the_chunks() -> None:
    text, _ = heard(chunk_events(DemoAnswer(text="a\n\n- b  c\n"), serial=1))
    assert text == "a\n\n- b  c\n"


@pytest.mark.parametrize(
    ("ran", "then"), [("", "overview"), ("That did not work: the user does not want this code to run", "show_variable")]
)
def test_a_procedure_that_the_user_refused_is_not_asked_for_again(ran: str, then: str) -> None:
    lake = Held(name="lake", type="DataFrame", summary="9 rows x 2 columns")
    scene = Scene(
        question="give me an overview of lake",
        language="python",
        cells=[],
        variables=[lake],
        steps=1,
        proposed="",
        may_call=True,
        tools=frozenset({"overview", "show_variable", "propose_cell"}),
        ran=ran,
    )
    assert [call.name for call in answer(scene).calls] == [then]
