"""The house rules that a reader could break without noticing: which file may import what, and which names are taken."""

import ast
import builtins
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.own_sources import ROOT, SOURCE, nodes_of, own_files

pytestmark = SOURCE

LAYERS = {"actors.runtime": 0, "beaker": 1, "actors": 2, "gateway": 3, "beaker_kernel": 3}
"""The layer of each place, the longest name first that fits; imports go down or stay."""

ROOMS = ("sockets", "state", "channels", "life", "looks", "questions", "consent", "commands")
"""The folders of the KernelActor's rooms: each knows only those before it. What lies beside them makes and wires them."""

TAKEN = {"cache", "client", "common", "config", "container", "converters", "cookie", "crypto", "exceptions", "ext", "middleware"}
TAKEN |= {"session", "synchronization", "types", "util", "utils", "version"}
"""Modules of the other distributions that install a package `beaker`: a child of ours with such a name would overwrite theirs."""

EFFECTS = {"asyncio", "multiprocessing", "selectors", "socket", "subprocess", "threading", "zmq"}
"""What the domain does not touch: there decisions are made, and actors carry them out."""

ZEROMQ = {f"actors/kernel/sockets/{name}.py" for name in ("zmq_edge", "zmq_sockets", "heartbeat")}
"""Who talks ZeroMQ: a socket on the loop, what all sockets share, and the echo, which must not be on the loop."""

ROOTS = {"actors/runtime": "RuntimeFault", "": "BeakerError"}
"""What every exception of ours derives from, by the place of its file; the runtime knows nothing of beaker and has its own."""


def _module(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts)


def _imported(file: Path) -> Iterator[tuple[int, str]]:
    """Gives every module that the file imports, anywhere in it, with the line."""
    for node in nodes_of(file):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}:{node.lineno} imports relatively"
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def _layer(module: str) -> int | None:
    """The layer of a module of ours; None for everybody else's."""
    return next((layer for place, layer in LAYERS.items() if module == place or module.startswith(place + ".")), None)


def _upward(file: Path) -> list[str]:
    own = _layer(_module(file))
    assert own is not None, f"{file} belongs to no layer"
    wrong = []
    for line, module in _imported(file):
        other = _layer(module)
        if other is not None and other > own:
            wrong.append(f"{file.relative_to(ROOT)}:{line} imports {module}")
        if own == 1 and module.startswith("actors"):  # L0 lies below, and is not the domain's business either
            wrong.append(f"{file.relative_to(ROOT)}:{line} imports {module}")
    return wrong


def test_imports_only_go_down() -> None:
    assert [line for file in own_files(ROOT) for line in _upward(file)] == []


def test_an_upward_import_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    for name, text in {
        "actors/runtime/low.py": "from beaker.wire import parts",
        "beaker/domain.py": "def late():\n    import actors.runtime.ref",
        "actors/kernel/actor.py": "from beaker_kernel import Context",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text(text)
    assert [len(_upward(file)) for file in own_files(ROOT)] == [1, 1, 1]


def _above(file: Path) -> list[str]:
    """Says which rooms a room of the KernelActor knows that come after its own."""
    above = []
    home = file.relative_to(ROOT).parts[2]
    for line, imported in _imported(file):
        place = imported.split(".")
        if place[:2] == ["actors", "kernel"] and len(place) > 2:
            room = place[2]
            if room not in ROOMS or ROOMS.index(room) > ROOMS.index(home):
                above.append(f"{file}:{line} is of {home} and imports {imported}")
    return above


def test_a_room_of_the_kernel_actor_knows_only_those_before_it() -> None:
    rooms = [*ROOT.glob("actors/kernel/*/*.py")]
    assert {file.parent.name for file in rooms} == set(ROOMS)
    assert [line for file in rooms for line in _above(file)] == []


def test_a_room_that_knows_one_behind_it_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    shell = tmp_path / "actors/kernel/channels/shell.py"
    shell.parent.mkdir(parents=True)
    shell.write_text("from actors.kernel.sockets.client import Client\nfrom actors.kernel.life import ending\nimport actors.kernel.rooms\n")
    assert [line.rpartition(" ")[2] for line in _above(shell)] == ["actors.kernel.life.ending", "actors.kernel.rooms"]


def _rootless(files: list[Path]) -> list[str]:
    """The exceptions of ours that derive from no root of theirs, with their places."""
    classes = [
        (str(file.relative_to(ROOT)), node.name, [ast.unparse(base).rpartition(".")[2] for base in node.bases])
        for file in files
        for node in nodes_of(file)
        if isinstance(node, ast.ClassDef)
    ]

    def ancestors(bases: list[str]) -> set[str]:
        return {*bases, *(above for _, name, further in classes if name in bases for above in ancestors(further))}

    def is_raised(name: str) -> bool:
        found = getattr(builtins, name, None)
        return isinstance(found, type) and issubclass(found, BaseException)

    wrong = []
    for place, name, bases in classes:
        root = next(root for folder, root in ROOTS.items() if place.startswith(folder))
        above = ancestors(bases)
        if any(map(is_raised, above)) and root not in {name, *above}:
            wrong.append(f"{place}: {name} derives from no {root}")
    return wrong


def test_every_exception_of_ours_has_the_root_of_its_layer() -> None:
    assert _rootless(own_files(ROOT)) == []


def test_an_exception_without_a_root_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    (tmp_path / "actors/runtime").mkdir(parents=True)
    (tmp_path / "actors/runtime/low.py").write_text("class RuntimeFault(Exception): ...\nclass Gone(BeakerError, OSError): ...")
    (tmp_path / "actors/high.py").write_text("class BeakerError(Exception): ...\nclass Lost(BeakerError): ...\nclass Torn(ValueError): ...")
    assert [line.partition(": ")[2].partition(" ")[0] for line in _rootless(own_files(ROOT))] == ["Torn", "Gone"]


def test_the_domain_has_no_sockets_and_no_tasks() -> None:
    wrong = [
        f"{file.relative_to(ROOT)}:{line} imports {module}"
        for file in ROOT.glob("beaker/**/*.py")
        for line, module in _imported(file)
        if module.partition(".")[0] in EFFECTS
    ]
    assert wrong == []


def test_zeromq_stays_at_the_jupyter_edge_and_is_read_without_its_asyncio_layer() -> None:
    users = {file: [module for _, module in _imported(file) if module.partition(".")[0] == "zmq"] for file in own_files(ROOT)}
    assert {str(file.relative_to(ROOT)) for file, modules in users.items() if modules} == ZEROMQ
    assert [file for file, modules in users.items() if any(module.startswith("zmq.asyncio") for module in modules)] == []


def test_no_child_of_beaker_has_a_name_of_another_distribution() -> None:
    assert {path.stem for path in (ROOT / "beaker").iterdir()} & TAKEN == set()


def test_the_folders_are_namespace_packages() -> None:
    assert not (ROOT / "beaker/__init__.py").exists()
    assert not (ROOT / "actors/__init__.py").exists()
    assert list((ROOT / "tests").rglob("__init__.py")) == []
