"""The documents tell the truth: their links, commands, settings, picture and first booking are held to the product."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import click
import pytest

from reminders import cli, settings
from reminders.clock import SystemClock
from reminders.commands.configuring import configuration_table
from reminders.texts import Texts, language_name
from tests.house import running

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "reminders"
DOCUMENTS = sorted({*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/*.md")})
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))


def read(*parts: str) -> str:
    return ROOT.joinpath(*parts).read_text("utf-8")


def prose(path: Path) -> str:
    """A document without its blocks of code."""
    return re.sub(r"^```.*?^```", "", path.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


every_document = pytest.mark.parametrize("document", DOCUMENTS, ids=named)


# Links and names


@every_document
def test_links_lead_somewhere(document):
    missing = [target for target in links(document) if not resolves(document, target)]
    assert not missing


def links(document: Path) -> list[str]:
    found = re.findall(r"\]\(([^)\s]+)\)", prose(document))
    return [target for target in found if not re.match(r"https?:|mailto:", target)]


def resolves(document: Path, target: str) -> bool:
    path, _, anchor = target.partition("#")
    goal = (document.parent / path).resolve() if path else document
    return goal.exists() and ROOT in {goal, *goal.parents} and (not anchor or anchor in anchors(goal))


def anchors(document: Path) -> set[str]:
    """The anchors that GitHub makes of headings."""
    headings = re.findall(r"^#+ (.+)$", prose(document), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@every_document
def test_no_address_of_a_machine(document):
    text = document.read_text("utf-8")
    assert not re.findall(r"(?:/home/|/ro[o]t/|/Users/|/tmp/|/wo[r]k/|[A-Z]:\\)\S*", text)


@pytest.mark.parametrize("document", [ROOT / "CONTRIBUTING.md", ROOT / "docs/architecture.md", *DECISIONS], ids=named)
def test_files_that_are_named_exist(document):
    named_files = re.findall(r"`([\w/.-]+(?:\.(?:py|toml|md|lock|yaml)|/))`", prose(document))
    bases = (ROOT, PACKAGE, PACKAGE / "texts", PACKAGE / "store")
    wrong = [name for name in named_files if not any((base / name).exists() for base in bases)]
    assert not [name for name in wrong if not name.startswith("reminders/_data")]


def test_the_layers_are_drawn_as_they_are_enforced():
    drawing = read("docs", "architecture.md").split("```")[1]
    drawn = [set(re.findall(r"(\w+)(?:\.py|/)", line)) for line in drawing.splitlines() if re.match(r"  \w", line)]
    contracts = tomllib.loads(read("pyproject.toml"))["tool"]["importlinter"]["contracts"]
    layers = [re.findall(r"reminders\.(\w+)", line) for line in contracts[0]["layers"]]
    assert drawn == [set(names) for names in layers]


def test_every_decision_is_listed_and_has_its_three_parts():
    listed = re.findall(r"\(decisions/([\w-]+\.md)\)", read("docs", "architecture.md"))
    assert sorted(set(listed)) == [path.name for path in DECISIONS]
    assert [int(path.name[:4]) for path in DECISIONS] == list(range(1, len(DECISIONS) + 1))
    for path in DECISIONS:
        text = path.read_text("utf-8")
        assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"], path.name
        assert text.startswith(f"# {int(path.name[:4])}. ")
        assert len(text.splitlines()) <= 60, "one page"


# Commands and settings


def test_the_configuration_table_is_the_one_the_settings_make():
    assert configuration_table() in read("README.md")


@pytest.mark.parametrize("variable", [row[0] for row in settings.table()])
def test_every_variable_is_documented(variable):
    assert f"`{variable}`" in read("README.md")


def commands(command: click.Command, path: str) -> Iterator[str]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from commands(inner, f"{path} {name}")
    else:
        yield path


def test_every_command_is_documented_and_no_other():
    table = re.findall(r"^\| `(reminders [a-z -]+)` \|", read("README.md"), re.MULTILINE)
    assert sorted(table) == sorted(commands(cli.main, "reminders"))


def test_commands_and_options_that_are_shown_exist():
    code = re.findall(r"^```.*?^```|`[^`\n]+`", read("README.md"), re.MULTILINE | re.DOTALL)
    shown = re.findall(r"(?:^|[/`(])reminders ([a-z][a-z -]*[a-z])", "\n".join(code), re.MULTILINE)
    known = {path.removeprefix("reminders ") for path in commands(cli.main, "reminders")}
    assert shown
    assert not [words for words in shown if not any(f"{words} ".startswith(f"{path} ") for path in known)]


@every_document
def test_make_targets_that_are_named_exist(document):
    targets = set(re.findall(r"^([a-z]+):", read("Makefile"), re.MULTILINE))
    assert set(re.findall(r"(?:`|^)make ([a-z]+)", document.read_text("utf-8"), re.MULTILINE)) <= targets


def test_the_two_commands_of_the_readme_are_the_ones_the_checks_run():
    assert {"make demo", "make test"} <= set(read("README.md").splitlines())
    script = [line for line in read(".ci", "run").splitlines() if line and not line.startswith("#")]
    browser = "command -v chromium > /dev/null || { apt-get -qq update && apt-get -qq -y install chromium; } > /dev/null 2>&1 || true"
    assert script == ["set -euo pipefail", 'cd "$(dirname "${BASH_SOURCE[0]}")/.."', browser, "make test"]
    assert read(".ci", "run").startswith("#!/usr/bin/env bash\n")
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111


def test_languages_of_the_readme_are_those_with_a_catalogue():
    row = next(line for line in read("README.md").splitlines() if line.startswith("| Languages |"))
    written = row.split("|")[2].split(";")[0].replace(" and ", ", ")
    offered = {language_name(language) for language in Texts(settings.data_dir()).languages()}
    assert {name.strip() for name in written.split(",")} == offered


# The picture and the first booking


def test_the_picture_shows_what_the_templates_say():
    drawing = runpy.run_path(str(ROOT / "docs" / "images" / "exchange.py"))
    shown = drawing["phones"](Texts(settings.data_dir()))
    svg = read("docs", "images", "exchange.svg")
    assert svg == drawing["picture"](shown), "draw it again: .venv/bin/python docs/images/exchange.py"
    texts = ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
    drawn = [" ".join(line.text or "" for line in text) for text in texts if len(text)]
    assert drawn == [" ".join(bubble.text.split()) for phone in shown for bubble in phone.bubbles]


def test_the_first_booking_works_as_it_stands(sqlite_database_url, tmp_path):
    blocks = re.findall(r"^```sh first-booking\n(.*?)^```", read("README.md"), re.MULTILINE | re.DOTALL)
    assert len(blocks) == 5
    with running(sqlite_database_url, SystemClock().now()) as house:
        said = shell("".join(blocks), sqlite_database_url, house.url, tmp_path)
        house.settle()
        visits = house.get("appointments")["items"]
        assert [visit["status"] for visit in visits] == ["booked"]
        assert said[0].count('"start"') == 3
        assert [line.split(" will go out on ")[0] for line in said[1:3]] == [
            '"sentence":"The reminder SMS 1 day before', '"sentence":"The reminder SMS 2 hours before',
        ]  # fmt: skip
        assert house.texts("+12025550123") == ["Harbour Clinic: Please bring your list of medicines."]
        assert "12025550123" in read("README.md")


def shell(script: str, database_url: str, url: str, folder: Path) -> list[str]:
    """Run commands of the README against a live service; the lines they print."""
    places = {
        "sqlite:///first-steps.db": database_url, "http://127.0.0.1:8000": url,
        ".venv/bin/reminders": f"{sys.executable} -c 'from reminders.cli import main; main()'",
        ".venv/bin/python": sys.executable,
    }  # fmt: skip
    assert all(written in script for written in places)
    script = re.sub("|".join(map(re.escape, places)), lambda found: places[found[0]], script)
    stand_in = folder / "curl"
    stand_in.write_text(f"#!{sys.executable}\n{STAND_IN}")
    stand_in.chmod(0o755)
    setting = f'command -v curl > /dev/null || PATH="$PATH:{folder}"\nset -euo pipefail\n'
    done = subprocess.run(
        ["bash", "-c", setting + script], capture_output=True, text=True, check=False, timeout=120, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


#: The few options of curl that the README uses, for machines without it.
STAND_IN = """
import argparse, sys
import requests
options = argparse.ArgumentParser()
options.add_argument("url")
options.add_argument("-sSw", required=True)
options.add_argument("-G", action="store_true")
options.add_argument("-H", action="append", default=[])
options.add_argument("-d", "--data-urlencode", dest="d", action="append", default=[])
given = options.parse_intermixed_args()
headers = dict(line.split(": ", 1) for line in given.H)
if given.G:
    answer = requests.get(given.url, params=[pair.split("=", 1) for pair in given.d], headers=headers, timeout=30)
elif given.d:
    answer = requests.post(given.url, data="&".join(given.d).encode(), headers=headers, timeout=30)
else:
    answer = requests.get(given.url, headers=headers, timeout=30)
print(answer.text)
"""


def test_headings_do_not_skip_a_level():
    for document in DOCUMENTS:
        levels = [len(marks) for marks in re.findall(r"^(#+) ", prose(document), re.MULTILINE)]
        assert levels[0] == 1, document
        assert all(second - first <= 1 for first, second in pairwise(levels)), document
