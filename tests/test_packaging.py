"""The wheel is complete: templates, catalogues, mappings and what the pages load from npm are inside, and the command
works from it. It is built without Node.js on the machine."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

TOP = Path(__file__).parents[1]
#: What a build reads.
SOURCES = ("pyproject.toml", "hatch_build.py", "package.json", "package-lock.json", ".npmrc", "README.md", "LICENSE",
           "docs/measures.md", "docs/assessment.md", "docs/zh_Hans", "assessments", "locales", "mappings", "templates", "reminders")  # fmt: skip


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
    for folder in ("locales", "templates", "mappings", "assessments", "docs/zh_Hans"):
        for path in (TOP / folder).rglob("*.*"):
            if "__pycache__" not in path.parts:
                assert f"reminders/_data/{path.relative_to(TOP)}" in names
    for path in (TOP / "reminders").rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            assert str(path.relative_to(TOP)) in names
    assert {"reminders/_data/docs/measures.md", "reminders/_data/docs/assessment.md"} <= names
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


@pytest.fixture(scope="module")
def hook() -> ModuleType:
    """The build hook, which is no part of the package."""
    found = importlib.util.spec_from_file_location("hatch_build", TOP / "hatch_build.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def test_a_fresh_copy_is_built_without_node_on_the_machine(hook: ModuleType, tmp_path: Path) -> None:
    """Nothing that an earlier build left behind, and no program of Node.js on the path."""
    left = shutil.ignore_patterns("__pycache__", "built", "node_modules")
    for name in SOURCES:
        source, goal = TOP / name, tmp_path / "copy" / name
        goal.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, goal, ignore=left)
        else:
            shutil.copyfile(source, goal)
    bare = {name: value for name, value in _environment().items() if name != "PATH"} | {
        "PATH": str(_without_node(tmp_path))
    }
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", ".", "--no-deps", "--no-build-isolation", "--quiet", "--wheel-dir", tmp_path],
        cwd=tmp_path / "copy", env=bare, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as archive:
        for name, source in hook.FILES.items():
            assert archive.read(f"{hook.BUILT}/{name}") == (tmp_path / "copy" / "node_modules" / source).read_bytes()
    assert not (tmp_path / "copy" / "node_modules" / "axe-core").exists(), "a wheel needs no tools of the tests"


def _environment() -> dict[str, str]:
    done = subprocess.run(["env", "-0"], capture_output=True, text=True, check=True, timeout=30)
    return dict(line.split("=", 1) for line in done.stdout.split("\0") if line)


def _without_node(folder: Path) -> Path:
    """A folder for the path that has what npm calls, but neither npm nor node."""
    programs = folder / "bin"
    programs.mkdir()
    for name in ("sh", "env"):
        (programs / name).symlink_to(f"/bin/{name}" if Path(f"/bin/{name}").exists() else f"/usr/bin/{name}")
    return programs


def test_what_is_there_already_is_not_fetched_again(hook: ModuleType, tmp_path: Path) -> None:
    """Without a network a second build finds what the first one fetched; another version is not mistaken for it."""
    for name, version in hook.locked(TOP, tools=True).items():
        folder = tmp_path / name
        folder.mkdir(parents=True)
        (folder / "package.json").write_text(json.dumps({"version": version}))
    shutil.copyfile(TOP / "package-lock.json", tmp_path / "package-lock.json")
    hook.fetch(tmp_path, tools=True)
    (tmp_path / "node_modules" / "chart.js" / "package.json").write_text('{"version": "0.0.1"}')
    with pytest.raises(RuntimeError, match="npm could not install"):
        hook.fetch(tmp_path, tools=True)  # no package.json: npm refuses


def test_the_lock_of_npm_pins_by_checksum_and_names_no_address(hook: ModuleType) -> None:
    lock = (TOP / "package-lock.json").read_text("utf-8")
    entries = {name: entry for name, entry in json.loads(lock)["packages"].items() if name}
    assert "://" not in lock
    assert entries
    for name, entry in entries.items():
        assert entry["integrity"].startswith("sha512-"), name
        assert "resolved" not in entry, name
    assert "omit-lockfile-registry-resolved=true" in (TOP / ".npmrc").read_text("utf-8")
    tracked = subprocess.run(["git", "ls-files"], cwd=TOP, capture_output=True, text=True, check=False).stdout
    assert not [line for line in tracked.splitlines() if line.startswith(("node_modules/", hook.BUILT))]
