"""What is shipped beside the code: the image, the larger installation, the lock files, the licence. Read, not run."""

from __future__ import annotations

import re
import shlex
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from reminders import cli, settings

ROOT = Path(__file__).resolve().parents[1]
SECRET = re.compile(r"PASSWORD|SECRET|TOKEN|ACCOUNT_SID")


@dataclass
class Stage:
    """One FROM of a Dockerfile: where it starts, its name, and its instructions in order."""

    base: str
    name: str
    steps: list[tuple[str, str]] = field(default_factory=list)

    def all(self, instruction: str) -> list[str]:
        return [rest for word, rest in self.steps if word == instruction]


def stages() -> list[Stage]:
    """The Dockerfile, parsed: comments dropped, continued lines joined."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text("utf-8"), flags=re.MULTILINE)
    found: list[Stage] = []
    for line in re.sub(r"\\\n", " ", text).splitlines():
        word, _, rest = line.strip().partition(" ")
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            found.append(Stage(base, name))
        elif word:
            found[-1].steps.append((word, rest.strip()))
    return found


def sources(stage: Stage) -> list[str]:
    """What a stage copies from the checkout."""
    copies = [shlex.split(rest) for rest in stage.all("COPY") if not rest.startswith("--from")]
    return [source for words in copies for source in words[:-1]]


def test_the_image_is_built_in_stages_from_slim_bases():
    build, final = stages()
    assert build.name == "build"
    assert {build.base, final.base} == {"python:3.13-slim"}
    assert final.all("COPY") == ["--from=build /opt/reminders /opt/reminders"]


def test_the_image_runs_without_root():
    _, final = stages()
    assert final.all("USER") == ["reminders"]
    assert "--uid 10001" in final.all("RUN")[0]
    assert final.steps.index(("USER", "reminders")) > max(n for n, (word, _) in enumerate(final.steps) if word == "RUN")


def test_the_image_checks_its_health_without_more_tools():
    check = stages()[-1].all("HEALTHCHECK")[0]
    assert "127.0.0.1:8000/healthz" in check
    assert '"python", "-c"' in check
    code = re.search(r'"-c", "(.*)"\]', check)
    assert code is not None
    compile(code[1], "HEALTHCHECK", "exec")


def test_the_image_installs_only_what_is_pinned_with_hashes():
    installs = [line for run in stages()[0].all("RUN") for line in run.split("&&") if "pip install" in line]
    assert len(installs) == 3
    for line in installs:
        assert re.search(r"--require-hashes -r requirements-(build|runtime)\.lock|--no-deps --no-index", line), line


def test_the_image_holds_no_secrets_and_fetches_no_addresses():
    for stage in stages():
        assert not stage.all("ADD")
        assert not [line for word in ("ENV", "ARG") for line in stage.all(word) if SECRET.search(line)]
        assert not [line for line in stage.all("RUN") if re.search(r"https?:|curl|wget", line)]


def test_everything_copied_exists_and_is_let_through():
    patterns = [line for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line[:1] not in {"", "#"}]
    assert patterns[0] == "*"
    copied = sources(stages()[0])
    assert {
        "reminders",
        "locales",
        "templates",
        "mappings",
        "assessments",
        "pyproject.toml",
        "LICENSE",
        "README.md",
    } <= set(copied)
    for source in copied:
        assert (ROOT / source).exists(), source
        assert f"!{source}" in patterns, source
    allowed = [pattern[1:] for pattern in patterns if pattern.startswith("!")]
    assert sorted(allowed) == sorted(copied), "let through what is copied and nothing else"


def test_the_wheel_finds_what_it_packs():
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert set(wheel["force-include"]) <= set(sources(stages()[0]))


def test_the_image_starts_a_command_of_the_product():
    final = stages()[-1]
    assert final.all("ENTRYPOINT") == ['["reminders"]']
    assert_is_command(yaml.safe_load(final.all("CMD")[0]))


def assert_is_command(words: list[str]) -> None:
    command = cli.main.get_command(click.Context(cli.main), words[0])
    assert command is not None
    command.make_context(words[0], list(words[1:]), resilient_parsing=False).close()
    assert isinstance(command, click.Command)


# compose.yaml


@pytest.fixture(scope="module")
def compose() -> Any:
    return yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))


def test_compose_runs_one_web_and_two_workers(compose):
    roles = {name: service["command"][0] for name, service in compose["services"].items() if "command" in service}
    assert roles == {"migrate": "migrate", "web": "web", "worker": "worker"}
    replicas = {name: compose["services"][name].get("deploy", {}).get("replicas", 1) for name in roles}
    assert replicas == {"migrate": 1, "web": 1, "worker": 2}
    for name in roles:
        assert_is_command(compose["services"][name]["command"])


def test_compose_waits_for_the_database_and_its_schema(compose):
    services = compose["services"]
    assert services["migrate"]["depends_on"] == {"database": {"condition": "service_healthy"}}
    for name in ("web", "worker"):
        assert services[name]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}
    assert services["migrate"]["restart"] == "no"


def test_compose_keeps_the_database_healthy_and_on_a_volume(compose):
    database = compose["services"]["database"]
    assert database["image"] == "postgres:17"
    assert database["healthcheck"]["test"][:2] == ["CMD", "pg_isready"]
    assert "--host=127.0.0.1" in database["healthcheck"]["test"], "the server of the first start listens on no port"
    volume, _, folder = database["volumes"][0].partition(":")
    assert (volume in compose["volumes"], folder) == (True, "/var/lib/postgresql/data")
    assert "ports" not in database


def test_compose_builds_one_image_and_grants_nothing(compose):
    known = {"build", "command", "depends_on", "deploy", "environment", "healthcheck", "image", "ports", "restart",
             "stop_grace_period", "volumes"}  # fmt: skip
    for name, service in compose["services"].items():
        assert set(service) <= known, name
        if name != "database":
            assert (service["build"], service["image"]) == (".", "reminders")
    assert compose["services"]["web"]["ports"] == ["127.0.0.1:8000:8000"]
    assert "healthcheck" not in compose["services"]["web"], "the image brings its own"


def test_compose_has_no_secret_of_its_own(compose):
    values = [item for service in compose["services"].values() for item in service["environment"].items()]
    secrets = [(name, value) for name, value in values if SECRET.search(name)]
    assert len({name for name, _ in secrets}) >= 4
    for name, value in secrets:
        assert re.fullmatch(r"\$\{[A-Z_]+:\?[^}]+\}", value), name


def test_compose_sets_variables_that_exist(compose):
    known = {name for name, _, _ in settings.table()} | {"PGPASSWORD"}
    for name in ("migrate", "web", "worker"):
        environment = compose["services"][name]["environment"]
        assert set(environment) <= known
        assert environment == compose["services"]["web"]["environment"]
        assert {"REMINDERS_SECRET_KEY", "REMINDERS_PUBLIC_URL", "TWILIO_ACCOUNT_SID"} <= set(environment)


def test_defaults_of_compose_are_those_of_the_settings(compose):
    defaults = {name: default for name, default, _ in settings.table()}
    for name, value in compose["services"]["web"]["environment"].items():
        if found := re.fullmatch(r"\$\{([A-Z_]+):-(.*)\}", value):
            assert found.groups() == (name, defaults[name])


# Lock files and licence


def locked(name: str) -> dict[str, set[tuple[str, frozenset[str]]]]:
    """Per package its pinned lines, with versions, conditions and hashes."""
    blocks = re.split(r"\n(?=[a-z0-9])", (ROOT / name).read_text("utf-8").strip())
    found: dict[str, set[tuple[str, frozenset[str]]]] = {}
    for block in blocks:
        line = block.splitlines()[0].rstrip(" \\")
        hashes = frozenset(re.findall(r"--hash=(sha256:[0-9a-f]{64})", block))
        found.setdefault(canonicalize_name(Requirement(line).name), set()).add((line, hashes))
    return found


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-runtime.lock", "requirements-build.lock"])
def test_lock_files_pin_with_hashes_and_name_no_place(name):
    for lines in locked(name).values():
        for line, hashes in lines:
            assert "==" in line
            assert hashes, line
    assert not re.search(r"https?:|--index-url|--find-links", (ROOT / name).read_text("utf-8"))


@pytest.mark.parametrize("name", ["requirements-runtime.lock", "requirements-build.lock"])
def test_the_image_has_the_versions_that_were_tested(name):
    tested = locked("requirements.lock")
    for package, lines in locked(name).items():
        assert lines == tested[package], f"{package}: run `make lock`"


def test_the_image_has_what_the_product_declares_and_no_tools():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    runtime = locked("requirements-runtime.lock")
    assert {canonicalize_name(Requirement(line).name) for line in project["dependencies"]} <= set(runtime)
    tools = {canonicalize_name(Requirement(line).name) for line in project["optional-dependencies"]["dev"]}
    assert not tools & set(runtime)


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-runtime.lock", "requirements-build.lock"])
@pytest.mark.parametrize("package", ["caldav", "niquests", "urllib3-future"])
def test_nothing_replaces_urllib3(name, package):
    assert package not in locked(name), "see docs/decisions/0006-no-caldav-at-run-time.md"


def test_the_licence_is_the_one_declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    text = (ROOT / "LICENSE").read_text("utf-8")
    assert (project["license"], project["license-files"]) == ("Apache-2.0", ["LICENSE"])
    assert "Apache License\n                           Version 2.0, January 2004" in text
    assert "Copyright 2026 the reminders authors" in text
    assert len(text.splitlines()) > 190
    assert "[yyyy]" not in text
