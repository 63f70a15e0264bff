"""Runs inside the user's own interpreter (see `values.py`): data frames, series, arrays, tensors.

Large ones are looked at by an even sample, and say so. Columns of Python objects are compared and counted only where all
that was sampled are texts: anything else would call methods of the user's.
"""

from __future__ import annotations

import sys

from beaker.languages.inside.values import KINDS, class_name, cut, of, short

SAMPLE = 100_000
"""Values of a column or array that are looked at; more take longer than a cell may be kept waiting for a look."""
OBJECTS = 2_000
"""Of a column of Python objects: a Python loop over them takes a millisecond."""
COLUMNS = 60
"""In detail; more are named."""
ROWS = 5
"""As `head` shows them."""


def plain_number(value):
    """`0.5` instead of `np.float64(0.5)`."""
    text = str(value)
    try:
        return f"{float(value):.6g}" if "." in text or "e" in text else text
    except (TypeError, ValueError):
        return text


def span(values):
    """Smallest, largest and mean of a numpy array of numbers or dates without missing values."""
    numpy = sys.modules["numpy"]
    if not values.size:
        return "no values"
    with numpy.errstate(all="ignore"):
        if values.dtype.kind in "mM":
            return f"{str(values.min())[:19]} .. {str(values.max())[:19]}"
        if values.dtype.kind == "b":
            return "%d of %d true" % (int(values.sum()), values.size)
        text = f"{plain_number(values.min())} .. {plain_number(values.max())}"
        return text if values.dtype.kind == "c" else text + f", mean {plain_number(values.mean(dtype=float))}"


def texts_line(column, whole):
    """How many different texts there are in a column without missing values, and the most frequent one; empty unless all are texts.

    Of many an even sample is counted, and the line says so: what is rare in all of them may not be among those.

    Args:
        whole: says that the column is none itself.
    """
    size = column.shape[0]
    values = column if size <= 2 * OBJECTS else column.iloc[:: size // OBJECTS]
    counts = {}
    for value in values:
        if type(value) is not str:
            return ""
        counts[value] = counts.get(value, 0) + 1
    if not counts:
        return ""
    top = max(counts, key=lambda text: counts[text])
    among = "" if whole and len(values) == size else " among %d of them" % len(values)
    return "%d different%s, most often %s (%d)" % (len(counts), among, short(top, 40), counts[top])


def array_line(value, room):
    return f"{value.dtype} {value.shape}"


def array_text(value, over):
    """Shape, type, size, range, missing values, the first values."""
    numpy = sys.modules["numpy"]
    lines = ["%s, shape %s, %s, %d bytes" % (class_name(value), value.shape, value.dtype, value.nbytes)]
    if value.dtype.kind not in "biufcmM" or not value.size:
        return "\n".join(lines)
    if any(of(each, "numpy", "memmap") for each in (value, value.base)):
        lines.append("it lies in a file, so only its beginning was read")
        return "\n".join([*lines, "first values: {}".format(", ".join(plain_number(each) for each in value.flat[:10]))])
    if of(value, "numpy.ma", "MaskedArray"):
        lines.append("masked %d" % int(numpy.ma.count_masked(value)))
        value = value.compressed()
        if not value.size:
            return "\n".join(lines)
    base = numpy.asarray(value)
    flat = base.flat[:: max(base.size // SAMPLE, 1)]
    if base.size > 2 * SAMPLE:
        lines.append("figures below are of %d of its %d values" % (flat.size, base.size))
    missing = 0
    if value.dtype.kind in "fcmM":
        absent = numpy.isnat(flat) if value.dtype.kind in "mM" else numpy.isnan(flat)
        missing = int(absent.sum())
        flat = flat[~absent]
    lines.append(f"range {span(flat)}")
    if value.dtype.kind in "fcmM":
        lines.append("missing (nan) %d" % missing)
    lines.append("first values: {}".format(", ".join(plain_number(each) for each in base.flat[:10])))
    return "\n".join(lines)


def tensor_line(value, room):
    return "{} {} on {}".format(str(value.dtype).replace("torch.", ""), list(value.shape), value.device)


def tensor_text(value, over):
    """As for an array, for tensors on the CPU; others are not fetched."""
    line = "Tensor, shape {}, {}, on {}{}".format(
        list(value.shape),
        str(value.dtype).replace("torch.", ""),
        value.device,
        ", requires grad" if value.requires_grad else "",
    )
    if str(value.device) != "cpu" or not value.numel() or "numpy" not in sys.modules or value.is_sparse or value.is_quantized:
        return line
    flat = value.detach().flatten()[:: max(value.numel() // SAMPLE, 1)]
    try:
        return line + f"\nrange {span(flat.numpy())}"
    except TypeError:  # bfloat16 has no counterpart in numpy
        return line


def short_dtype(dtype):
    """`datetime64` instead of `datetime64[ns, UTC]`: a line has no room for more."""
    return str(dtype).split("[")[0].split("(")[0]


def frame_line(value, room):
    rows, columns = value.shape
    head = "%d rows x %d columns: " % (rows, columns)
    parts = []
    for name, dtype in zip(value.columns, value.dtypes):
        part = f"{cut(str(name), 40) if type(name) in (str, int) else short(name, 40)} ({short_dtype(dtype)})"
        if len(head) + sum(len(each) + 2 for each in parts) + len(part) > room - 4:
            parts.append("...")
            break
        parts.append(part)
    return head + ", ".join(parts)


def series_line(value, room):
    return "%s %s, %d values" % (f"named {short(value.name, 40)}," if value.name is not None else "", value.dtype, value.shape[0])


def sampled(column):
    """An even sample of a column."""
    size = column.shape[0]
    limit = OBJECTS if column.dtype == object else SAMPLE
    return column if size <= 2 * limit else column.iloc[:: size // limit]


def column_line(column):
    """Missing values and range of one pandas column."""
    numpy = sys.modules["numpy"]
    sample = sampled(column)
    absent = sample.isna()
    missing = int(absent.sum())
    parts = ["missing %d" % missing if missing else ""]
    # Always an object of our own: pandas keeps accessors such as `.dt` on the one that they were asked of.
    present = sample[~absent] if missing else sample.iloc[:]
    kind = str(column.dtype)
    if kind == "category":
        parts.append("%d categories" % len(column.dtype.categories))
    elif column.dtype == object or kind.startswith("str"):
        parts.append(texts_line(present, sample is column))
    else:
        if kind.startswith("datetime64") and "," in kind:
            present = present.dt.tz_localize(None)
        values = present.to_numpy()
        if values.dtype == object:
            values = values.astype(float)
        if isinstance(values, numpy.ndarray) and values.dtype.kind in "biufcmM":
            parts.append(span(values))
    return ", ".join(part for part in parts if part)


def frame_text(value, over):
    """Columns with types, missing values and ranges; the first rows.

    Args:
        over: says whether the time for this look is over.
    """
    rows, columns = value.shape
    lines = ["%s, %d rows x %d columns" % (class_name(value), rows, columns)]
    if rows > 2 * SAMPLE:
        lines.append("figures below are of an even sample of %d rows (of columns of objects fewer)" % SAMPLE)
    lines.append("columns:")
    names = list(value.columns)
    for at in range(min(columns, COLUMNS)):
        column = value.iloc[:, at]
        try:
            about = "" if over() else column_line(column)
        except Exception:  # an extension type that does not do what the others do
            about = ""
        name = cut(names[at], 60) if type(names[at]) is str else short(names[at], 60)
        lines.append("  {}  {}{}".format(name, column.dtype, "  " + about if about else ""))
    if columns > COLUMNS:
        lines.append("  and %d more: %s" % (columns - COLUMNS, cut(", ".join(short(name, 40) for name in names[COLUMNS:400]), 600)))
    if rows and columns:
        lines.append("first rows:")
        shown = min(columns, 12)
        head = value.iloc[:ROWS, :shown]
        lines.append("  " + " | ".join(["index", *[short(name, 30).strip("'") for name in names[:shown]]]))
        series = [list(head.iloc[:, at]) for at in range(shown)]
        for at, index in enumerate(list(head.index)):
            lines.append("  " + " | ".join([short(index, 30), *[cell_line(column[at]) for column in series]]))
    return "\n".join(lines)


def polars_series_line(value, room):
    return "%s, %d values" % (value.dtype, value.len())


def polars_series_text(value, over):
    """As for a frame of one column."""
    return polars_text(value.to_frame(), over).replace("DataFrame", "Series", 1)


def query_line(value, room):
    return "a query that was not collected"


def query_text(value, over):
    """Planning it would run code, so it is only named."""
    return "LazyFrame (polars), not collected"


def cell_line(value):
    """A value in a row: numbers as numbers, whatever library made them."""
    if type(value) is str:
        return cut(value.replace("\n", " "), 30)
    if type(value) is float or type(value).__module__ == "numpy":
        return cut(plain_number(value), 30)
    if class_name(value) == "NAType":
        return "<NA>"
    if type(value).__module__ == "datetime":
        return cut(str(value), 30)
    return short(value, 30)


def series_text(value, over):
    """One column in detail."""
    line = "%s, %s, %d values%s" % (
        class_name(value),
        value.dtype,
        value.shape[0],
        f", name {short(value.name, 60)}" if value.name is not None else "",
    )
    column = value if class_name(value) == "Series" else value.to_series()
    lines = [line, column_line(column), "first values: {}".format(", ".join(cell_line(each) for each in list(column.iloc[:10])))]
    return "\n".join(each for each in lines if each)


def polars_line(value, room):
    return "%d rows x %d columns: %s" % (
        value.height,
        value.width,
        ", ".join(f"{name} ({short_dtype(dtype)})" for name, dtype in list(value.schema.items())[:20]),
    )


def polars_text(value, over):
    """As for a frame of pandas."""
    rows = value.height
    lines = ["DataFrame (polars), %d rows x %d columns" % (rows, value.width)]
    if rows > 2 * SAMPLE:
        lines.append("ranges below are of an even sample of %d rows" % SAMPLE)
        sample = value.gather_every(rows // SAMPLE)
    else:
        sample = value
    lines.append("columns:")
    for name, dtype in list(value.schema.items())[:COLUMNS]:
        about = ""
        if not over():
            column = sample.get_column(name)
            missing = value.get_column(name).null_count()
            about = "  missing %d" % missing if missing else ""
            if dtype.is_numeric() or dtype.is_temporal():
                about += f"  {cell_line(column.min())} .. {cell_line(column.max())}"
        lines.append(f"  {cut(name, 60)}  {dtype}{about}")
    if value.width > COLUMNS:
        lines.append("  and %d more" % (value.width - COLUMNS))
    lines.append("first rows:")
    lines.extend("  " + " | ".join(cell_line(each) for each in row[:12]) for row in value.head(ROWS).rows())
    return "\n".join(lines)


KINDS += [
    ("pandas", ("DataFrame",), frame_line, frame_text),
    ("pandas", ("Series", "Index"), series_line, series_text),
    ("polars", ("DataFrame",), polars_line, polars_text),
    ("polars", ("Series",), polars_series_line, polars_series_text),
    ("polars", ("LazyFrame",), query_line, query_text),
    ("numpy", ("ndarray",), array_line, array_text),
    ("torch", ("Tensor",), tensor_line, tensor_text),
]
