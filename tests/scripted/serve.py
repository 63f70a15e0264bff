"""Runs a scripted endpoint as a process: `python tests/scripted/serve.py NAME [--port N]` prints its base URL and serves.

For tests in which the kernel is started by somebody else (a browser, nbclient) and for trying things by hand.
"""

import argparse
import asyncio
import sys
from pathlib import Path

if __name__ == "__main__":  # run by its path: the checkout is not on the path then
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.scripted.endpoint import ScriptedEndpoint
from tests.scripted.replies import (
    BARE_ERROR,
    CUT,
    HANG,
    MALFORMED,
    STALL,
    ByRole,
    Reply,
    Speak,
    bad_call,
    failure,
    list_variables,
    propose,
    run,
)

SCRIPTS: dict[str, list[Reply]] = {
    "answer": [Speak(text="The mean is 4.5 degrees.")],
    "propose": [list_variables(), propose("print('from the model')", text="Here is a cell."), Speak(text="Run it.")],
    "stall": [STALL],
    "hang": [HANG],
    "cut": [CUT],
    "malformed": [MALFORMED],
    "bare-error": [BARE_ERROR],
    "unauthorized": [failure(401, "Incorrect API key provided")],
    "busy": [failure(429, "slow down", headers={"Retry-After": "1"}), Speak(text="now")],
    "broken": [failure(500, "out of order")],
    "bad-calls": [bad_call()],
    "endless": [list_variables()],
    "consent": [ByRole(user=run("40 + 2", text="Let me compute."), tool=Speak(text="It is what I thought."))],
}


async def serve(name: str, port: int) -> None:
    """Serve until killed."""
    async with ScriptedEndpoint(SCRIPTS[name], port=port) as endpoint:
        print(endpoint.base_url, flush=True)
        await asyncio.Event().wait()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description="Serve a scripted chat-completions endpoint.")
    parser.add_argument("name", choices=sorted(SCRIPTS))
    parser.add_argument("--port", type=int, default=0)
    arguments = parser.parse_args()
    try:
        asyncio.run(serve(arguments.name, arguments.port))
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
