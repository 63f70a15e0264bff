"""R, Julia and bash: what is sent, and how their answers are read."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from beaker.languages.bash import Bash
from beaker.languages.julia import Julia
from beaker.languages.language import Language, Seen, Sight
from beaker.languages.r import R

NASTY = 'a "b" $c \\ \n'


@pytest.mark.parametrize("language", [R("R"), Julia("julia")])
@pytest.mark.parametrize("name", [None, "x"])
def test_what_is_sent_is_whole_and_leaves_no_name(language: Language, name: str | None) -> None:
    code = language.look(name, '/tmp/a "b"/look-1').code
    assert '"/tmp/a \\"b\\"/look-1"' in code
    assert not re.search(r"<(name|path|limit|summary|detail)>", code)
    outside_texts = re.sub(r'"(\\.|[^"\\])*"|\'(\\.|[^\'\\])*\'', "", code)
    for opening, closing in ("()", "[]", "{}"):
        assert outside_texts.count(opening) == outside_texts.count(closing), (opening, code)
    assert code.startswith(("local({", "let\n"))


@pytest.mark.parametrize("language", [R("R"), Julia("julia")])
def test_records_are_read(language: Language) -> None:
    said = "x\x1fnumeric\x1flength 1:\n 1\x1edf\x1fdata.frame\x1f\x04\n"
    assert language.read(None, said) == Sight(
        variables=[Seen(name="x", type="numeric", summary="length 1: 1"), Seen(name="df", type="data.frame")]
    )
    assert language.read("x", "numeric\x1f num 1\x04\n").detail == "numeric\n num 1"
    assert language.read("x", "\x04\n").detail is None
    assert language.read(None, "\x04").variables == []
    with pytest.raises(ValueError, match="not whole"):
        language.read(None, "x\x1fnumeric\x1f")


def test_values_are_quoted_as_each_language_writes_them() -> None:
    value = [1, None, True, {"a": 1.5}, NASTY]
    assert R("R").quote(value) == 'list(1, NULL, TRUE, list("a" = 1.5), "a \\"b\\" $c \\\\ \\n")'
    assert Julia("julia").quote(value) == '[1, nothing, true, Dict("a" => 1.5), "a \\"b\\" \\$c \\\\ \\n"]'
    assert R("R").quote(float("nan")) == "NaN"
    assert Julia("julia").quote(float("-inf")) == "-Inf"
    assert R("R").quote(object()) is None


def test_a_quoted_text_is_one_word_of_bash() -> None:
    quoted = Bash("bash").quote(NASTY)
    said = subprocess.run(["bash", "-c", f"printf %s {quoted}"], capture_output=True, text=True, check=True, timeout=20).stdout
    assert said == NASTY
    assert Bash("bash").quote([1]) is None
    assert Bash("bash").quote(True) == "true"


def test_names_that_cells_assign() -> None:
    assert list(R("R").assigned("my.df <- read.csv('x')\ny = 2\nf(a = 1)\nx == 3")) == ["my.df", "y"]
    assert list(Julia("julia").assigned("x = 1\nfunction area(r)\nend\nsquare(v) = v^2\nx == 2")) == ["x", "area", "square"]
    assert list(Bash("bash").assigned("x=1\n  declare -A map=([a]=b)\necho y=2")) == ["x", "map"]


def test_what_bash_writes_is_read(tmp_path: Path, need_tool: Callable[..., str]) -> None:
    need_tool("bash")
    bash, path = Bash("bash"), tmp_path / "a 'b' look"
    setup = "x='two\nlines'; n=3; declare -i n; list=(a 'b c'); export SECRET=hidden; greet() { echo hi; }"

    def say(name: str | None) -> Sight:
        code = f"{setup}\n{bash.look(name, str(path)).code}"
        subprocess.run(["bash", "-c", code], check=True, timeout=20)
        return bash.read(name, path.read_text())

    seen = {each.name: each for each in say(None).variables}
    assert (seen["x"].type, seen["x"].summary) == ("text", "$'two\\nlines'")
    assert (seen["n"].type, seen["list"].type, seen["greet"].type) == ("integer", "array", "function")
    assert seen["list"].summary == '([0]="a" [1]="b c")'
    assert seen["SECRET"] == Seen(name="SECRET", type="exported variable")
    assert not {"BASH_VERSION", "PPID", "IFS", "UID"} & set(seen)
    assert say("SECRET").detail == "exported variable (its value is not shown: it is part of the environment)"
    assert "echo hi" in (say("greet").detail or "")
    assert say("nothing").detail is None
    with pytest.raises(ValueError, match="not whole"):
        bash.read(None, "declare -- x")
