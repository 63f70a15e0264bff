"""Scenes of cells: what they print, show, raise and ask, how they queue, and what an interrupt does to them."""

from tests.kit.running_kernel import wait_until
from tests.system.clients.scenes import Scenes, gated, until_queued
from tests.system.clients.tracing import Player

SCENES = Scenes()


@SCENES.scene()
def _prints_a_result_and_displays_in_their_order(player: Player) -> None:
    code = "import sys\nprint('out')\nprint('err', file=sys.stderr)\ndisplay({'a': 1})\nprint('more', end='')\n'a result'"
    player.settle(player.execute(code))


@SCENES.scene()
def _a_display_that_is_updated(player: Player) -> None:
    player.settle(player.execute("handle = display('first', display_id='it')\nhandle.update('second')"))
    player.settle(player.execute("from IPython.display import HTML\nhandle.update(HTML('<b>third</b>'))"))


@SCENES.scene()
def _outputs_that_are_cleared(player: Player) -> None:
    code = "from IPython.display import clear_output\nprint('a')\nclear_output()\nprint('b')\nclear_output(wait=True)\nprint('c')"
    player.settle(player.execute(code))


@SCENES.scene()
def _errors_at_run_time_in_syntax_and_by_a_magic_that_is_none(player: Player) -> None:
    player.settle(player.execute("def f():\n    return 1 / 0\nf()"))
    player.settle(player.execute("1 +"))
    player.settle(player.execute("%no_such_magic"))


@SCENES.scene()
def _cells_that_do_not_count(player: Player) -> None:
    player.settle(player.execute("print('not stored')\n'a value'", store_history=False))
    player.settle(player.execute("print('silent')\n'a value'", silent=True))
    player.settle(player.execute("1 / 0", silent=True))
    player.settle(player.execute("'counted'"))


@SCENES.scene()
def _user_expressions(player: Player) -> None:
    player.settle(player.execute("x = 6", user_expressions={"good": "x * 7", "bad": "no_such_name", "text": "'a\\nb'"}))


@SCENES.scene()
def _payloads_of_help_and_of_a_next_cell(player: Player) -> None:
    player.settle(player.execute("len?"))
    player.settle(player.execute("get_ipython().set_next_input('print(1)')"))
    player.settle(player.execute("get_ipython().set_next_input('print(2)', replace=True)"))


@SCENES.scene()
def _what_a_thread_prints_after_its_cell(player: Player) -> None:
    code = (
        "import pathlib, threading, time\n"
        "def late():\n"
        "    while not pathlib.Path('late').exists(): time.sleep(0.01)\n"
        "    print('late', flush=True)\n"
        "thread = threading.Thread(target=late); thread.start()"
    )
    player.settle(player.execute(code))
    player.settle(player.execute("pathlib.Path('late').touch(); thread.join(); del thread"))
    player.printed("late")


@SCENES.scene()
def _a_shell_command(player: Player) -> None:
    player.settle(player.execute("!echo from a program"))


@SCENES.scene()
def _rich_text_and_wide_characters(player: Player) -> None:
    bundle = "{'text/plain': 'ä€😀', 'text/html': '<i>é</i>'}, {'text/html': {'isolated': True}}"
    player.settle(player.execute(f"class Rich:\n    def _repr_mimebundle_(self, **_): return {bundle}"))
    player.settle(player.execute("Rich()"))


@SCENES.scene(two_threads=True)
def _a_queue_behind_an_error(player: Player) -> None:
    first = player.execute(gated("gate-1", "1 / 0"))
    player.printed("on")
    cells = [player.execute("print('second')"), player.execute("print('third')", store_history=False)]
    cells.append(player.execute("'silent'", silent=True))
    other = player.send("is_complete_request", {"code": "1"})
    cells.append(player.execute("print('behind what is no cell')"))
    until_queued(player)
    (player.folder / "gate-1").touch()
    player.settle(first, *cells, other)
    player.settle(player.execute("print('goes on')"))


@SCENES.scene(two_threads=True)
def _a_queue_behind_an_error_that_does_not_stop_it(player: Player) -> None:
    first = player.execute(gated("gate-2", "1 / 0"), stop_on_error=False)
    player.printed("on")
    second = player.execute("print('second')")
    until_queued(player)
    (player.folder / "gate-2").touch()
    player.settle(first, second)


@SCENES.scene(two_threads=True)
def _a_queue_behind_an_error_in_a_silent_cell(player: Player) -> None:
    first = player.execute(gated("gate-3", "1 / 0").replace("print('on', flush=True)", "pathlib.Path('begun-3').touch()"), silent=True)
    wait_until((player.folder / "begun-3").exists, what="the first cell")
    second = player.execute("print('second')")
    until_queued(player)
    (player.folder / "gate-3").touch()
    player.settle(first, second)


@SCENES.scene(two_threads=True)
def _an_interrupt_of_a_sleep_with_a_queue_behind_it(player: Player) -> None:
    first = player.execute("import time\nprint('on', flush=True)\ntime.sleep(100)")
    player.printed("on")
    queued = [player.execute("print('second')"), player.execute("print('third')")]
    other = player.send("is_complete_request", {"code": "1"})
    until_queued(player)
    player.settle(player.send("interrupt_request", {}, on="control"))
    player.settle(first, *queued, other)
    player.settle(player.execute("print('goes on')"))


@SCENES.scene()
def _an_interrupt_of_an_idle_kernel(player: Player) -> None:
    player.settle(player.send("interrupt_request", {}, on="control"))


@SCENES.scene()
def _input_and_a_password_that_are_answered(player: Player) -> None:
    cell = player.execute("name = input('name? ')\nimport getpass\nword = getpass.getpass('word? ')\nprint(name, word)")
    player.until("stdin", lambda m: m.content.get("prompt") == "name? ")
    player.answer("ada")
    player.until("stdin", lambda m: m.content.get("prompt") == "word? ")
    player.answer("secret")
    player.settle(cell)


@SCENES.scene()
def _input_that_the_client_refuses(player: Player) -> None:
    player.settle(player.execute("input('name? ')", allow_stdin=False))


@SCENES.scene(two_threads=True)
def _an_interrupt_of_an_open_input(player: Player) -> None:
    # Caught, as the traceback says where in ipykernel's own loop it struck.
    cell = player.execute("try: input('name? ')\nexcept KeyboardInterrupt as error: print('caught', type(error).__name__)")
    player.until("stdin", lambda m: m.kind == "input_request")
    player.settle(player.send("interrupt_request", {}, on="control"))
    player.settle(cell)
