"""A context for tabular data: how to look at a frame before one believes it, in Python (pandas) and R (base)."""

from beaker.agent.tools.session import Session
from beaker.contexts.context import Context
from beaker.contexts.procedure import Name, Procedure

_OVERVIEW_PYTHON = """
import pandas as pd

print({{ frame }}.shape[0], "rows,", {{ frame }}.shape[1], "columns,", int({{ frame }}.duplicated().sum()), "duplicated rows")
pd.DataFrame({
    "type": {{ frame }}.dtypes.astype(str),
    "missing": {{ frame }}.isna().sum(),
    "distinct": {{ frame }}.nunique(),
    "example": {{ frame }}.apply(lambda column: column.dropna().iloc[0] if column.notna().any() else None),
})
"""
_OVERVIEW_R = """
cat(nrow({{ frame }}), "rows,", ncol({{ frame }}), "columns,", sum(duplicated({{ frame }})), "duplicated rows\\n")
data.frame(
  type = sapply({{ frame }}, function(column) class(column)[1]),
  missing = sapply({{ frame }}, function(column) sum(is.na(column))),
  distinct = sapply({{ frame }}, function(column) length(unique(column[!is.na(column)])))
)
"""
_MISSING_PYTHON = """
gaps = {{ frame }}.isna().sum()
gaps[gaps > 0].to_frame("missing").assign(share=lambda table: (table["missing"] / len({{ frame }})).round(3))
"""
_MISSING_R = """
gaps <- sapply({{ frame }}, function(column) sum(is.na(column)))
data.frame(missing = gaps, share = round(gaps / nrow({{ frame }}), 3))[gaps > 0, ]
"""
_GROUPS_PYTHON = """
{{ frame }}.groupby({{ by }}, dropna=False)[{{ value }}].agg(["count", "mean", "median", "std", "min", "max"])
"""
_GROUPS_R = """
aggregate({{ frame }}[[{{ value }}]], by = {{ frame }}[{{ by }}], FUN = function(values) c(
  count = sum(!is.na(values)), mean = mean(values, na.rm = TRUE), median = median(values, na.rm = TRUE),
  sd = sd(values, na.rm = TRUE), min = min(values, na.rm = TRUE), max = max(values, na.rm = TRUE)
))
"""


class DataFrames(Context):
    """For tabular data: frames are looked at for types, gaps and duplicates before anything is computed from them."""

    persona = (
        "You help with tabular data. Before you compute from a data frame, know its columns, their types, how many values are missing "
        "and what one row stands for; say so where it changes the answer. Name columns exactly as they are. Prefer whole-column "
        "operations to loops, and state units and the number of rows behind every figure. Never drop or fill missing values "
        "without saying it. The procedures overview, missing_values and compare_groups are tested code: use them where they fit."
    )
    procedures = (
        Procedure(
            name="overview",
            description="Show a data frame's size, duplicated rows, and of each column its type, missing and distinct values.",
            parameters={"frame": Name},
            code={"python": _OVERVIEW_PYTHON.strip(), "r": _OVERVIEW_R.strip()},
        ),
        Procedure(
            name="missing_values",
            description="Count the missing values of each column of a data frame that has any, with their share.",
            parameters={"frame": Name},
            code={"python": _MISSING_PYTHON.strip(), "r": _MISSING_R.strip()},
        ),
        Procedure(
            name="compare_groups",
            description="Compare a numeric column between groups: count, mean, median, standard deviation, least and greatest.",
            parameters={"frame": Name, "by": str, "value": str},
            code={"python": _GROUPS_PYTHON.strip(), "r": _GROUPS_R.strip()},
        ),
    )

    async def preview(self, session: Session) -> str:
        """The data frames of the session."""
        frames = [each for each in await session.variables() if "frame" in each.type.lower() or each.type.lower() == "tibble"]
        if not frames:
            return "The session holds no data frame yet."
        return "\n\n".join(f"**{each.name}** ({each.type})\n\n```text\n{each.summary}\n```" for each in frames)
