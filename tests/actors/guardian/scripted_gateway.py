"""A real guardian with scripted roles: `python scripted_gateway.py [options of the gateway]`, NOTES and PLAN in the environment."""

import os
import sys
from pathlib import Path

import beaker_kernel  # noqa: F401 -- it settles the names
from actors.guardian.role import main
from actors.guardian.settling import settle

if __name__ == "__main__":
    secrets = settle(sys.argv)
    role = str(Path(__file__).with_name("scripted_role.py"))
    sys.exit(main(sys.argv[1:], secrets, program=[sys.executable, "-P", role, os.environ["NOTES"], os.environ.get("PLAN", "")]))
