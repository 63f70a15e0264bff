"""Every message and every field of it says what it is: nobody has to read its writer to use it."""

import ast
from pathlib import Path

from tests.beaker.messages.vocabulary import FOLDER, structs


def silent(file: Path) -> list[str]:
    """The classes and fields of a module that have no docstring."""
    found: list[str] = []
    for node in ast.parse(file.read_bytes()).body:
        if isinstance(node, ast.ClassDef):
            if ast.get_docstring(node) is None:
                found.append(node.name)
            for statement, following in zip(node.body, [*node.body[1:], None], strict=True):
                is_field = isinstance(statement, ast.AnnAssign) and "ClassVar" not in ast.unparse(statement.annotation)
                if isinstance(statement, ast.AnnAssign) and is_field and not _is_docstring(following):
                    found.append(f"{node.name}.{ast.unparse(statement.target)}")
    return found


def _is_docstring(statement: ast.stmt | None) -> bool:
    value = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value.strip() != ""


def test_every_message_and_every_field_has_a_docstring() -> None:
    assert [name for file in sorted(FOLDER.glob("*.py")) for name in silent(file)] == []


def test_a_field_without_a_docstring_is_noticed(tmp_path: Path) -> None:
    file = tmp_path / "vocabulary.py"
    file.write_text('class Said:\n    """Words."""\n    lane: ClassVar[str] = "control"\n    words: str\n    at: float\n    """When."""\n')
    assert silent(file) == ["Said.words"]


def test_every_message_is_frozen_named_by_keywords_and_strict() -> None:
    configs = {struct.__name__: struct.__struct_config__ for struct in structs()}
    assert [name for name, config in configs.items() if not config.frozen or config.array_like or config.omit_defaults] == []
    assert [name for name, config in configs.items() if config.tag is not None and not config.forbid_unknown_fields] == []
