"""`@jupyterlab/services`, with which JupyterLab and VS Code speak, in node on a running gateway: kernels, comms, sessions, contents."""

from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path

import pytest

from tests.kit.gateway_floods import number_of
from tests.kit.node import Scenes, installed
from tests.kit.running_gateway import RunningGateway

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("gateway")]

HERE = Path(__file__).parent / "node"


@pytest.fixture(scope="session")
def modules(need_tool: Callable[..., str], need: Callable[..., None]) -> Path:
    """The library, in a folder."""
    try:
        return installed(need_tool("npm"), HERE)
    except RuntimeError as failed:
        need(f"@jupyterlab/services, and npm gives none: {failed}", there=False)
        raise


@pytest.fixture(scope="module")
def scenes(gateway: RunningGateway, modules: Path, need_tool: Callable[..., str]) -> Iterator[Scenes]:
    """What a node process does with a gateway; most scenes share a kernel."""
    playing = Scenes(need_tool("node"), HERE / "run.js", modules, gateway.url, gateway.token)
    yield playing
    playing.play("everything_ends")
    playing.close()


def test_kernelspecs_are_listed_with_one_that_is_the_default(scenes: Scenes) -> None:
    saw = scenes.play("kernelspecs")
    assert saw["default"] in saw["names"]
    assert {"beaker", "python3"} <= {*saw["names"]}
    assert (saw["beaker"]["language"], "logo-svg" in saw["beaker"]["resources"]) == ("python", True)


def test_a_kernel_says_what_it_is(scenes: Scenes) -> None:
    saw = scenes.play("language")
    assert saw == {"language": "python", "status": "ok", "spec": "python3", "kernel": "python3", "subshells": True}


def test_a_cell_streams_its_outputs_in_order_and_is_answered(scenes: Scenes) -> None:
    code = "import sys\nprint('out', flush=True)\nsys.stderr.write('err')\nd = display(1, display_id=True)\nd.update(2)\n6 * 7"
    saw = scenes.play("run", code=code)
    assert saw["reply"]["status"] == "ok"
    # A timer in ipykernel decides where it cuts what was printed.
    kinds = ["status", "execute_input", "stream", "display_data", "update_display_data", "execute_result", "status"]
    assert [kind for kind, _ in groupby(kind for kind, _ in saw["outputs"])] == kinds
    printed = [content for kind, content in saw["outputs"] if kind == "stream"]
    assert ["".join(each["text"] for each in printed if each["name"] == name) for name in ("stdout", "stderr")] == ["out\n", "err"]
    assert saw["outputs"][-2][1]["data"]["text/plain"] == "42"
    assert saw["outputs"][-2][1]["execution_count"] == saw["reply"]["execution_count"]


def test_a_cell_that_fails_is_an_error_for_the_client(scenes: Scenes) -> None:
    saw = scenes.play("run", code="1 / 0")
    assert (saw["reply"]["status"], saw["reply"]["ename"]) == ("error", "ZeroDivisionError")


def test_a_kernel_is_busy_once_and_idle_once_for_a_cell(scenes: Scenes) -> None:
    assert scenes.play("busy_and_idle") == ["busy", "idle"]


def test_a_prompt_is_answered_by_who_ran_the_cell(scenes: Scenes) -> None:
    assert scenes.play("answer_a_prompt") == {"status": "ok", "prompts": [["how many? ", False]], "printed": "forty-two\n"}


def test_a_comm_that_the_client_opens_carries_buffers_both_ways(scenes: Scenes) -> None:
    saw = scenes.play("comm_of_ours")
    opened = [{"opened": {"a": 1}, "sizes": [3, 0, 2]}, [[1, 2, 3], [], [0, 255]]]
    assert saw == {"heard": [opened, [{"heard": {"b": 2}}, [[], [7, 8, 9]]]], "closed": {"bye": True}}


def test_a_comm_that_the_kernel_opens_carries_buffers_both_ways(scenes: Scenes) -> None:
    saw = scenes.play("comm_of_the_kernels")
    assert saw == {"open": [{"c": 3}, [[5], []]], "answers": "[({'back': {'d': 4}}, [b'', b'\\x06\\x07'])]"}


def test_names_are_completed_and_explained(scenes: Scenes) -> None:
    saw = scenes.play("look")
    assert saw["matches"] == ["number_of_things"]
    assert (saw["found"], "int" in saw["text"], saw["whole"]) == (True, True, "incomplete")
    assert saw["last"] == "number_of_things = 7"


def test_an_interrupt_ends_a_cell(scenes: Scenes) -> None:
    assert scenes.play("interrupt") == {"status": "error", "ename": "KeyboardInterrupt"}


def test_another_client_of_the_kernel_hears_what_it_prints(scenes: Scenes) -> None:
    assert scenes.play("second_client") == {"text": "for both\n", "different": True}


def test_a_restart_leaves_the_connection_and_forgets_variables(scenes: Scenes) -> None:
    saw = scenes.play("restart")
    assert saw == {"restarting": True, "died": False, "same": True, "ename": "NameError", "count": 1, "connection": "connected"}


def test_a_kernel_that_dies_is_told_to_be_restarting_and_goes_on(scenes: Scenes) -> None:
    assert scenes.play("death") == {"status": "autorestarting", "died": ["error", "KernelDied"], "again": "ok"}


async def everything_put_down(gateway: RunningGateway) -> None:
    """Each worker is asked for its numbers, behind the last message: by then it has put down what has left it.

    Else another worker might tell some of it once more: docs/gateway.md, "Told twice".
    """
    assert await number_of("beaker_websockets", gateway) > 0


async def test_a_client_whose_socket_is_cut_comes_back_and_misses_nothing(scenes: Scenes, gateway: RunningGateway) -> None:
    flag = gateway.root / "cut"
    scenes.play("counts_to_a_wait", flag=str(flag), to=40, pause=19)
    await everything_put_down(gateway)
    scenes.play("cuts_its_socket")
    flag.touch()
    saw = scenes.play("goes_on")
    assert (saw["status"], saw["numbers"]) == ("ok", [*range(40)])
    assert saw["connections"][-2:] == ["connecting", "connected"]


async def test_a_client_of_killed_workers_comes_back_and_misses_nothing(scenes: Scenes, gateway: RunningGateway) -> None:
    flag = gateway.root / "killed"
    scenes.play("counts_to_a_wait", flag=str(flag), to=40, pause=19)
    await everything_put_down(gateway)
    workers = gateway.roles("worker")
    for worker in workers:
        worker.kill()
    gateway.wait_for_role("worker", len(workers), without={worker.pid for worker in workers})
    flag.touch()
    saw = scenes.play("goes_on")
    assert (saw["status"], saw["numbers"]) == ("ok", [*range(40)])
    assert "connecting" in saw["connections"]


def test_a_session_moves_with_its_document_changes_its_kernel_and_ends_with_it(scenes: Scenes) -> None:
    saw = scenes.play("session_moves_with_its_document")
    assert saw == {
        "found": True,
        "now": ["sub/moved.ipynb", "moved", "beaker", True],
        "kernels": [False, True],
        "left": False,
        "disposed": True,
    }


def test_a_notebook_is_saved_and_restored_from_its_checkpoint(scenes: Scenes) -> None:
    saw = scenes.play("notebook_is_saved_and_restored")
    assert saw == {
        "made": ["notebook", "Untitled.ipynb"],
        "saved": ["notebook", True, True],
        "checkpoints": [True],
        "source": "6 * 7",
        "hash": "sha256",
        "left": 0,
    }


def test_files_are_made_renamed_copied_downloaded_and_deleted(scenes: Scenes) -> None:
    saw = scenes.play("files_are_made_renamed_copied_and_deleted")
    assert (saw["named"], saw["listed"], saw["copy"]) == (
        "ä b%25",
        ["one-Copy1.txt", "one.txt", "two.bin"],
        "ä b%25/one-Copy1.txt",
    )
    assert (saw["read"], saw["downloaded"]) == ("grün", [0, 1, 255])
    assert (saw["taken"][0], saw["gone"][0]) == (409, 404)
    assert saw["heard"] == ["new", "rename", "save", "save", "new", *["delete"] * 4]


def test_what_is_not_there_is_told_in_a_sentence(scenes: Scenes) -> None:
    saw = scenes.play("mistakes_are_told")
    assert [saw[name][0] for name in ("unknown", "missing", "stranger")] == [400, 404, 401]
    assert "no-such-kernel" in saw["unknown"][1]
