"""What is said about values, by the code that runs in the user's interpreter."""

import datetime
import decimal
import pathlib
import sys
import types
import uuid
from collections import OrderedDict, deque
from typing import Any

import numpy as np
import pandas as pd
import pytest

from beaker.languages.python import source

space: dict[str, Any] = {"__name__": "look"}
exec(source(), space)


def short(value: object, room: int = 200) -> str:
    text: str = space["short"](value, room)
    assert len(text) <= room + 20
    return text


def text_of(value: object) -> str:
    text: str = space["detail"](value, lambda: False)
    return text


class Surprise:
    """Everything that could be asked of it fails."""

    def __init__(self) -> None:
        self.weight = 3

    def _fail(self, *_: object) -> Any:
        raise AssertionError("the user's code was called")

    __repr__ = __str__ = __len__ = __bool__ = __iter__ = __getattr__ = __format__ = _fail
    __eq__ = _fail
    __hash__ = _fail
    price = property(_fail)


class Texts(list[str]):
    __iter__ = __len__ = __repr__ = Surprise._fail


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "None"),
        (3, "3"),
        (1.5, "1.5"),
        ("a'b", '"a\'b"'),
        (b"ab", "b'ab'"),
        ([1, [2, [3, [4]]]], "[1, [2, [3, [...]]]]"),
        ({"a": (1,)}, "{'a': (1)}"),
        (list(range(100)), "[0, 1, 2, 3, 4, 5, ...] (100 items)"),
        (range(3), "range(0, 3)"),
        (datetime.date(2024, 1, 2), "datetime.date(2024, 1, 2)"),
        (decimal.Decimal("1.50"), "Decimal('1.50')"),
        (np.float64(1.5), "np.float64(1.5)"),
        (pd.Timestamp("2024-01-02"), "2024-01-02 00:00:00"),
        (OrderedDict(a=1), "{'a': 1}"),
        (deque([1]), "an object"),
        (len, "len(...)"),
        (lambda a, *rest, b=1, **more: None, "<lambda>(a, *rest, b, **more)"),
        (np.zeros((2, 3)), "float64 (2, 3)"),
        (pd.DataFrame({"a": [1], "b": ["x"]})["a"], "named 'a', int64, 1 values"),
    ],
)
def test_one_line_about_a_value(value: object, text: str) -> None:
    assert short(value) == text


def test_nothing_of_the_users_is_called() -> None:
    assert short(Surprise()) == "an object with weight"
    assert short(Surprise) == "class Surprise"
    assert short({"a": [Surprise()]}) == "{'a': [<Surprise: an object with weight>]}"
    assert short(Texts(["a"])) == "['a']"


def test_long_values_say_how_long_they_are() -> None:
    assert short(10**5000) == "an int of 16610 bits"
    assert short("x" * 10_000_000).endswith("... (10000000 characters)")
    assert short(b"x" * 1000).endswith("... (1000 bytes)")
    assert short(dict.fromkeys(range(1000), "y" * 100)).endswith("(1000 items)")
    assert short(types).startswith("module types")


def test_a_frames_line_names_its_columns_as_far_as_there_is_room() -> None:
    frame = pd.DataFrame({"city": ["x"], "temp": [1.0]})
    assert short(frame).startswith("1 rows x 2 columns: city (")
    assert short(frame).endswith("temp (float64)")
    assert short(pd.DataFrame({f"column {number}": [1] for number in range(100)})).endswith(", ...")


def test_types_with_brackets_are_short_in_a_line() -> None:
    frame = pd.DataFrame({"day": pd.to_datetime(["2024-01-01"]).tz_localize("UTC"), "n": [1]})
    assert short(frame) == "1 rows x 2 columns: day (datetime64), n (int64)"


def test_short_rooms_show_at_least_a_beginning() -> None:
    assert space["cell_line"]([[1, 2], "x" * 100]) == "[[1, ...] (2 items), ...] (2 items)"
    assert space["cell_line"](datetime.date(2024, 1, 2)) == "2024-01-02"


@pytest.mark.parametrize("dtype", ["str", "object"])
def test_of_many_texts_an_even_sample_is_counted_and_it_is_said(dtype: str) -> None:
    texts = ["first"] * 4000 + ["later"] * 6000 + ["last"] * 2000
    (line,) = (line for line in text_of(pd.DataFrame({"s": pd.Series(texts, dtype=dtype)})).splitlines() if line.startswith("  s  "))
    assert line.endswith("3 different among 2000 of them, most often 'later' (1000)")


def test_a_frame_in_detail() -> None:
    frame = pd.DataFrame(
        {
            "n": [3, 1, 2],
            "f": [0.5, float("nan"), 1.5],
            "s": ["a", "b", "a"],
            "d": pd.to_datetime(["2024-01-01", "2024-01-03", None]),
            "b": [True, False, True],
            "c": pd.Series(["u", "v", "u"], dtype="category"),
            "o": [Surprise(), None, []],
            "z": pd.to_datetime(["2024-01-01"] * 3).tz_localize("UTC"),
            "i": pd.array([1, None, 3], dtype="Int64"),
        }
    )
    text = text_of(frame)
    lines = {line.split()[0]: line for line in text.splitlines() if line.startswith("  ")}
    assert text.startswith("DataFrame, 3 rows x 9 columns\ncolumns:")
    assert lines["n"].endswith("1 .. 3, mean 2")
    assert lines["f"].endswith("missing 1, 0.5 .. 1.5, mean 1")
    assert lines["s"].endswith("2 different, most often 'a' (2)")
    assert lines["d"].endswith("missing 1, 2024-01-01T00:00:00 .. 2024-01-03T00:00:00")
    assert lines["b"].endswith("2 of 3 true")
    assert lines["c"].endswith("2 categories")
    assert lines["o"].endswith("object  missing 1")
    assert "2024-01-01T00:00:00 .. 2024-01-01T00:00:00" in lines["z"]
    assert lines["i"].endswith("missing 1, 1 .. 3, mean 2")
    assert "  0 | 3 | 0.5 | a | 2024-01-01 00:00:00" in text


def test_a_large_frame_is_sampled_and_says_so() -> None:
    frame = pd.DataFrame({"n": np.arange(1_000_000), "s": ["x"] * 1_000_000})
    text = text_of(frame)
    assert "an even sample of 100000 rows" in text
    assert "n  int64  0 .. 99999" in text


def test_wide_frames_name_the_rest_and_odd_labels_are_no_trouble() -> None:
    frame = pd.DataFrame([[1] * 100], columns=[("a", number) for number in range(99)] + [None])
    text = text_of(frame)
    assert "and 40 more: ('a', 60), " in text
    assert len(text) < 8000
    assert "DataFrame, 0 rows x 0 columns" in text_of(pd.DataFrame())
    assert "2 rows x 2 columns" in text_of(pd.DataFrame([[1, 2], [3, 4]], columns=["same", "same"]))


def test_when_the_time_is_over_columns_are_only_named() -> None:
    text = space["detail"](pd.DataFrame({"a": [1, 2]}), lambda: True)
    assert "  a  int64\n" in text


def test_arrays_and_series_in_detail() -> None:
    text = text_of(np.array([[1.0, np.nan], [3.0, 5.0]]))
    assert text.splitlines() == [
        "ndarray, shape (2, 2), float64, 32 bytes",
        "range 1 .. 5, mean 3",
        "missing (nan) 1",
        "first values: 1, nan, 3, 5",
    ]
    assert "figures below are of" in text_of(np.arange(10**6))
    objects: Any = np.empty(1, dtype=object)
    objects[0] = Surprise()
    assert text_of(objects).endswith("8 bytes")
    assert "no values" not in text_of(np.zeros((0, 3)))
    assert "range 1 .. 2, mean 1.5" not in text_of(pd.Series([1, 2]))
    assert "1 .. 2, mean 1.5" in text_of(pd.Series([1, 2], name="v"))
    assert "2024-01-01" in text_of(pd.to_datetime(["2024-01-01"]))
    assert "range nan" not in text_of(np.array([np.nan]))


def test_figures_are_described_and_not_drawn() -> None:
    from matplotlib.figure import Figure

    figure = Figure()
    axes = figure.subplots()
    axes.plot([1, 2])
    axes.set_title("Rain")
    drawn: list[int] = []
    figure.canvas.draw = lambda *_: drawn.append(1)  # type: ignore[method-assign]  # would be called to draw it
    assert text_of(figure).splitlines() == [
        "Figure, 6.4 x 4.8 inches, 1 axes",
        "  axes: title 'Rain', 1 lines, 0 patches, 0 collections, 0 images",
    ]
    assert drawn == []


def test_models_are_known_by_the_libraries_that_are_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    class BaseEstimator:
        def __init__(self) -> None:
            self.alpha = 0.5
            self.coef_ = np.zeros(3)

    base = types.ModuleType("sklearn.base")
    base.BaseEstimator = BaseEstimator  # type: ignore[attr-defined]  # a module made here
    monkeypatch.setitem(sys.modules, "sklearn.base", base)
    model = type("Ridge", (BaseEstimator,), {"__repr__": Surprise._fail})()
    assert short(model) == "estimator, fitted"
    assert text_of(model).splitlines() == ["Ridge (estimator), fitted", "settings: alpha=0.5", "learned: coef_=float64 (3,)"]


def test_objects_functions_classes_and_modules_in_detail() -> None:
    assert text_of(Surprise()).splitlines() == ["Surprise: an object with weight", "  weight = 3"]
    assert "function test_a_large_frame_is_sampled_and_says_so()" in text_of(test_a_large_frame_is_sampled_and_says_so)
    assert text_of(Surprise).startswith("class Surprise\nEverything that could be asked")
    assert "names: " in text_of(types)
    assert text_of({"a": 1}).splitlines() == ["dict of 1 items", "  'a': 1"]
    assert text_of("x" * 10_000).startswith("str of 10000 characters\nxxx")


def test_a_list_of_names_leaves_out_what_is_not_the_users() -> None:
    hidden_object = object()
    session = {"In": [], "_": 1, "np": np, "f": len, "x": 1, "hidden": hidden_object, "replaced": 2}
    told = space["look"](session, {"hidden": hidden_object, "replaced": hidden_object}, None, 3, 200, 1.0)
    assert [name for name, _, _ in told["variables"]] == ["x", "replaced", "f"], "data first"
    assert told["more"] == 1
    assert space["look"](session, {}, "nothing", 3, 200, 1.0) == {"found": False}


def test_one_that_cannot_be_looked_at_costs_only_its_own_line() -> None:
    class Broken(pd.DataFrame):  # type: ignore[misc]  # pandas has no types here
        @property
        def shape(self) -> Any:
            raise ZeroDivisionError

    broken = Broken({"a": [1]})
    told = space["look"]({"broken": broken, "x": 1}, {}, None, 9, 200, 1.0)
    assert told["variables"] == [["broken", "Broken", "(could not be looked at: ZeroDivisionError)"], ["x", "int", "1"]]


class Leaves:
    """Whatever is asked of it ends the interpreter, were it not held."""

    def _leave(self, *_: object) -> Any:
        raise SystemExit

    __repr__ = _leave


class LeavesBySpace(Leaves):
    @property
    def __dict__(self) -> Any:  # type: ignore[override]  # that is the point
        raise SystemExit


class Impostor(Leaves):
    __module__ = "datetime"


class LeavingFrame(pd.DataFrame):  # type: ignore[misc]  # pandas has no types here
    @property
    def columns(self) -> Any:
        raise SystemExit


def listed(**variables: object) -> dict[str, str]:
    told = space["look"](variables, {}, None, 100, 200, 10.0)
    return {name: summary for name, _, summary in told["variables"]}


def test_a_value_that_leaves_the_interpreter_hides_no_other() -> None:
    held = listed(a=1, space=LeavesBySpace(), impostor=Impostor(), frame=LeavingFrame({"x": [1]}), z="there")
    assert (held["a"], held["z"]) == ("1", "'there'")
    assert held["frame"] == "(could not be looked at: SystemExit)"
    assert held["impostor"] == "an object"


def test_an_interrupt_passes_through_a_look() -> None:
    class Interrupted(pd.DataFrame):  # type: ignore[misc]  # pandas has no types here
        @property
        def columns(self) -> Any:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        listed(frame=Interrupted({"x": [1]}))


def test_a_value_that_leaves_is_told_in_detail_too() -> None:
    told = space["look"]({"x": LeavingFrame({"x": [1]})}, {}, "x", 100, 200, 10.0)
    assert told == {"found": True, "type": "LeavingFrame", "text": "(could not be looked at: SystemExit)", "line": ""}


def test_a_plain_line_of_something_that_leaves_is_empty() -> None:
    told = space["look"]({"x": [Impostor(), LeavesBySpace()]}, {}, "x", 100, 200, 10.0)
    assert told["found"]
    assert told["line"] == ""


def test_paths_and_numbers_of_libraries_are_written_as_they_are() -> None:
    assert short(pathlib.PurePosixPath("a/b")) == "PurePosixPath('a/b')"
    assert short(uuid.UUID(int=1)) == "UUID('00000000-0000-0000-0000-000000000001')"
    assert short(set()) == short(frozenset()) == "set()"


def test_an_array_in_a_file_is_not_read_through(tmp_path: pathlib.Path) -> None:
    array: Any = np.memmap(tmp_path / "data", dtype="u1", mode="w+", shape=(1_000_000,))
    for held in (array, array[10:]):
        text = text_of(held)
        assert "it lies in a file, so only its beginning was read" in text
        assert "range" not in text


def test_masked_values_do_not_count() -> None:
    text = text_of(np.ma.array([1.0, 2.0, 99.0], mask=[False, False, True]))
    assert "masked 1" in text
    assert "range 1 .. 2, mean 1.5" in text


def test_a_missing_value_of_pandas_is_named() -> None:
    assert text_of(pd.DataFrame({"i": pd.array([None], dtype="Int64")})).endswith("0 | <NA>")
