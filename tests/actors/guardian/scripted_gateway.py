"""A real guardian with scripted roles: `python scripted_gateway.py [options of the gateway]`, NOTES and PLAN in the environment.

It has patience with them: on a machine that is overrun any of them may take seconds to leave or to begin, and what is tested is what
the guardian does, and in which order, not how long users would wait for it.
"""

import os
import sys
from functools import partial
from pathlib import Path

import beaker_kernel  # noqa: F401 -- it settles the names
from actors.guardian import ending, post, role, staff, standby
from actors.guardian.settling import settle
from beaker.subkernels.restart_intensity import RestartIntensity

WINDOW_S = 600.0
"""In which a role may be lost five times: what is to be lost six times has to start as often."""
PATIENCE_S = 30.0
"""For whoever leaves when told to."""
DEAF_S = 5.0
"""For one that does not: it is waited for in full."""

if __name__ == "__main__":
    for module in (post, standby):
        setattr(module, "RestartIntensity", partial(RestartIntensity, window_s=WINDOW_S))  # noqa: B010 -- no assignment that types allow
    for name in ("GRACE_S", "AGENT_GRACE_S"):
        setattr(staff, name, PATIENCE_S)
    for name in ("LINK_TIMEOUT_S", "HURRIED_TIMEOUT_S"):
        setattr(ending, name, PATIENCE_S)
    setattr(role, "LEAVING_S", PATIENCE_S)  # noqa: B010 -- it is final
    setattr(post, "HURRIED_GRACE_S", DEAF_S)  # noqa: B010 -- it is final
    secrets = settle(sys.argv)
    scripted = str(Path(__file__).with_name("scripted_role.py"))
    sys.exit(role.main(sys.argv[1:], secrets, program=[sys.executable, "-P", scripted, os.environ["NOTES"], os.environ.get("PLAN", "")]))
