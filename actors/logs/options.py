"""The command line of `beaker-logs`: what can be said, and a sentence for what cannot.

argparse does the reading; its own complaints are replaced, because they name neither what would be right nor what is near.
"""

import argparse
import re
from collections.abc import Sequence
from typing import NoReturn

from beaker.errors import BeakerError, UnknownName, unknown_name
from beaker.logs.record import LEVELS
from beaker.logs.when import FORMS

COMMANDS = {
    "list": "the kernels that have logs",
    "show": "lines, oldest first",
    "follow": "lines as they come",
    "trace": "the timeline of one request across processes",
}

EXAMPLES = """\
examples:
  beaker-logs list                                  the kernels that have logs, the last one at the end
  beaker-logs show last --level warning             what went wrong in the kernel used last
  beaker-logs show 4f1c --actor agent --since 10m   what its agent did in the last ten minutes
  beaker-logs show --event 'model.*' --grep gpt     every model call that mentions gpt
  beaker-logs follow a.ipynb                        one notebook, whichever processes of a gateway serve it
  beaker-logs follow                                everything, as it happens; Ctrl-C ends it
  beaker-logs trace                                 the last requests
  beaker-logs trace last                            the timeline of the last one; strangers' at a service do not count
  beaker-logs trace 8fcb64dd..4                     of the one that begins and ends so
  beaker-logs show --json last | jq .event          for machines: the lines as they were written

exit status: 0 something was shown, 1 there was nothing to show, 2 the command line makes no sense
"""


class UsageError(BeakerError):
    """A command line that makes no sense; the text is the sentence."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message[:1].upper()}{message[1:]}. See: {self.prog} --help")


def parse_options(argv: Sequence[str]) -> argparse.Namespace:
    """Read a command line.

    Raises:
        UsageError: it makes no sense.
        SystemExit: help was asked for, and has been printed.
    """
    parser, by_command = _parsers()
    words = [word for word in argv if not word.startswith("-")]
    if not argv:
        raise UsageError(f"Say what you want: {', '.join(COMMANDS)}. See: beaker-logs --help")
    if words and words[0] not in COMMANDS and argv[0] == words[0]:
        raise UsageError(unknown_name("a command of beaker-logs", words[0], COMMANDS))
    options, rest = parser.parse_known_args(argv)
    if rest:
        raise UsageError(_about_unknown(rest, by_command[options.command]))
    return options


def _about_unknown(rest: Sequence[str], parser: argparse.ArgumentParser) -> str:
    given = next((word for word in rest if word.startswith("-")), None)
    if given is None:
        return f"{rest[0]!r} is one word too many. See: {parser.prog} --help"
    known = sorted(set(re.findall(r"--[a-z]+", parser.format_help())))
    return str(UnknownName(f"an option of {parser.prog}", given.partition("=")[0], known))


def _parsers() -> tuple[_Parser, dict[str, argparse.ArgumentParser]]:
    parser = _Parser(
        prog="beaker-logs",
        description="Read the logs of beaker's processes.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)
    made: dict[str, argparse.ArgumentParser] = {}
    for name, what in COMMANDS.items():
        made[name] = command = commands.add_parser(name, help=what, description=f"Show {what}.", allow_abbrev=False)
        if name != "list":
            _add_kernel(command, name)
        if name in {"show", "follow"}:
            _add_selection(command)
        if name in {"show", "follow", "trace"}:
            _add_count(command, name)
        _add_common(command)
    return parser, made


def _add_kernel(command: argparse.ArgumentParser, name: str) -> None:
    if name == "trace":
        words = (
            "the trace id, or its beginning, or its end, or both (8fcb64dd..4), or `last`, which no stranger's at a service is; "
            "without it the last requests are listed"
        )
        command.add_argument("trace", nargs="?", metavar="ID", help=words)
        command.add_argument("--kernel", metavar="KERNEL", help="only in this kernel, named as for `show`")
        words = "count a GET that went well too, such as JupyterLab sends to a gateway every few seconds, for the list and for `last`"
        command.add_argument("--all", action="store_true", help=words)
    else:
        command.add_argument(
            "kernel",
            nargs="?",
            metavar="KERNEL",
            help="the beginning of a kernel's id, a notebook's name, or `last`; without it all",
        )


def _add_selection(command: argparse.ArgumentParser) -> None:
    command.add_argument("--actor", action="append", default=[], metavar="NAME", help="only of this actor or role; may be repeated")
    command.add_argument("--level", default="debug", metavar="LEVEL", help=f"the least: {', '.join(LEVELS)}")
    command.add_argument("--event", action="append", default=[], metavar="GLOB", help="only events like 'turn.*'; may be repeated")
    command.add_argument("--grep", metavar="REGEX", help="only lines in which this is found")
    command.add_argument("--trace", metavar="ID", help="only of the request with this trace id, or a piece of it")
    command.add_argument("--since", metavar="WHEN", help=FORMS)
    command.add_argument("--until", metavar="WHEN", help="the same")


def _add_count(command: argparse.ArgumentParser, name: str) -> None:
    words = {"show": "only the last N", "follow": "begin with the last N (10)", "trace": "list so many requests (20)"}
    default = {"show": None, "follow": 10, "trace": 20}
    command.add_argument("-n", "--last", type=_count, default=default[name], metavar="N", help=words[name])


def _add_common(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="one JSON object per line, for machines")
    command.add_argument("--utc", action="store_true", help="times in UTC instead of the local zone")
    command.add_argument("--wide", action="store_true", help="do not cut lines at the edge of the terminal")
    command.add_argument(
        "--color", choices=("auto", "always", "never"), default="auto", help="colours (auto: on a terminal, unless NO_COLOR)"
    )
    command.add_argument("--folder", metavar="DIR", help="where the logs are (default: beaker's own folder)")


def _count(word: str) -> int:
    try:
        number = int(word)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{word!r} is no number of lines")
    return number
