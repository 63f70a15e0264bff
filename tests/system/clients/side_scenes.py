"""Scenes of what goes on beside cells: what editors ask, comms, the control channel with debugger and subshells, the unknown."""

from typing import Any

from tests.system.clients.scenes import Scenes, gated
from tests.system.clients.tracing import Player

SCENES = Scenes()


@SCENES.scene()
def _completion_inspection_and_whether_a_cell_is_complete(player: Player) -> None:
    player.settle(player.execute("frame = {'é': 1}\n'😀'"))
    player.settle(player.send("complete_request", {"code": "fra", "cursor_pos": 3}))
    player.settle(player.send("complete_request", {"code": "'😀'; fra", "cursor_pos": 8}))
    player.settle(player.send("complete_request", {"code": "no_such", "cursor_pos": 7}))
    player.settle(player.send("inspect_request", {"code": "frame", "cursor_pos": 3, "detail_level": 0}))
    player.settle(player.send("inspect_request", {"code": "no_such", "cursor_pos": 3, "detail_level": 1}))
    for code in ("1", "for i in x:", "import = 1", "def f():\n  return 1\n\n"):
        player.settle(player.send("is_complete_request", {"code": code}))


@SCENES.scene()
def _history(player: Player) -> None:
    player.settle(player.execute("6 * 7"), player.execute("'shown ' + 'once'"), player.execute("1 / 0"))
    both = {"output": True, "raw": True}
    player.settle(player.send("history_request", {"hist_access_type": "tail", "n": 3, **both}))
    player.settle(player.send("history_request", {"hist_access_type": "range", "session": 0, "start": 1, "stop": 4, **both}))
    player.settle(player.send("history_request", {"hist_access_type": "search", "pattern": "6*", "n": 5, "output": False, "raw": False}))


@SCENES.scene()
def _kernel_info_on_both_channels(player: Player) -> None:
    player.settle(player.send("kernel_info_request", {}))
    player.settle(player.send("kernel_info_request", {}, on="control"))


@SCENES.scene()
def _the_ports(player: Player) -> None:
    player.settle(player.send("connect_request", {}))


@SCENES.scene()
def _a_comm_of_an_unknown_target(player: Player) -> None:
    opened = player.send("comm_open", {"comm_id": "c-unknown", "target_name": "nobody", "data": {}})
    player.settle(opened, replies=False)


@SCENES.scene()
def _a_comm_both_ways_with_buffers(player: Player) -> None:
    code = (
        "def opened(comm, message):\n"
        "    @comm.on_msg\n"
        "    def _(message): comm.send({'got': message['content']['data']}, buffers=[bytes(b) for b in message['buffers']] + [b''])\n"
        "    comm.send('opened')\n"
        "get_ipython().kernel.comm_manager.register_target('echo', opened)"
    )
    player.settle(player.execute(code))
    player.settle(player.send("comm_open", {"comm_id": "c-1", "target_name": "echo", "data": {}}), replies=False)
    player.settle(player.send("comm_info_request", {}))
    player.settle(player.send("comm_info_request", {"target_name": "another"}))
    player.settle(player.send("comm_msg", {"comm_id": "c-1", "data": {"n": 1}}, buffers=(b"\x00\xff", b"", b"end")), replies=False)
    player.settle(player.send("comm_msg", {"comm_id": "c-none", "data": {}}), replies=False)
    player.settle(player.send("comm_close", {"comm_id": "c-1", "data": {}}), replies=False)
    player.settle(player.send("comm_info_request", {}))


@SCENES.scene()
def _a_request_of_an_unknown_type(player: Player) -> None:
    player.settle(player.send("no_such_request", {"any": "thing"}), replies=player.ours)
    player.settle(player.send("no_such_request", {"any": "thing"}, on="control"), replies=player.ours)


@SCENES.scene()
def _the_usage_of_the_machine(player: Player) -> None:
    player.settle(player.send("usage_request", {}, on="control"))


def _debug(player: Player, command: str, **arguments: Any) -> None:
    content = {"type": "request", "seq": len(player.requests) + 1, "command": command, "arguments": arguments}
    player.settle(player.send("debug_request", content, on="control"))


@SCENES.scene(two_threads=True)
def _a_debugger_that_comes_and_goes(player: Player) -> None:
    _debug(player, "debugInfo")
    _debug(player, "initialize", clientID="test", adapterID="", pathFormat="path", linesStartAt1=True, columnsStartAt1=True, locale="en")
    _debug(player, "attach")
    _debug(player, "dumpCell", code="x = 1\nx")
    _debug(player, "inspectVariables")
    _debug(player, "disconnect", restart=False, terminateDebuggee=False)


@SCENES.scene(two_threads=True)
def _a_subshell(player: Player) -> None:
    made = player.send("create_subshell_request", {}, on="control")
    player.settle(made)
    subshell = player.seen["control"][-1].content["subshell_id"]
    player.settle(player.send("list_subshell_request", {}, on="control"))
    first = player.execute(gated("gate-4", "print('main')"))
    player.printed("on")
    content = {"code": "print('beside')\n'a result'", "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
    player.settle(player.send("execute_request", content, head={"subshell_id": subshell}))
    player.settle(player.send("is_complete_request", {"code": "for i in x:"}, head={"subshell_id": subshell}))
    (player.folder / "gate-4").touch()
    player.settle(first)
    player.settle(player.send("delete_subshell_request", {"subshell_id": subshell}, on="control"))
    player.settle(player.send("list_subshell_request", {}, on="control"))
    player.settle(player.send("delete_subshell_request", {"subshell_id": "none"}, on="control"))
