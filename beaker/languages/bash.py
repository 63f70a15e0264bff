"""Bash, as bash_kernel runs it.

An idle session writes what `declare -p` says to a file, from a subshell of its own, and takes the line out of its history
again (bash_kernel's own `echo $?`, which follows every execution, stays in it). Exported variables are named without their
values: they are the user's environment, where passwords and keys stand.
"""

import re
import shlex
from collections.abc import Iterator, Sequence

from beaker.languages.language import DETAIL_CHARS, SUMMARY_CHARS, VARIABLES, Language, Look, Seen, Sight
from beaker.languages.records import END

INTERNAL = re.compile(
    r"BASH\w*|COLUMNS|COMP_WORDBREAKS|DIRSTACK|EPOCH\w+|EUID|FUNCNAME|GROUPS|HIST\w+|HOSTNAME|HOSTTYPE|IFS|LINENO|LINES|MACHTYPE|MAILCHECK"
    r"|OPTERR|OPTIND|OSTYPE|PAGER|PIPESTATUS|PPID|PROMPT_\w+|PS[0124]|RANDOM|SECONDS|SHELLOPTS|SRANDOM|UID|_\w*"
)
"""Variables of bash itself, and those that bash_kernel sets."""

KERNEL_FUNCTIONS = re.compile(r"display(HTML|JS)?|_\w+")
"""What bash_kernel defines in every session."""

_DECLARED = re.compile(r"^declare -(\S+) ([A-Za-z_]\w*)(?:=(.*))?$")
_KINDS = (("A", "map"), ("a", "array"), ("i", "integer"))


class Bash(Language):
    """A session of bash_kernel."""

    answers = "file"

    def quote(self, value: object) -> str | None:
        """One word: text and numbers. Truth values as true and false, as commands have them."""
        match value:
            case bool():
                return "true" if value else "false"
            case str() | int() | float():
                return shlex.quote(str(value))
            case _:
                return None

    def look(self, name: str | None, path: str) -> Look:
        """One line, since each line is a command that the history gets."""
        what = "declare -p; declare -F" if name is None else f"declare -p {shlex.quote(name)} || declare -f {shlex.quote(name)}"
        forget = 'builtin history -d "$HISTCMD" 2>/dev/null || builtin history -d -1 2>/dev/null || true'
        return Look(code=f"({what}; printf '\\004') > {shlex.quote(path)} 2>/dev/null; {forget}")

    def read(self, name: str | None, answer: str) -> Sight:
        """What `declare` prints.

        Raises:
            ValueError: it is not whole.
        """
        body, end, _ = answer.rpartition(END)
        if not end:
            raise ValueError("the session's answer is not whole")
        if name is None:
            seen = [*_variables(body), *_functions(body)]
            return Sight(variables=seen[:VARIABLES], more=max(len(seen) - VARIABLES, 0))
        if not body.strip():
            return Sight()
        declared = next(_declarations(body), None)
        if declared is not None and "x" in declared[0]:
            return Sight(detail="exported variable (its value is not shown: it is part of the environment)")
        return Sight(detail=body.strip()[:DETAIL_CHARS])

    def assigned(self, code: str) -> Sequence[str]:
        """What stands left of an equals sign."""
        return list(dict.fromkeys(re.findall(r"^\s*(?:declare\s+(?:-\w+\s+)?)?([A-Za-z_]\w*)=", code, re.MULTILINE)))


def _declarations(text: str) -> Iterator[tuple[str, str, str]]:
    """Flags, name and value; a value may go on over lines."""
    flags, name, value = "", "", ""
    for line in text.splitlines():
        found = _DECLARED.match(line)
        if found:
            if name:
                yield flags, name, value
            flags, name, value = found[1], found[2], found[3] or ""
        elif line.startswith("declare -f"):
            break
        elif name:
            value += "\n" + line
    if name:
        yield flags, name, value


def _variables(text: str) -> Iterator[Seen]:
    exported: list[Seen] = []
    for flags, name, value in _declarations(text):
        if INTERNAL.fullmatch(name):
            continue
        if "x" in flags:
            exported.append(Seen(name=name, type="exported variable"))
            continue
        kind = next((kind for flag, kind in _KINDS if flag in flags), "text")
        yield Seen(name=name, type=kind, summary=" ".join(value.split())[:SUMMARY_CHARS])
    yield from exported


def _functions(text: str) -> Iterator[Seen]:
    for name in re.findall(r"^declare -fx? (\S+)$", text, re.MULTILINE):
        if not KERNEL_FUNCTIONS.fullmatch(name):
            yield Seen(name=name, type="function")
