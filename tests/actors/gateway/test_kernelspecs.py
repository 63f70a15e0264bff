"""`/api/kernelspecs`, and the files that belong to a kernelspec."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.actors.gateway.desk import WITH_TOKEN, make_order, make_service, serving

GOOD = {
    "argv": ["run", "{connection_file}"],
    "display_name": "Good",
    "language": "good",
    "metadata": {"debugger": True},
    "kernel_protocol_version": "5.5",
}
LOGO = b"\x89PNG logo"


@pytest.fixture
def kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of kernelspecs that goes before all others."""
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    folder = tmp_path / "kernels"
    (tmp_path / "secret").write_text("secret")
    for name, document in {
        "good": json.dumps(GOOD),
        "goodish": json.dumps(GOOD),
        "no-json": "{",
        "no-argv": "{}",
        "empty-argv": '{"argv": []}',
        "strange": '{"argv": [1]}',
    }.items():
        (folder / name).mkdir(parents=True)
        (folder / name / "kernel.json").write_text(document)
    (folder / "good/logo-64x64.png").write_bytes(LOGO)
    (folder / "good/link").symlink_to(tmp_path / "secret")
    (folder / "goodish/secret").write_text("secret")
    return folder


async def _get(path: str, **settings: Any) -> tuple[int, Any]:
    async with serving(make_service(make_order(**settings))) as client:
        answer = await client.get(path, headers=WITH_TOKEN)
        return answer.status, await answer.json()


async def test_those_that_can_be_used_are_listed_with_their_logos(kernels: Path) -> None:
    status, said = await _get("/lab/api/kernelspecs", base_url="/lab/")
    assert status == 200
    assert said["kernelspecs"]["good"] == {
        "name": "good",
        "spec": {**GOOD, "env": {}, "interrupt_mode": "signal"},
        "resources": {"logo-64x64": "/lab/kernelspecs/good/logo-64x64.png"},
    }
    assert said["kernelspecs"].keys().isdisjoint({"no-json", "no-argv", "empty-argv", "strange"})
    assert said["default"] in said["kernelspecs"]


async def test_beaker_is_the_default_where_it_is_installed(kernels: Path) -> None:
    (kernels / "beaker").mkdir()
    (kernels / "beaker/kernel.json").write_text(json.dumps(GOOD))
    _, said = await _get("/api/kernelspecs")
    assert said["default"] == "beaker"


async def test_one_is_shown_by_its_name(kernels: Path) -> None:
    status, said = await _get("/api/kernelspecs/Good")
    assert (status, said["spec"]["display_name"]) == (200, "Good")
    status, said = await _get("/api/kernelspecs/none")
    assert (status, "good" in said["message"]) == (404, True)


async def test_a_logo_is_shown_as_what_it_is(kernels: Path) -> None:
    async with serving(make_service()) as client:
        answer = await client.get("/kernelspecs/good/logo-64x64.png", headers=WITH_TOKEN)
        assert (answer.status, answer.content_type, await answer.read()) == (200, "image/png", LOGO)
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_what_lies_packed_beside_a_logo_is_not_sent_in_its_place(kernels: Path) -> None:
    (kernels / "good/logo-64x64.png.gz").write_bytes(b"another file")
    async with serving(make_service()) as client:
        answer = await client.get(
            "/kernelspecs/good/logo-64x64.png", headers={"Accept-Encoding": "gzip", **WITH_TOKEN}, auto_decompress=False
        )
        assert (await answer.read(), "Content-Encoding" in answer.headers) == (LOGO, False)


@pytest.mark.parametrize(
    "path",
    [
        "good/none",
        "good/link",
        "good/..%2f..%2f..%2fsecret",
        "good/%2e%2e/goodish/secret",
        "good/..%2fgoodish%2fsecret",
        "good//etc/passwd",
        "good/%2fetc%2fpasswd",
        "good/kernel.json%00",
        "good/.",
        "..%2f..%2f/secret",
        "none/kernel.json",
        "%2e%2e/x",
    ],
)
async def test_nothing_that_lies_elsewhere_is_shown(kernels: Path, path: str) -> None:
    from yarl import URL

    async with serving(make_service()) as client:
        answer = await client.get(URL(f"/kernelspecs/{path}", encoded=True), headers=WITH_TOKEN)
        assert answer.status == 404
        assert "secret" not in (await answer.json())["reason"]
