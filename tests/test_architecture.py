"""The rules of the house, checked on the source itself: formatting, types, layers, and what may happen where."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
import urllib3

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "reminders"
TOOLS = Path(sys.executable).parent
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "versions" not in path.parts)
NAMES = [path.relative_to(ROOT).as_posix() for path in MODULES]
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
LONGEST_MODULE, LONGEST_FUNCTION = 300, 40


@cache
def tree_of(name: str) -> ast.Module:
    return ast.parse((ROOT / name).read_text("utf-8"))


def trees() -> dict[str, ast.Module]:
    return {name: tree_of(name) for name in NAMES}


def run(*command: str) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, f"{done.stdout[-4000:]}\n{done.stderr[-2000:]}"


def test_layers() -> None:
    run(str(TOOLS / "lint-imports"), "--no-cache")


def test_lint() -> None:
    run(sys.executable, "-m", "ruff", "check", "--no-cache", ".")


def test_formatting() -> None:
    run(sys.executable, "-m", "ruff", "format", "--check", "--no-cache", ".")


def test_types() -> None:
    run(sys.executable, "-m", "mypy")


def offences(wrong: Callable[[ast.AST], bool], *allowed: str) -> list[str]:
    """Where something happens that may happen only in ``allowed`` (modules, or folders ending in a slash)."""
    return [
        f"{name}:{getattr(node, 'lineno', 0)}"
        for name, tree in trees().items()
        if not any(name == place or (place.endswith("/") and name.startswith(place)) for place in allowed)
        for node in ast.walk(tree)
        if wrong(node)
    ]


def dotted(node: ast.AST) -> str:
    """``a.b.c`` of a name or attribute."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []


def imports(*names: str) -> Callable[[ast.AST], bool]:
    return lambda node: any(
        found == name or found.startswith(f"{name}.") for found in imported(node) for name in names
    )  # fmt: skip


def test_only_the_engine_begins_and_commits() -> None:
    verbs = {"begin", "begin_nested", "commit", "rollback"}
    assert (
        offences(lambda node: isinstance(node, ast.Attribute) and node.attr in verbs, "reminders/store/engine.py") == []
    )


def test_only_the_clock_reads_the_time() -> None:
    calls = {
        "datetime.now",
        "datetime.utcnow",
        "datetime.today",
        "date.today",
        "datetime.datetime.now",
        "datetime.date.today",
    }
    clock = "reminders/clock.py"
    assert offences(lambda node: isinstance(node, ast.Attribute) and dotted(node) in calls, clock) == []
    assert offences(imports("time"), clock) == []


def test_only_the_settings_read_the_environment() -> None:
    def reads(node: ast.AST) -> bool:
        return isinstance(node, ast.Attribute) and dotted(node) in {
            "os.environ",
            "os.getenv",
            "os.environb",
            "os.putenv",
        }

    assert offences(reads, "reminders/settings.py") == []


def test_only_gateways_touch_the_network() -> None:
    """The sandbox plays the provider's part, so its way to call us back is handed to it by the composition
    root; the demonstration plays the desk, which speaks to its own house over HTTP."""
    clients = imports("requests", "urllib3", "urllib.request", "http.client", "httpx", "aiohttp", "smtplib", "niquests")
    assert offences(clients, "reminders/gateways/", "reminders/wiring/", "reminders/demo/") == []
    assert offences(imports("twilio.rest", "twilio.http"), "reminders/gateways/") == []


def test_no_import_inside_a_function() -> None:
    found = [
        f"{name}:{node.lineno}"
        for name, tree in trees().items()
        for function in ast.walk(tree)
        if isinstance(function, FUNCTION)
        for node in ast.walk(function)
        if isinstance(node, ast.Import | ast.ImportFrom)
    ]
    assert found == []


def test_everything_is_caught_only_at_the_edges() -> None:
    def everything(kind: ast.AST | None) -> bool:
        if isinstance(kind, ast.Tuple):
            return any(everything(one) for one in kind.elts)
        return kind is None or dotted(kind) in {"Exception", "BaseException"}

    def catches(node: ast.AST) -> bool:
        if isinstance(node, ast.ExceptHandler):
            return everything(node.type)
        return isinstance(node, ast.Call) and dotted(node.func).endswith("suppress") and any(map(everything, node.args))

    threads = ("reminders/services/crew.py", "reminders/services/sending.py")  # where nobody else would hear of it
    cleaning_up = ("reminders/gateways/smtp.py", "reminders/services/sending.py")  # raised again at once
    assert (
        offences(
            catches, "reminders/cli.py", "reminders/worker.py", "reminders/web/problems.py", *threads, *cleaning_up
        )
        == []
    )


def test_only_the_web_knows_http_statuses() -> None:
    """Below the web, errors have a kind and a code. The sandbox and the gateway speak HTTP with a provider."""

    def speaks(node: ast.AST) -> bool:
        return isinstance(node, ast.Attribute) and node.attr == "status_code"

    speakers = ("reminders/web/", "reminders/sandbox/", "reminders/gateways/", "reminders/demo/", "reminders/wiring/")
    assert offences(speaks, *speakers) == []


@pytest.mark.parametrize("name", NAMES)
def test_pieces_are_small(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    assert len(text.splitlines()) <= LONGEST_MODULE
    for node in ast.walk(tree_of(name)):
        if isinstance(node, FUNCTION):
            lines = (node.end_lineno or 0) - node.lineno + 1
            assert lines <= LONGEST_FUNCTION, f"{node.name}: {lines} lines"


def test_most_functions_are_very_small() -> None:
    lengths = sorted(
        (node.end_lineno or 0) - node.lineno + 1
        for tree in trees().values()
        for node in ast.walk(tree)
        if isinstance(node, FUNCTION)
    )
    assert lengths[len(lengths) // 2] <= 10
    assert lengths[len(lengths) * 9 // 10] <= 33


@pytest.mark.parametrize("name", NAMES)
def test_every_module_says_what_it_is(name: str) -> None:
    tree = tree_of(name)
    assert not tree.body or ast.get_docstring(tree)


def test_nothing_happens_at_import() -> None:
    """Module bodies define; they do not call anything that works: no files, engines, threads or applications."""
    workers = {
        "open",
        "create_engine",
        "Thread",
        "read_text",
        "connect",
        "create_app",
        "APIFlask",
        "Flask",
        "build",
        "start",
        "load",
    }

    def works(node: ast.AST) -> bool:
        return isinstance(node, ast.Call) and dotted(node.func).split(".")[-1] in workers

    def module_level(tree: ast.Module) -> Iterator[ast.AST]:
        for statement in tree.body:
            if not isinstance(statement, (*FUNCTION, ast.ClassDef)):
                yield from ast.walk(statement)

    found = [
        f"{name}:{getattr(node, 'lineno', 0)}"
        for name, tree in trees().items()
        for node in module_level(tree)
        if works(node)
    ]
    assert [place for place in found if "migrations" not in place] == []


def test_the_http_library_is_the_real_one() -> None:
    """A look-alike of urllib3 halves the speed of the messages' client; it comes with some CalDAV libraries."""
    installed = {
        (found.metadata["Name"] or "").lower().replace("_", "-") for found in importlib.metadata.distributions()
    }
    assert not installed & {"urllib3-future", "niquests", "caldav", "qh3"}
    owners = importlib.metadata.packages_distributions()["urllib3"]
    assert set(owners) == {"urllib3"}
    assert importlib.metadata.version("urllib3") == urllib3.__version__


def tracked() -> list[Path]:
    """Files under version control, or all that are no build products when there is no repository."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    names = [name for name in listed.stdout.split("\0") if name] if listed.returncode == 0 else []
    built = {
        ".venv",
        ".git",
        "build",
        "dist",
        ".mypy_cache",
        ".ruff_cache",
        ".pytest_cache",
        ".hypothesis",
        "__pycache__",
    }
    paths = [ROOT / name for name in names] or [path for path in ROOT.rglob("*") if not built & set(path.parts)]
    return [path for path in paths if path.is_file() and path.suffix not in {".png", ".ico", ".gz"}]


#: Written in pieces, or this file would offend itself.
_MACHINE = re.compile(
    "|".join(
        ["/" + "work/", "/" + "root/", r"/home/(?!app\b)\w+/", "/" + r"Users/\w+", "/tmp/" + "t/", r"[A-Z]:\\\\Users"]
    )
)
_REGISTRY = re.compile(
    "|".join(
        [
            "py" + r"pi\.org",
            "python" + r"hosted\.org",
            "npm" + r"js\.",
            "arti" + "factory",
            r"\bnexus\.",
            "index" + r"-url[= ]\S+",
        ]
    ),
    re.I,
)


def test_no_file_names_this_machine_or_a_registry() -> None:
    found = []
    for path in tracked():
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if _MACHINE.search(line) or (_REGISTRY.search(line) and "no-emit-index-url" not in line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}")
    assert found == []


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-build.lock", "requirements-runtime.lock"])
def test_the_lock_pins_everything_by_hash_and_names_no_address(name: str) -> None:
    entries = (ROOT / name).read_text("utf-8").replace("\\\n", " ").splitlines()
    lines = [line for line in entries if line.strip() and not line.lstrip().startswith("#")]
    assert lines
    for line in lines:
        assert re.match(r"[A-Za-z0-9._-]+(\[[\w,-]+\])?==\S+ ", line), line[:80]
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", line), line[:80]
        assert "://" not in line
        assert not line.startswith("-")


def test_the_runtime_is_part_of_the_whole() -> None:
    """What runs in production is what was tested."""

    def pins(name: str) -> dict[str, str]:
        found = re.findall(r"^([A-Za-z0-9._-]+)(?:\[[\w,-]+\])?==([^\s;]+)", (ROOT / name).read_text("utf-8"), re.M)
        return dict(found)

    whole, runtime = pins("requirements.lock"), pins("requirements-runtime.lock")
    assert {name: version for name, version in runtime.items() if whole.get(name) != version} == {}
    assert not {"caldav", "niquests", "urllib3-future"} & whole.keys()
