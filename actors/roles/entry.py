"""Which process this is: the kernel that a client started, the guardian of a gateway, or one of the roles that these start.

Imports stay inside the branches: the kernel's own start is measured, and an agent must not pay for it.
"""

import sys


def main(argv: list[str]) -> int:
    """Run one role until it ends.

    Args:
        argv: the command line without the program's name.

    Returns:
        The exit status: 0, or 1 after a sentence on stderr.
    """
    if argv in (["-h"], ["--help"]):
        from beaker.kernel.arguments import VALID

        sys.stdout.write(f"Usage: python -P -m beaker_kernel {VALID}\n       python -m beaker_kernel install --help\n")
        return 0
    if argv[:1] == ["--role"]:
        from actors.runtime.prctl import become_undumpable

        become_undumpable()  # before anything that may hold a secret
        role = argv[1] if len(argv) > 1 else ""
        if role == "agent":
            from actors.agent.role import main as run_agent

            return run_agent(argv[2:])
        if role == "agent-host":
            from actors.agent_host.role import main as run_agent_host

            return run_agent_host(argv[2:])
        if role == "supervisor":
            from actors.supervisor.role import main as run_supervisor

            return run_supervisor(argv[2:])
        if role == "host":
            from actors.host.role import main as run_host

            return run_host(argv[2:])
        if role == "registry":
            from actors.registry.role import main as run_registry

            return run_registry(argv[2:])
        if role == "worker":
            from actors.runtime.lean import import_without

            # nbformat's: where it finds what checks addresses in other schemas than a notebook's, it makes a grammar for a second or more.
            import_without("jsonschema", ("rfc3987_syntax", "uri_template", "webcolors", "rfc3986_validator", "isoduration", "fqdn"))
            from actors.gateway.role import main as run_worker

            return run_worker(argv[2:])
        roles = "agent, agent-host, host, registry, supervisor, worker"
        sys.stderr.write(f"beaker: there is no role {role!r}; the roles that can be started are {roles}\n")
        return 1
    from actors.roles.settling import settle

    settled = settle(argv)
    from actors.runtime.lean import import_without

    # typing_extensions drags in inspect, ast, dis and tokenize: a fifth of the processor time between here and the launch of the subkernel.
    # msgspec takes `get_type_hints` from it, which `typing` has too for what our messages are made of.
    import_without("msgspec", ("typing_extensions",))
    from actors.kernel.role import main as run_kernel  # only now: an image that is replaced shall have imported little

    return run_kernel(argv, settled)


def serve(argv: list[str]) -> int:
    """Run the guardian of a gateway until it is told to end; its secrets are settled before it imports anything.

    Args:
        argv: the command line without the program's name.

    Returns:
        The exit status.
    """
    from actors.guardian.settling import Secrets, settle

    secrets = Secrets() if {"-h", "--help"} & {*argv} else settle(argv)
    from actors.guardian.role import main as guard

    return guard(argv, secrets)
