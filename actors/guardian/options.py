"""The command line of `beaker-gateway`: what can be said, in the words of a manual, and a sentence for what cannot.

Each option is a setting's name with its value; what values are right is the settings' business, so that an option, a variable and
a line in beaker.toml are judged alike.
"""

import argparse
import os
import re
from collections.abc import Sequence
from typing import NoReturn

import msgspec

from beaker.errors import BeakerError, UnknownName

PROGRAM = "beaker-gateway"

MANUAL = """\
where settings come from (each overrides the ones before it):
  [gateway] in your own ~/.config/beaker/beaker.toml      workers = 2
  the file that BEAKER_ENV_FILE names                     BEAKER_GATEWAY_WORKERS=2
  the environment                                         BEAKER_GATEWAY_WORKERS=2
  the command line                                        --workers 2
  How much is logged (--log-level) is level in the section [logs] there, and BEAKER_LOGS_LEVEL.
  Files of the folder that it is started in, or of a notebook's, change nothing. What has no option has the other three: see
  docs/gateway.md for all of them.

the token:
  Whoever has it can run code as you. Without --token-file or BEAKER_GATEWAY_TOKEN a new one is made at each start: it is printed
  on a terminal, or put into a file of yours that is named there, and written to no log. On the command line --token,
  --token-file, --no-token and --require-token override what the other places say of it. An empty BEAKER_GATEWAY_TOKEN counts as
  none; an empty --token, or token file, is refused. A browser shows it once, in the first address, and has
  a cookie from then on. Programs send it:
      curl -H "Authorization: token $TOKEN" http://127.0.0.1:8888/api/kernels
  JupyterLab, with its files here and its kernels there:
      JUPYTER_GATEWAY_AUTH_TOKEN=$TOKEN jupyter lab --gateway-url=http://127.0.0.1:8888
  With JUPYTER_GATEWAY_ALLOWED_ENVS=JPY_SESSION_NAME before it, `beaker-logs follow lake.ipynb` finds its kernels by their notebooks.

signals:
  TERM, INT (Ctrl-C)   take no more, let requests end, end all kernels (unless --keep-kernels), leave; a second one hurries
  HUP                  replace the workers one by one, with what certificate files hold now; kernels go on. Settings stay

examples:
  beaker-gateway                                       for yourself, at http://127.0.0.1:8888
  beaker-gateway --workers 4 --max-kernels 200         for many notebooks, on four cores
  beaker-gateway --port 0 --open                       at a free port, in a browser
  beaker-gateway --host 0.0.0.0 --tls-cert c.pem --tls-key k.pem --token-file ~/.token
  beaker-gateway --unix-socket /run/user/1000/beaker.sock      behind a proxy on the same machine
  beaker-gateway --public-url https://lab.example.org/lab/     behind one on the same machine that speaks TLS

exit status: 0 it was ended, 1 it could not start or gave up, 2 what was wanted makes no sense
"""


class UsageError(BeakerError):
    """A command line that makes no sense; the text is the sentence."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line says."""

    settings: dict[str, str]
    """By the name of the setting."""


_NO_TOKEN = (
    "ask for no token; at addresses of this machine only, where every program and every user of it can then run code as you; "
    "--require-token takes it back where beaker.toml or a variable says so"
)
_REQUIRE_TOKEN = "ask for a token, whatever beaker.toml or a variable says: the one that is given, or else a new one"

_SWITCHES = {
    "ui": "serve the web notebook (not part of this version: a page says so)",
    "open": "open a browser",
    "insecure": "listen at addresses of others without TLS",
    "keep-kernels": "leave kernels running at the end, for the next gateway at this address; within --orphan-timeout",
}

_VALUES = {
    "workers": ("N", "workers", "processes that speak HTTP, and as many that hold kernels; one per core is plenty (default: 1)"),
    "host": ("ADDRESS", "host", "where to listen; others than this machine's own need TLS, or --insecure (default: 127.0.0.1)"),
    "port": ("N", "port", "where to listen; 0: at one that is free (default: 8888)"),
    "unix-socket": ("PATH", "unix_socket", "listen at a unix socket instead, which only you can use"),
    "base-url": ("PATH", "base_url", "a path in front of all addresses, behind a proxy that serves more than this: /lab/ (default: /)"),
    "public-url": (
        "URL",
        "public_url",
        "the address by which clients reach a proxy in front of this, with its path: https://lab.example.org/lab/",
    ),
    "root-dir": ("FOLDER", "root_dir", "the folder whose files clients may see, and where kernels begin (default: where it is started)"),
    "token-file": ("FILE", "token_file", "a file that holds nothing but the token, and that only you can read"),
    "tls-cert": ("FILE", "tls_cert", "a PEM file with the certificate, and those that lead to it"),
    "tls-key": ("FILE", "tls_key", "a PEM file with its key (default: in --tls-cert)"),
    "max-kernels": ("N", "max_kernels", "how many kernels may run at a time (default: 64)"),
    "idle-timeout": ("SECONDS", "idle_timeout_s", "end a kernel that does nothing for so long with nobody connected (default: never)"),
    "orphan-timeout": ("SECONDS", "orphan_timeout_s", "how long kernels live on without a gateway, as after a crash (default: 900)"),
}

_FOLDERS_AND_FILES = ("unix-socket", "root-dir", "token-file", "tls-cert", "tls-key")
"""Relative to where the gateway is started."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message[:1].upper()}{message[1:]}. See: {self.prog} --help")


def parse_options(argv: Sequence[str]) -> Options:
    """Read a command line from which the token has been taken already.

    Raises:
        UsageError: it makes no sense.
        SystemExit: help was asked for, and has been printed.
    """
    parser = _parser()
    given, rest = parser.parse_known_args(argv)
    if rest:
        raise UsageError(_about_unknown(rest, parser))
    said = vars(given)
    settings = {f"gateway.{field}": said[option] for option, (_, field, _) in _VALUES.items() if said[option] is not None}
    settings |= {f"gateway.{option.replace('-', '_')}": str(said[option]).lower() for option in _SWITCHES if said[option] is not None}
    if said["no-token"]:
        settings["gateway.no_token"] = "true"
    if said["require-token"]:
        settings["gateway.no_token"] = "false"
    for option in _FOLDERS_AND_FILES:
        if said[option] is not None:
            if not said[option].strip():
                raise UsageError(f"--{option} is empty, as by a variable that is not set: name a path, or leave it out.")
            settings[f"gateway.{_VALUES[option][1]}"] = os.path.abspath(os.path.expanduser(said[option]))
    if said["allow-origin"]:
        settings["gateway.allow_origin"] = " ".join(said["allow-origin"])
    if said["log-level"] is not None:
        settings["logs.level"] = said["log-level"]
    return Options(settings=settings)


def _parser() -> _Parser:
    parser = _Parser(
        prog=PROGRAM,
        description="Serve Jupyter kernels with an LLM in them, by Jupyter's own REST and websocket interfaces.",
        epilog=MANUAL,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    for option, (shown, _, words) in _VALUES.items():
        parser.add_argument(f"--{option}", dest=option, metavar=shown, help=words)
    # Read and taken away before this: see `settling`. Here for the manual, and for a value that is missing.
    parser.add_argument(
        "--token", dest="token", metavar="TOKEN", help="what clients must show; --token-file keeps it from other users' eyes"
    )
    words = "a foreign page that may use this gateway, in full: https://lab.example.org; may be repeated"
    parser.add_argument("--allow-origin", dest="allow-origin", metavar="ORIGIN", action="append", default=[], help=words)
    words = "how much is logged: debug, info, warning or error (default: info)"
    parser.add_argument("--log-level", dest="log-level", metavar="LEVEL", help=words)
    either = parser.add_mutually_exclusive_group()
    either.add_argument("--no-token", dest="no-token", action="store_true", help=_NO_TOKEN)
    either.add_argument("--require-token", dest="require-token", action="store_true", help=_REQUIRE_TOKEN)
    for option, words in _SWITCHES.items():
        parser.add_argument(f"--{option}", dest=option, action=argparse.BooleanOptionalAction, help=words)
    return parser


def _about_unknown(rest: Sequence[str], parser: argparse.ArgumentParser) -> str:
    given = next((word for word in rest if word.startswith("-")), None)
    if given is None:
        return f"{rest[0]!r} is one word too many. See: {parser.prog} --help"
    known = sorted({option for option in re.findall(r"--[a-z-]+", parser.format_usage()) if option != "--"})
    return str(UnknownName(f"an option of {parser.prog}", given.partition("=")[0], known))
