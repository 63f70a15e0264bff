"""The console script `beaker-logs`: reads what beaker's processes wrote, and talks to none of them.

It imports neither the kernel nor the agent, so that it answers at once and also where they are broken.
"""

import os
import shutil
import sys
import time
from collections import deque
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

from actors.logs.following import Follower
from actors.logs.options import UsageError, parse_options
from actors.logs.reading import SHARED, LogFolder
from actors.logs.showing import Screen
from beaker import places
from beaker.errors import BeakerError, UnknownName
from beaker.logs import requests
from beaker.logs.file_names import Parts
from beaker.logs.ink import make_safe
from beaker.logs.kernels import NoKernel, find_kernel, sort_by_kernel
from beaker.logs.record import Line
from beaker.logs.selection import NoPattern, Selection, check_actors
from beaker.logs.timeline import lay_out
from beaker.logs.traces import fits, longest_piece, meant, shorten
from beaker.logs.when import NoMoment, parse_moment

LOOK_EVERY_S = 0.2
"""How often `follow` looks: a fifth of a second reads as at once, and costs a thousandth of a processor."""

MEANT_SHOWN = 12
"""How many requests are named when an id may mean several."""


class NothingThere(BeakerError):
    """There is nothing to show; the sentence says what was looked for."""


def main(argv: list[str]) -> int:
    """Run the command; returns its exit status."""
    try:
        options = parse_options(argv)
        if isinstance(sys.stdout, TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")  # of a terminal that knows only ASCII
        run = _Run(options, os.environ, sys.stdout, sys.stderr)
        status = run.run()
        sys.stdout.flush()
        return status
    except (NothingThere, NoKernel) as missing:
        _say(sys.stderr, str(missing))
        return 1
    except (UsageError, UnknownName, NoPattern, NoMoment) as wrong:
        _say(sys.stderr, str(wrong))
        return 2
    except BrokenPipeError:
        # Whoever read has seen enough. Nothing may be flushed into the pipe at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    except SystemExit as helped:
        return int(helped.code or 0)


def _say(err: TextIO, sentence: str) -> None:
    """Write a sentence, in which may stand what somebody has put into a log."""
    err.write(f"beaker-logs: {make_safe(sentence)}\n")


class _Run:
    """One call of the command.

    Args:
        options: as `parse_options` gives them.
    """

    def __init__(self, options: object, environment: Mapping[str, str], out: TextIO, err: TextIO) -> None:
        self._options = vars(options)
        folder = self._options["folder"]
        self._folder = LogFolder(Path(folder) if folder else places.state_folder(environment) / "logs")
        self._out, self._err = out, err
        self._zone = UTC if self._options["utc"] else None
        coloured = self._options["color"] == "always" or (
            self._options["color"] == "auto" and out.isatty() and not environment.get("NO_COLOR")
        )
        width = None if self._options["wide"] or not out.isatty() else shutil.get_terminal_size().columns
        self._screen = Screen(
            out, as_json=self._options["json"], coloured=coloured, width=width, zone=self._zone, utf8="utf" in (out.encoding or "").lower()
        )

    def run(self) -> int:
        """Do what was asked."""
        command = {"list": self._list, "show": self._show, "follow": self._follow, "trace": self._trace}[self._options["command"]]
        try:
            return command()
        finally:
            self._tell_unreadable()

    def _list(self) -> int:
        kernels = sort_by_kernel(self._folder.facts())
        if not kernels:
            raise NothingThere(self._empty())
        self._screen.kernels(kernels)
        return 0

    def _show(self) -> int:
        chosen, kernel = self._chosen()
        several = not kernel and len({each.writer.kernel for each in chosen}) > 1
        lines: Iterable[Line] = self._folder.lines(chosen, self._selection(), of_kernel=kernel)
        if self._options["last"]:
            lines = deque(lines, maxlen=self._options["last"])
        shown = self._screen.lines(lines, with_kernel=several)
        if not shown:
            raise NothingThere(f"None of the lines in {self._folder.path} is as you asked.")
        return 0

    def _follow(self) -> int:
        kernel = ""
        if self._options["kernel"]:
            kernel = self._kernel()
        whole = self._options["since"] is not None
        follower = Follower(self._folder, self._selection(), of_kernel=kernel, whole=whole)
        if self._out.isatty():
            _say(self._err, f"following {self._folder.path}; Ctrl-C ends it.")
        try:
            lines = follower.poll()
            lines = lines if whole else lines[-self._options["last"] :]
            while True:
                self._screen.lines(lines, with_kernel=not kernel)
                self._out.flush()
                time.sleep(LOOK_EVERY_S)
                lines = follower.poll()
        except KeyboardInterrupt:
            return 0
        finally:
            follower.close()

    def _trace(self) -> int:
        given = self._options["trace"]
        chosen, kernel = self._chosen()
        piece = longest_piece(given) if given and given != "last" else ""
        found = requests.gather(self._folder.lines(chosen, Selection(containing=piece), of_kernel=kernel))
        if not found:
            raise NothingThere(f"No request{f' {given!r}' if piece else ''} stands in the logs in {self._folder.path}.")
        wanted = found.values() if self._options["all"] else requests.without_polls(found.values())
        if given is None:
            self._screen.requests(requests.latest(wanted, self._options["last"]))
            return 0
        if given == "last":
            last = requests.last(wanted) or requests.last(found.values())
            if last is None:
                raise NothingThere("All requests that stand there are strangers'. `beaker-logs trace` lists them: name one by its id.")
            given = last.trace
        traces = meant(given, found)
        if not traces:
            raise NothingThere(f"No trace begins or ends with {given[:60]!r}. `beaker-logs trace` lists the last ones.")
        if len(traces) > 1:
            shown = requests.latest([found[trace] for trace in traces], MEANT_SHOWN)
            named = ", ".join(f"{shorten(seen.trace)} ({seen.what or 'a request'})" for seen in shown)
            raise NothingThere(f"{given[:60]!r} may mean {len(traces)} requests. The last of them: {named}.")
        selection = Selection(trace=traces[0].__eq__, containing=traces[0])
        timeline = lay_out(traces[0], self._folder.lines(chosen, selection, of_kernel=kernel))
        self._screen.timeline(timeline)
        return 0

    def _chosen(self) -> tuple[list[Parts], str]:
        """The files in which stands what is asked for, and the kernel that is meant; empty: all."""
        parts = self._folder.parts()
        if not parts:
            raise NothingThere(self._empty())
        if not self._options["kernel"]:
            return parts, ""
        kernel = self._kernel()
        return [each for each in parts if each.writer.kernel in ("", kernel)], kernel

    def _kernel(self) -> str:
        """The one that is meant."""
        kernels = sort_by_kernel(self._folder.facts())
        return find_kernel(self._options["kernel"], [logs.kernel for logs in kernels], {logs.kernel: logs.names for logs in kernels})

    def _selection(self) -> Selection:
        options, now = self._options, datetime.now(UTC)
        if options["actor"]:
            # What stands in file names is quickly known; an actor called otherwise than its role is the exception.
            roles = {parts.writer.role for parts in self._folder.parts() if parts.writer.role}
            check_actors(options["actor"], roles | {"kernel", "supervisor"} if roles & set(SHARED) else roles)
        return Selection(
            actors=options["actor"],
            level=options["level"],
            since=parse_moment(options["since"], now=now, zone=self._zone) if options["since"] else None,
            until=parse_moment(options["until"], now=now, zone=self._zone) if options["until"] else None,
            events=options["event"],
            grep=options["grep"],
            trace=partial(fits, options["trace"]) if options["trace"] else None,
            containing=longest_piece(options["trace"] or ""),
        )

    def _empty(self) -> str:
        return (
            f"There are no logs in {self._folder.path} yet. Every kernel writes there from its start on; if yours did, it was "
            "started with another XDG_STATE_HOME: name the folder by --folder."
        )

    def _tell_unreadable(self) -> None:
        for name, reason in self._folder.closed.items():
            _say(self._err, f"{name} cannot be read: {reason}.")
        if total := self._folder.unreadable.total():
            where = ", ".join(f"{name} ({count})" for name, count in self._folder.unreadable.most_common(5))
            lines = "line is none" if total == 1 else "lines are none"
            _say(self._err, f"{total} {lines} of beaker's or torn, and left out: {where}.")
