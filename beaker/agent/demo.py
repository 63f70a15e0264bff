"""The demo model: a deterministic planner that answers when no model is configured.

It is no language model and says so in every answer: a handful of rules that read the question, the cells and the
variables, and call the same tools as a real model would, so that the whole way is shown on real data. It stands behind
the same SDK as every endpoint (see `beaker.agent.demo_wire` for its wire), so that what is shown is what runs.
"""

import re
from collections.abc import Callable

import msgspec

from beaker.agent.conversation import FunctionCall
from beaker.agent.demo_cells import compute_cell, describe_cell, frame_name, load_cell, plot_cell, read_line
from beaker.agent.demo_repair import error_line, repair
from beaker.agent.demo_scene import Held, ReadCell, Scene, column_names, csv_names

CONNECT = (
    "For a real model set OPENAI_API_KEY (and OPENAI_BASE_URL, BEAKER_MODEL for another endpoint) where Jupyter is started, or, in a "
    "checkout, copy env.example to .env and fill it in, for make dev; then start Jupyter again."
)
POINTER = "`%beaker model` says how to connect a real model."
"""In every answer; `CONNECT` is the whole of it. A restarted kernel gets Jupyter's environment as it was, so that is not enough."""

SHOWN_LINES = 14
"""Of what a look showed: the columns of a usual frame."""

LISTED = 12
"""How many variables an answer names: more would be a page."""


class DemoAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One message of the demo model."""

    text: str
    calls: list[FunctionCall] = []


def answer(scene: Scene, *, hint: str = "") -> DemoAnswer:
    """Plan the next message.

    Args:
        scene: what the conversation holds.
        hint: what is missing for the model that the user has configured, if she began to.
    """
    planned = _closing(scene, hint) if scene.proposed else _result(scene, hint) if _is_result(scene) else _plan(scene)
    return _spoken(planned, first=scene.steps == 0)


def _plan(scene: Scene) -> DemoAnswer:
    words = scene.question.lower()
    if re.search(r"\b(hello|hi|help|who are you|what can you)\b", words) and len(words) < 60:
        return DemoAnswer(text=f"I am a fixed set of rules, not a language model. I can {_ABILITIES} {CONNECT}")
    if scene.language != "python":
        return DemoAnswer(text=f"my few rules write Python only, and this is a {scene.language} session. {CONNECT}")
    for pattern, plan in _INTENTS:
        if re.search(pattern, words):
            return plan(scene)
    return DemoAnswer(text=f"I do not understand the question: I am a fixed set of rules. I can {_ABILITIES} What shall it be? {CONNECT}")


_ABILITIES = (
    "list your variables, load a CSV file, describe or plot a data frame, compute the mean of a column, and mend simple errors. "
    "Try *plot the monthly mean of df*."
)


def _list(scene: Scene) -> DemoAnswer:
    if scene.variables is None:
        return _look(scene)
    if not scene.variables:
        return DemoAnswer(text=f"the session holds no variables yet. {CONNECT}")
    lines = [f"- `{held.name}`: {held.type}{_short(held)}" for held in scene.variables[:LISTED]]
    more = f"\n\n{len(scene.variables) - LISTED} more are not shown." if len(scene.variables) > LISTED else ""
    return DemoAnswer(text="the session holds:\n\n" + "\n".join(lines) + f"{more}\n\n{POINTER}")


def _mend(scene: Scene) -> DemoAnswer:
    failed = next((cell for cell in reversed(scene.cells) if cell.failed), None)
    if failed is None:
        return DemoAnswer(text="I see no cell that failed among the latest ones. Run the cell that fails, then ask again.")
    if scene.variables is None and scene.may_call and re.match("NameError|KeyError", error_line(failed)):
        return _look(scene)
    found = repair(failed, scene.cells, scene.variables or [])
    if not found.code:
        return DemoAnswer(text=f"{found.words}. {POINTER}")
    if found.edits and failed.number and "edit_cell" in scene.tools:
        return DemoAnswer(text=f"{found.words}.", calls=[_call("edit_cell", cell_id=failed.number, code=found.code)])
    return _propose(scene, f"{found.words}.", found.code)


def _load(scene: Scene) -> DemoAnswer:
    path = next(iter(csv_names(scene.question) or _csv_of_cells(scene.cells)), None)
    if path is None:
        return DemoAnswer(text="which file shall I load? Name a CSV file, such as *load weather.csv*.")
    return _propose(scene, f"this cell reads `{path}`.", load_cell(path, frame_name(path)))


def _describe(scene: Scene) -> DemoAnswer:
    found = _frame(scene)
    if isinstance(found, Held):
        if "overview" in scene.tools and not scene.ran:  # once: who has said no is not to say it again
            return DemoAnswer(text=f"an overview of `{found.name}`, if you let it run:", calls=[_call("overview", frame=found.name)])
        if "show_variable" in scene.tools and not scene.shown:
            return DemoAnswer(text=f"a look at `{found.name}`:", calls=[_call("show_variable", name=found.name)])
        if scene.shown and not scene.shown.startswith("That did not work"):
            lines = scene.shown.splitlines()
            seen = "\n".join(lines[:SHOWN_LINES] + ["..."] * (len(lines) > SHOWN_LINES))
            return _propose(scene, f"```text\n{seen}\n```\n\nThis cell shows statistics of its columns.", describe_cell(found.name))
    return _with_frame(scene, lambda name, _: ("shows its columns, types, gaps and statistics", describe_cell(name)))


def _compute(scene: Scene) -> DemoAnswer:
    found = _frame(scene)
    computed = compute_cell(found.name, scene.question, _columns(found, scene.cells)) if isinstance(found, Held) else None
    if computed is None:
        return _plot(scene)
    what, code = computed
    if "run_code" in scene.tools and not scene.ran:
        return DemoAnswer(text=f"this code gives {what}:", calls=[_call("run_code", code=code)])
    return _propose(scene, f"this cell gives {what}.", code)


def _plot(scene: Scene) -> DemoAnswer:
    return _with_frame(scene, lambda name, columns: plot_cell(name, scene.question, columns))


_INTENTS = (
    (r"\b(fix|repair|mend|debug|error|mistake|wrong|fail\w*|broken|traceback)\b", _mend),
    (r"\b(plot|draw|chart|graph|histogram|scatter|visuali[sz]e|figure|trend|distribution)\b", _plot),
    (r"\b(what|which|list|show|see)\b.*\b(variables?|have|session|names|loaded|memory)\b|^variables\b", _list),
    (r"\b(describe|summar\w*|overview|explore|statistics|columns|info|missing|look at)\b", _describe),
    (r"\b(load|read|open|import)\b|\.csv\b", _load),
    (r"\b(mean|median|average|sum|total|max\w*|min\w*|highest|lowest|greatest|largest|least|smallest)\b", _compute),
)
"""Which words lead where; the first that fits. Repairs come first: "fix the plot" is about the error."""


def _frame(scene: Scene) -> Held | DemoAnswer | None:
    """The data frame that is meant; or a look, or a question back, by which it is found out; None if there is none."""
    if scene.variables is None and scene.may_call:
        return _look(scene)
    frames = [held for held in scene.variables or [] if "DataFrame" in held.type]
    asked = scene.reply or scene.question
    meant = [held for held in frames if re.search(rf"\b{re.escape(held.name)}\b", asked)]
    if meant:
        return meant[0]
    if csv_names(scene.question):
        return None
    if len(frames) > 1:
        names = [held.name for held in frames[:LISTED]]
        if "ask_user" in scene.tools and not scene.reply:
            question = "Which data frame do you mean?"
            return DemoAnswer(text="several data frames fit.", calls=[_call("ask_user", question=question, choices=names)])
        return DemoAnswer(text=f"which data frame do you mean: {', '.join(f'`{name}`' for name in names)}?")
    return frames[0] if frames else None


def _with_frame(scene: Scene, write: Callable[[str, list[str]], tuple[str, str]]) -> DemoAnswer:
    """Propose what `write` makes for the data frame that is meant."""
    found = _frame(scene)
    if isinstance(found, DemoAnswer):
        return found
    if found is not None:
        what, code = write(found.name, _columns(found, scene.cells))
        return _propose(scene, f"the session holds the data frame `{found.name}`; this cell {what}.", code)
    paths = csv_names(scene.question)
    path = next(iter(paths or _csv_of_cells(scene.cells)), None)
    if path is None:
        return DemoAnswer(
            text="I find no data frame in the session and no CSV file in the question or the cells. Name one: *plot weather.csv*."
        )
    name = frame_name(path)
    what, code = write(name, [])
    imports = "" if "import pandas as pd" in code else "import pandas as pd\n"
    head, blank, body = code.rpartition("\n\n") if code.startswith("import ") else ("", "", code)
    whole = f"{imports}{head}{blank or (chr(10) if imports else '')}{read_line(path, name)}{body}"
    return _propose(scene, f"this cell reads `{path}` and {what}.", whole)


def _look(scene: Scene) -> DemoAnswer:
    if not scene.may_call:
        return DemoAnswer(text=f"I may not look at the session in this turn. {CONNECT}")
    return DemoAnswer(text="let me see what the session holds.", calls=[FunctionCall(name="list_variables", arguments="{}")])


def _propose(scene: Scene, words: str, code: str) -> DemoAnswer:
    if not scene.may_call:
        return DemoAnswer(text=f"{words}\n\n```{scene.language}\n{code}\n```")
    return DemoAnswer(text=words, calls=[_call("propose_cell", code=code)])


def _call(name: str, /, **arguments: object) -> FunctionCall:
    return FunctionCall(name=name, arguments=msgspec.json.encode(arguments).decode())


def _is_result(scene: Scene) -> bool:
    return scene.ran.startswith(("It ran", "It was not run"))


def _result(scene: Scene, hint: str) -> DemoAnswer:
    """Code ran, and its outputs stand in the answer by themselves."""
    failed = "and failed" in scene.ran.split("\n", 1)[0] or scene.ran.startswith("It was not run")
    words = "that did not go well: the error stands above. " if failed else ""
    return DemoAnswer(text=f"{words}This was a fixed set of rules, not a language model. {hint or POINTER}")


def _closing(scene: Scene, hint: str) -> DemoAnswer:
    if scene.proposed.startswith("That did not work"):
        return DemoAnswer(text=f"the cell could not be put before you. {scene.proposed}")
    return DemoAnswer(text=f"Run it, or change it first. This was a fixed set of rules, not a language model. {hint or POINTER}")


def _spoken(planned: DemoAnswer, *, first: bool) -> DemoAnswer:
    text = f"**demo model:** {planned.text}" if first else planned.text[:1].upper() + planned.text[1:]
    return msgspec.structs.replace(planned, text=text)


def _columns(frame: Held, cells: list[ReadCell]) -> list[str]:
    names = column_names(frame.summary)
    for cell in reversed(cells):
        if re.search(rf"\b{re.escape(frame.name)}\b", cell.code):
            names = names or column_names(cell.output)
    return names


def _csv_of_cells(cells: list[ReadCell]) -> list[str]:
    return list(reversed([path for cell in cells for path in csv_names(cell.code + "\n" + cell.output)]))


def _short(held: Held) -> str:
    columns = column_names(held.summary) if "DataFrame" in held.type else []
    line = f"columns {', '.join(columns)}" if columns else " ".join(held.summary.split())
    return f", {line[:80]}…" if len(line) > 80 else f", {line}" if line else ""
