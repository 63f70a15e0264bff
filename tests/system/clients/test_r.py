"""R behind beaker: cells as IRkernel runs them, and questions about what an R session holds."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial

import pytest

from tests.kit.questions import CELL, ask, interrupt, prompt, send, until_text
from tests.kit.running_kernel import RunningKernel, running_kernel, wait_until
from tests.kit.shared_kernel import SharedKernel
from tests.scripted.replies import Call, Speak, list_variables, run
from tests.scripted.threaded import ThreadedEndpoint

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("R")]

Asking = Callable[..., AbstractContextManager[tuple[RunningKernel, ThreadedEndpoint]]]

LIMIT_S = 60
"""R itself takes some seconds to start."""

DATA = """
df <- data.frame(temp = c(1.5, NA, 3.5), city = c("Oslo", "Rome", "Bern"), stringsAsFactors = TRUE)
my.mean <- function(values, ...) mean(values)
words <- "gr\\u00fc\\u00df"
makeActiveBinding("lively", function() { ran <<- "the binding"; 1 }, globalenv())
thing <- structure(new.env(), class = "Thing"); thing$inside <- 1
"""

METHODS = """
generics <- c("print", "str", "format", "summary", "head", "length", "names", "dim", "[", "[[", "$", "is.na", "as.character", "as.list")
for (generic in generics)
  assign(paste0(generic, ".mine"), eval(bquote(function(x, ...) { ran <<- .(generic); 1L })))
rm(generic, generics)
mine <- structure(list(a = 42), class = "mine")
holder <- list(deep = mine)
rows <- structure(data.frame(a = 1:2), class = c("mine", "data.frame"))
setClass("Four", representation(n = "numeric")); four <- new("Four", n = 42)
setMethod("show", "Four", function(object) ran <<- "show"); setMethod("length", "Four", function(x) { ran <<- "length"; 1L })
ran <- "nothing"
"""


def shown(name: str) -> Speak:
    """The model looks at a variable."""
    return Speak(calls=[Call(name="show_variable", arguments=json.dumps({"name": name}))])


READY_S = 70.0
"""R starts in 2 s. But IRkernel that finds one of its ports taken waits for ever, and is started again after 30 s."""


def _forget(kernel: RunningKernel) -> None:
    """What the test before has left, but for methods: who defines some comes behind the others."""
    assert kernel.run("rm(list = ls(all.names = TRUE))", timeout_s=LIMIT_S).status == "ok"
    assert kernel.run("%beaker reset").status == "ok"


@pytest.fixture(scope="module")
def r_session(need_kernelspec: Callable[[str], None], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    """Asks a kernel that the tests share, with a script for the model; gives that kernel and the model's endpoint."""
    need_kernelspec("ir")
    start = partial(running_kernel, arguments=["--subkernel", "ir"], ready_s=READY_S)
    shared = SharedKernel(tmp_path_factory.mktemp("r"), start=start, forget=_forget)
    yield shared.asking
    shared.close()


def answered(kernel: RunningKernel, code: str) -> str:
    """Ask, and give all that was shown."""
    outcome = kernel.outcome(ask(kernel, code, **CELL), timeout_s=LIMIT_S)
    return "".join(message["content"].get("data", {}).get("text/markdown", "") for message in outcome.outputs)


def test_cells_run_in_r_and_what_they_hold_is_told(r_session: Asking) -> None:
    names = ["df", "my.mean", "words", "lively", "thing", "nothing"]
    with r_session(list_variables(), *map(shown, names), Speak(text="There.")) as (kernel, endpoint):
        assert kernel.client.kernel_info(reply=True, timeout=LIMIT_S)["content"]["language_info"]["name"] == "R"
        assert kernel.run(DATA, timeout_s=LIMIT_S).status == "ok"
        assert kernel.run("ls()").text.split() == ["[1]", '"df"', '"lively"', '"my.mean"', '"thing"', '"words"']
        assert kernel.run("1 + 'a'").status == "error"
        assert "There." in answered(kernel, "%%ai what is it?")
        listed, df, mean, words, lively, thing, nothing = endpoint.results()
        assert "df: data.frame = 3 rows x 2 columns: temp (numeric), city (factor)" in listed
        assert "my.mean: function = (values, ...)" in listed
        assert "thing: Thing = names inside" in listed
        assert "NA's   :1" in df
        assert "Oslo" in df
        assert "mean(values)" in mean
        assert "grüß" in words
        assert "active binding" in lively
        assert "inside" in thing
        assert "no variable nothing" in nothing
        assert kernel.run("exists('ran')").text == "[1] FALSE", "the binding was not read"


def test_a_question_takes_a_number_in_r_and_code_of_the_model_takes_the_next(r_session: Asking) -> None:
    with r_session(list_variables(), run("y <- 20 + 22\ny"), Speak(text="There.")) as (kernel, endpoint):
        first = kernel.run("1", timeout_s=LIMIT_S).reply["content"]["execution_count"]
        asked = send(kernel, "%%ai --mode ask how much?")
        assert "y <- 20 + 22" in prompt(kernel)
        kernel.client.input("y")
        outcome = kernel.outcome(asked, timeout_s=LIMIT_S)
        assert outcome.reply["content"]["execution_count"] == first + 1
        text = "".join(message["content"].get("data", {}).get("text/markdown", "") for message in outcome.outputs)
        assert f"runs as `[{first + 2}]`" in text
        assert f"ran as cell {first + 2}" in endpoint.results()[-1]
        assert "42" in endpoint.results()[-1]
        after = kernel.run("y")
        assert (after.text, after.reply["content"]["execution_count"]) == ("[1] 42", first + 3)


def test_a_look_at_r_calls_nothing_of_the_users_and_leaves_the_session_as_it_was(r_session: Asking) -> None:
    names = ["mine", "holder", "rows", "four"]
    same = "cat(ls(all.names = TRUE), names(options()), search(), getwd(), unlist(dev.list()), ran)"
    with r_session(list_variables(), *map(shown, names), Speak(text="There.")) as (kernel, endpoint):
        assert kernel.run(METHODS, timeout_s=LIMIT_S).text == ""
        before = kernel.run(same).text
        assert before.endswith("nothing")
        answered(kernel, "%%ai what is it?")
        listed, *details = endpoint.results()
        assert "rows: mine = 2 rows x 1 columns: a (integer)" in listed
        assert "four: Four = slots n" in listed
        assert ["42" in detail for detail in details] == [True, True, False, True]
        assert kernel.run(same).text == before


def test_a_busy_r_session_is_left_alone_an_interrupt_ends_its_cell_and_a_restart_its_variables(r_session: Asking) -> None:
    with r_session(list_variables(), Speak(text="Later.")) as (kernel, endpoint):
        kernel.run("kept <- 1", timeout_s=LIMIT_S)
        running = kernel.send("cat('begun\\n'); flush.console(); repeat Sys.sleep(0.1)")
        kernel.wait_for_print(running, "begun")
        asked = ask(kernel, "%%ai what is it?", **CELL)
        until_text(kernel, asked, "Later.")
        assert "a busy R session cannot be looked at" in endpoint.results()[0]
        status = kernel.run("%beaker status").text
        assert "R (ir)" in status
        interrupt(kernel)
        assert kernel.reply(running, timeout_s=LIMIT_S)["content"]["status"] != "ok"
        # IRkernel aborts what comes while it takes the interrupt.
        wait_until(lambda: kernel.run("kept", timeout_s=LIMIT_S).text == "[1] 1", timeout_s=LIMIT_S, what="a cell that runs")
        failing, behind = kernel.send("Sys.sleep(2); stop('no')"), kernel.send("2")
        assert kernel.outcome(failing, timeout_s=LIMIT_S).status == "error"
        assert kernel.outcome(behind, timeout_s=LIMIT_S).status == "aborted", "and it is idle, of which IRkernel says nothing"
        assert kernel.run("%beaker restart").status == "ok"
        fresh = kernel.run("exists('kept')", timeout_s=LIMIT_S)
        assert (fresh.text, fresh.reply["content"]["execution_count"]) == ("[1] FALSE", 1)
