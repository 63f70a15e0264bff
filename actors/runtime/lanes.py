"""How a kind of message wants to be treated: read from two class attributes, by name, with defaults.

The runtime does not know the vocabularies built upon it. A message class may carry `lane` ("control" overtakes
"ordinary") and `droppable` (losing it is normal: a progress report that the next one replaces).
"""


def is_control(message: object) -> bool:
    """Tell whether the message overtakes ordinary ones."""
    return getattr(message, "lane", "ordinary") == "control"


def is_droppable(message: object) -> bool:
    """Tell whether losing the message is normal."""
    return getattr(message, "droppable", False) is True
