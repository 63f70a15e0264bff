"""The cells that the demo model can write: small, readable pandas and matplotlib, each runnable as it stands."""

import re


def load_cell(path: str, name: str) -> str:
    """Read a CSV file into a data frame and show its head.

    >>> print(load_cell("weather.csv", "weather"))
    import pandas as pd
    <BLANKLINE>
    weather = pd.read_csv("weather.csv")
    weather.head()
    """
    return f'import pandas as pd\n\n{name} = pd.read_csv("{path}")\n{name}.head()'


def read_line(path: str, name: str) -> str:
    """Only the reading, as the first line of a longer cell."""
    return f'{name} = pd.read_csv("{path}")\n'


def describe_cell(name: str) -> str:
    """Show types, missing values and statistics of a data frame."""
    return f'{name}.info()\n{name}.describe(include="all").T'


def compute_cell(name: str, question: str, columns: list[str]) -> tuple[str, str] | None:
    """One figure of a data frame, as the question asks for it; None if it names no column or no figure.

    Returns:
        What it is, in words, and the code.

    >>> compute_cell("df", "what is the highest temp?", ["day", "temp"])
    ('the greatest `temp`', 'df["temp"].max()')
    """
    words = question.lower()
    statistic = next(((method, said) for pattern, method, said in _STATISTICS if re.search(pattern, words)), None)
    grouping = re.search(r"\b(?:by|per|for each)\s+(\w+)", words)
    group = next((column for column in columns if grouping and column.lower() == grouping.group(1)), None)
    named = [column for column in columns if re.search(rf"\b{re.escape(column.lower())}\b", words) and column != group]
    if statistic is None or not named:
        return None
    method, said = statistic
    if group is not None:
        return f"{said} `{named[0]}` by `{group}`", f'{name}.groupby("{group}")["{named[0]}"].{method}()'
    return f"{said} `{named[0]}`", f'{name}["{named[0]}"].{method}()'


_STATISTICS = (
    (r"\b(mean|average)\b", "mean", "the mean"),
    (r"\bmedian\b", "median", "the median"),
    (r"\b(sum|total)\b", "sum", "the sum of"),
    (r"\b(max\w*|highest|greatest|largest)\b", "max", "the greatest"),
    (r"\b(min\w*|lowest|least|smallest)\b", "min", "the least"),
)
"""What is looked for in the question, the method, the words for it."""


def frame_name(path: str) -> str:
    """Make a variable's name from a file's.

    >>> frame_name("data/2024 weather-log.csv")
    'weather_log'
    """
    stem = re.sub(r"\.csv$", "", path.rsplit("/", 1)[-1])
    return re.sub(r"\W+", "_", stem).strip("_0123456789").lower() or "data"


def plot_cell(name: str, question: str, columns: list[str]) -> tuple[str, str]:
    """Plot a data frame the way the question asks for.

    Args:
        name: of the data frame.
        question: read for words such as histogram, scatter, mean, monthly, by, and for names of columns.
        columns: as far as they are known; with none known the cell finds what it needs when it runs.

    Returns:
        What the cell does, in half a sentence, and the cell.
    """
    words = question.lower()
    wanted = [column for column in columns if re.search(rf"\b{re.escape(column.lower())}\b", words)]
    period = next((code for word, code in _PERIODS.items() if word in words), None)
    grouping = re.search(r"\b(?:by|per|for each)\s+(\w+)", words)
    group = next((column for column in columns if grouping and column.lower() == grouping.group(1)), None)
    measures = [column for column in wanted if column != group and not _is_time(column)]
    if period is not None:
        return _period(name, period, measures, columns, words)
    if group is not None:
        return _grouped(name, group, measures)
    if "hist" in words or "distribution" in words:
        chosen = f"[{_names(measures)}]" if measures else '.select_dtypes("number")'
        return "draws the distribution of its numbers", _pyplot(f"{name}{chosen}.hist(bins=30, figsize=(9, 6))")
    if "scatter" in words and len(measures) >= 2:
        x, y = measures[:2]
        return f"draws `{y}` against `{x}`", _pyplot(f'{name}.plot.scatter(x="{x}", y="{y}", figsize=(7, 5))')
    return _lines(name, measures, columns)


_PERIODS = {"month": "MS", "week": "W", "daily": "D", "per day": "D", "year": "YS", "annual": "YS", "quarter": "QS"}
_PERIOD_NAMES = {"MS": "monthly", "W": "weekly", "D": "daily", "YS": "yearly", "QS": "quarterly"}


def _period(name: str, period: str, measures: list[str], columns: list[str], words: str) -> tuple[str, str]:
    statistic = next((word for word in ("median", "sum", "max", "min", "count") if re.search(rf"\b{word}", words)), "mean")
    title = f"{_PERIOD_NAMES[period]} {statistic}"
    chosen = f"[[{_names(measures)}]]" if measures else '.select_dtypes("number")'
    time_column = next((column for column in columns if _is_time(column)), None)
    if time_column is None:
        find = f'time = next(column for column in {name}.columns if any(word in column.lower() for word in ("date", "time", "day")))\n'
        key = "time"
    else:
        find, key = "", f'"{time_column}"'
    body = (
        f"{find}dated = {name}.assign(**{{{key}: pd.to_datetime({name}[{key}])}}).set_index({key})\n"
        f'summary = dated{chosen}.resample("{period}").{statistic}()\n'
        f'summary.plot(subplots=True, figsize=(9, 2.2 * max(summary.shape[1], 2)), marker="o", title="{title} of {name}")'
    )
    return f"draws the {title} of its numbers", _pyplot(body, pandas=True)


def _grouped(name: str, group: str, measures: list[str]) -> tuple[str, str]:
    chosen = f"[{_names(measures[:1])}].mean()" if measures else ".mean(numeric_only=True)"
    what = f"`{measures[0]}`" if measures else "its numbers"
    return f"draws the mean of {what} by `{group}`", _pyplot(f'{name}.groupby("{group}"){chosen}.plot.bar(figsize=(9, 5))')


def _lines(name: str, measures: list[str], columns: list[str]) -> tuple[str, str]:
    time_column = next((column for column in columns if _is_time(column)), None)
    chosen = f"[[{_names(measures)}]]" if measures else '.select_dtypes("number")'
    what = " and ".join(f"`{measure}`" for measure in measures) if measures else "its numbers"
    if time_column is None:
        return f"draws {what}", _pyplot(f"{name}{chosen}.plot(subplots=True, figsize=(9, 6))")
    body = (
        f'dated = {name}.assign(**{{"{time_column}": pd.to_datetime({name}["{time_column}"])}}).set_index("{time_column}")\n'
        f"dated{chosen}.plot(subplots=True, figsize=(9, 6))"
    )
    return f"draws {what} over `{time_column}`", _pyplot(body, pandas=True)


def _pyplot(body: str, *, pandas: bool = False) -> str:
    imports = "import matplotlib.pyplot as plt\n" + ("import pandas as pd\n" if pandas else "")
    return f"{imports}\n{body}\nplt.tight_layout()\nplt.show()"


def _names(columns: list[str]) -> str:
    return ", ".join(f'"{column}"' for column in columns)


def _is_time(column: str) -> bool:
    return re.search(r"date|time|day\b", column.lower()) is not None
