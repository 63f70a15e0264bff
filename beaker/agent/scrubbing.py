"""Takes the model's own key out of what is about to be sent to a model.

A cell can print the file that the key lies in, and what cells print stands in the transcript that questions carry. The key goes to
its endpoint in a header all the same, but there it is no text that is kept, repeated in answers or used for training.
"""

from typing import Any, cast

INSTEAD = "[key]"

KNOWN_LENGTH = 8
"""The shortest key that is looked for: local endpoints are given words such as `none`, and those stand in ordinary text."""


def scrubbed(document: Any, key: str | None) -> Any:  # Any: JSON
    """A JSON document with the key replaced in each of its texts.

    >>> scrubbed([{"content": "it is sk-0123456789!", "n": 1}], "sk-0123456789")
    [{'content': 'it is [key]!', 'n': 1}]
    """
    if key is None or len(key) < KNOWN_LENGTH:
        return document
    if isinstance(document, str):
        return document.replace(key, INSTEAD)
    if isinstance(document, list | tuple):
        return [scrubbed(item, key) for item in cast("list[Any]", document)]
    if isinstance(document, dict):
        return {name: scrubbed(item, key) for name, item in cast("dict[str, Any]", document).items()}
    return document
