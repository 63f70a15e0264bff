"""What languages write that answer by a file: records of name, type and summary, apart by control characters.

No text of a variable's holds them, and no such language has JSON without a package.
"""

from beaker.languages.language import DETAIL_CHARS, SUMMARY_CHARS, VARIABLES, Seen, Sight

FIELD = "\x1f"
RECORD = "\x1e"
END = "\x04"
"""Stands at the end, so that a file that is still being written is not taken for the whole."""


def read_records(name: str | None, text: str) -> Sight:
    """Read a whole file.

    Args:
        name: None for a list of records; else the file is a type, a field mark and a detail, or nothing for no such variable.
        text: the file's.

    Raises:
        ValueError: it is not whole.
    """
    body, end, _ = text.rpartition(END)
    if not end:
        raise ValueError("the session's answer is not whole")
    if name is not None:
        kind, found, detail = body.partition(FIELD)
        return Sight(detail=f"{kind}\n{detail}"[:DETAIL_CHARS].strip() if found else None)
    variables: list[Seen] = []
    for record in body.split(RECORD):
        parts = record.split(FIELD)
        if len(parts) == 3:
            variables.append(Seen(name=parts[0], type=parts[1], summary=" ".join(parts[2].split())[:SUMMARY_CHARS]))
    return Sight(variables=variables[:VARIABLES], more=max(len(variables) - VARIABLES, 0))
