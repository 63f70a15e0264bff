"""A cell that misses the variable which beaker took the model's key from is told so, once.

Nothing is run and nothing in an ordinary output is changed: the error of such a cell passes by, and names the variable. A cell that
only looks whether it is there cannot be noticed.
"""

import msgspec

from beaker.settings.shown import one_line


class _Error(msgspec.Struct, frozen=True):
    evalue: str = ""


_decoder = msgspec.json.Decoder(_Error)


class MissedVariable:
    """Looks at errors until one is about the variable.

    Args:
        name: of the variable; empty: none was taken.
        user_file: where it can be given back.

    Example:
        >>> missed = MissedVariable("OPENAI_API_KEY", "/me/beaker.toml")
        >>> missed.words(b'{"ename": "KeyError", "evalue": "x"}')
        >>> missed.words(b'{"ename": "KeyError", "evalue": "OPENAI_API_KEY"}')[:45]
        'cells do not get OPENAI_API_KEY, because beak'
        >>> missed.words(b'{"ename": "KeyError", "evalue": "OPENAI_API_KEY"}')
    """

    def __init__(self, name: str, user_file: str) -> None:
        self._name = name
        self._user_file = user_file

    def words(self, error: bytes) -> str | None:
        """What to say behind an error, if it is about the variable.

        Args:
            error: the content of the `error` message.
        """
        if not self._name or self._name.encode() not in error:
            return None
        try:
            if self._name not in _decoder.decode(error).evalue:
                return None  # it stands in a line of the traceback, whatever failed there
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        name, self._name = self._name, ""
        return (
            f"cells do not get {name}, because beaker took the model's key from it. To give it to them, put "
            f'keep_env = ["{name}"] under [subkernel] in {one_line(self._user_file)} and restart the kernel.'
        )
