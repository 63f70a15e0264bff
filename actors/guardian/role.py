"""The guardian's process, from its command line to its exit.

What is secret was settled before (`actors.guardian.settling`). Now settings are read, sockets opened and folders taken, all before
the first role is started: what cannot be served is refused here, in a sentence and with status 2.
"""

import asyncio
import contextlib
import importlib.machinery
import os
import signal
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from actors.guardian import listening, places
from actors.guardian.certificate import why_unusable
from actors.guardian.guardian import Guardian, complain
from actors.guardian.limits import raise_descriptor_limit, users_descriptor_limit, websocket_limit
from actors.guardian.options import UsageError, parse_options
from actors.guardian.order import GatewayOrder
from actors.guardian.settling import Secrets
from actors.guardian.signed_out import forget_run_out
from actors.guardian.staff import PROGRAM
from actors.guardian.token import NoToken, Token, choose_token
from actors.guardian.words import Opening
from actors.roles.own_logs import configure_logs
from actors.runtime.prctl import become_subreaper
from beaker.errors import BeakerError
from beaker.gateway.access import parse_public
from beaker.gateway.exposure import why_refused
from beaker.places import PlaceError
from beaker.settings.gateway import GatewaySettings
from beaker.settings.key_wishes import DEMO_CHOICE
from beaker.settings.load import Loaded, load

LEAVING_S: Final = 5.0
"""For the roles of a gateway that was killed, which still hold its port; they leave when they see their parent go."""
LINK_SECRET_BYTES: Final = 32
"""Nobody guesses it."""


class Refused(BeakerError):
    """What is wanted cannot be served; the sentence says what would do."""


def main(argv: list[str], secrets: Secrets, *, program: Sequence[str] = PROGRAM) -> int:
    """Run a gateway.

    Args:
        argv: the command line without the program's name, and without what is secret.
        secrets: what was found of that.
        program: what is started for each role.

    Returns:
        The exit status: see the manual.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # until the loop listens
    try:
        command_line = parse_options(argv).settings
        loaded = load(os.environ, folder=None, command_line=command_line, key=secrets.key.facts, key_problems=secrets.key.problems)
        settings, token = _settled(loaded, secrets)
        sockets = _listen(settings)
        file = listening.identify(settings.unix_socket)
        try:
            instance = places.Instance(os.environ, settings, listening.port_of(sockets))
        except BeakerError:
            listening.leave(sockets, settings.unix_socket, file)
            raise
    except (UsageError, Refused, NoToken, listening.CannotListen, places.AnotherGateway, places.StateUnusable, PlaceError) as refused:
        complain(str(refused))
        return 2
    _let_roles_find_us()
    for problem in loaded.problems:
        complain(problem)
    if secrets.token_was_shown:
        complain("--token could be read by every user of this machine until now: put it into a file for --token-file.")
    try:
        status = _serve(loaded, settings, token, sockets, instance, secrets, program)
    finally:
        listening.leave(sockets, settings.unix_socket, file)
    # Nobody finds the state of a port that was chosen for this start.
    instance.leave(forget=status == 0 and loaded.settings.gateway.port == 0 and not settings.unix_socket and not settings.keep_kernels)
    return status


def _settled(loaded: Loaded, secrets: Secrets) -> tuple[GatewaySettings, Token]:
    """The settings with what they leave open, and the token.

    Raises:
        Refused, NoToken: no gateway may start with these.
    """
    if loaded.gateway_problems:
        raise Refused("\n".join(loaded.gateway_problems))
    if secrets.key.facts is None and secrets.key.problems:
        # It would answer with the demo model, to people who do not see why.
        raise Refused(" ".join([*secrets.key.problems, f"Mend that, or ask for the demo model by BEAKER_MODEL={DEMO_CHOICE}."]))
    settings = loaded.settings.gateway
    token = choose_token(settings, secrets, os.environ, loaded.gateway_origins)
    settings = msgspec.structs.replace(settings, no_token=token.value is None)
    if (why := why_refused(settings)) is not None:
        raise Refused(why)
    if (why := why_unusable(settings)) is not None:
        raise Refused(why)
    base_url = parse_public(settings.public_url)[1] if settings.public_url else settings.base_url
    return msgspec.structs.replace(settings, base_url=base_url, root_dir=_root_folder(settings.root_dir)), token


def _let_roles_find_us() -> None:
    """In a checkout that was never installed the processes that we start must be told where we are."""
    if importlib.machinery.PathFinder.find_spec("beaker_kernel") is None:
        home = str(Path(__file__).parents[2])
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [home, os.environ.get("PYTHONPATH")]))
        complain(
            f"beaker is not installed for {sys.executable}, so that cells have {home} on their path. Installed they have not: "
            f"{sys.executable} -m pip install --editable {home}"
        )


def _root_folder(wanted: str) -> str:
    try:
        folder = os.path.abspath(os.path.expanduser(wanted)) if wanted else os.getcwd()
    except FileNotFoundError:
        raise Refused("The folder that the gateway was started in is gone. Start it in another, or name one by --root-dir.") from None
    if not os.path.isdir(folder):
        raise Refused(f"--root-dir {folder}: there is no such folder. Make it, or name another.")
    if not os.access(folder, os.R_OK | os.X_OK):
        raise Refused(f"--root-dir {folder}: you may not look into it. Name a folder of yours.")
    return folder


def _listen(settings: GatewaySettings) -> list[socket.socket]:
    deadline = time.monotonic() + LEAVING_S
    while True:
        try:
            return listening.listen(settings)
        except listening.PortTaken:
            if time.monotonic() > deadline or not places.is_left(os.environ, settings):
                raise
        time.sleep(0.05)


def _serve(
    loaded: Loaded,
    settings: GatewaySettings,
    token: Token,
    sockets: list[socket.socket],
    instance: places.Instance,
    secrets: Secrets,
    program: Sequence[str],
) -> int:
    port = listening.port_of(sockets)
    open_files = users_descriptor_limit()
    descriptors = raise_descriptor_limit()
    limit = websocket_limit(settings.max_websockets, descriptors=descriptors, workers=settings.workers)
    settings = msgspec.structs.replace(settings, max_websockets=limit, port=port or settings.port)
    become_subreaper()
    _name_process(settings, port)
    logs = configure_logs(loaded.settings.logs, "guardian", "", token.value)
    instance.clear()
    with contextlib.suppress(OSError):  # a full disk: the lines stay, and shut nobody in or out
        forget_run_out(instance.state, time.time())
    order = GatewayOrder(
        number=0,
        folder=str(instance.folder),
        state=str(instance.state),
        settings=settings,
        logs=loaded.settings.logs,
        link_secret=os.urandom(LINK_SECRET_BYTES),
        kernel_secret=instance.secret.kernel,
        token=token.value,
        cookie_secret=instance.secret.cookie,
        listening=tuple(opened.fileno() for opened in sockets),
        port=port,
        key=secrets.key.facts,
        key_problems=secrets.key.problems,
        key_print=secrets.key_print,
        open_files=open_files,
        began_at=time.time(),
    )
    show_token = sys.stdout.isatty()
    opening = Opening(
        settings=settings,
        port=port,
        token=token,
        show_token=show_token,
        token_place="" if show_token else instance.token_place(token, settings),
        descriptors=descriptors,
        state=str(instance.state),
    )

    async def run() -> int:
        return await Guardian(order, opening, key=secrets.key.descriptor, program=program).run()

    try:
        return asyncio.run(run())
    finally:
        if logs is not None:
            logs.close()


def _name_process(settings: GatewaySettings, port: int) -> None:
    from setproctitle import setproctitle

    setproctitle(f"beaker --role guardian --listening {settings.unix_socket or f'{settings.host}:{port}'}")
