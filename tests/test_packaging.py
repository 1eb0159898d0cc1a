"""The wheel is complete: templates, catalogues and mappings are inside, and the command works from it."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

TOP = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", ".", "--no-deps", "--no-build-isolation", "--quiet", "--wheel-dir", folder],
        cwd=TOP, check=True, timeout=120,
    )  # fmt: skip
    return next(folder.glob("*.whl"))


def test_everything_that_is_read_at_run_time_is_inside(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for folder in ("locales", "templates", "mappings"):
        for path in (TOP / folder).rglob("*.*"):
            if "__pycache__" not in path.parts:
                assert f"reminders/_data/{path.relative_to(TOP)}" in names
    for path in (TOP / "reminders").rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            assert str(path.relative_to(TOP)) in names
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/"))]


def test_the_command_works_from_the_unpacked_wheel(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    program = (
        "import sys; sys.path.insert(0, sys.argv.pop(1)); from reminders import cli, settings; "
        "assert settings.data_dir().name == '_data', settings.data_dir(); cli.main()"
    )
    environment = {"REMINDERS_DATABASE_URL": f"sqlite:///{tmp_path}/wheel.db", "PATH": "/usr/bin:/bin"}
    for arguments in (["migrate"], ["key", "create", "--role", "desk"], ["check-config"]):
        done = subprocess.run(
            [sys.executable, "-c", program, str(tmp_path / "site"), *arguments],
            cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        if arguments[0] == "key":
            assert done.stdout.splitlines()[-1].startswith("rk_")
