"""The env.example of the project: what it shows works."""

import re
from pathlib import Path

from beaker.settings.env_file import parse_env
from beaker.settings.schema import Settings, all_setting_names
from tests.kit.settings import load_all

EXAMPLE = Path(__file__).parents[3] / "env.example"


def test_as_it_is_it_sets_nothing(tmp_path: Path) -> None:
    loaded = load_all({"HOME": str(tmp_path), "BEAKER_ENV_FILE": str(EXAMPLE)}, folder=tmp_path)
    assert (loaded.settings, loaded.problems, loaded.key_origin) == (Settings(), [], "")


def test_with_its_comments_taken_away_every_line_is_known(tmp_path: Path) -> None:
    text = re.sub(r"(?m)^# (?=[A-Z_]+=)", "", EXAMPLE.read_text()).replace("OPENAI_API_KEY=\n", "OPENAI_API_KEY=sk-x\n")
    (tmp_path / "keys").write_text(text)
    loaded = load_all({"HOME": str(tmp_path), "BEAKER_ENV_FILE": str(tmp_path / "keys")}, folder=tmp_path)
    assert loaded.problems == []
    assert loaded.key_origin.endswith("keys: OPENAI_API_KEY")
    set_there = {name for name, value in parse_env(text).values.items() if value}
    of_the_gateway = {name for name in set_there if name.startswith("BEAKER_GATEWAY_")}
    assert {f"gateway.{name.removeprefix('BEAKER_GATEWAY_').lower()}" for name in of_the_gateway} < set(all_setting_names())
    of_kernels = set_there - of_the_gateway - {"OPENAI_API_KEY"}
    assert {origin.name for origin in loaded.origins.values() if origin.kind != "default"} == of_kernels
