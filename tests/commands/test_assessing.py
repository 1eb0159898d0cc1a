"""`reminders assess`: its files, its presets and its three forms."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from reminders import cli
from tests.domain.sourcing.scenarios import FOLDER


@pytest.fixture
def run(sqlite_database_url: str, monkeypatch: pytest.MonkeyPatch):
    """The command with a database that is up to date; the text it printed and its exit status."""
    monkeypatch.setenv("REMINDERS_DATABASE_URL", sqlite_database_url)

    def run(*arguments: str) -> tuple[str, int]:
        done = CliRunner().invoke(cli.main, ["assess", *arguments])
        return done.output, done.exit_code

    return run


def test_a_preset_is_printed_as_tables_with_its_recommendation(run) -> None:
    text, status = run("twenty-seats")
    assert status == 0
    for part in ("254,000", "104,000", "1,288,000", "5,800,000", "4,470,000", "Choose Outsourced."):
        assert part in text


def test_every_form_says_the_same(run) -> None:
    found = json.loads(run("twenty-seats", "--format", "json")[0])
    assert found["options"][0]["first_month"] == "254000.00"
    text = run("twenty-seats", "--format", "markdown")[0]
    assert "| In-house | 254,000 | 1,288,000 | 3,544,000 | 5,800,000 |" in text
    assert all(reason["sentence"] in text for reason in found["recommendation"]["reasons"])


def test_contact_cost_has_its_own_table(run) -> None:
    text, _ = run("contact-cost")
    for part in ("126,251", "6,965,444", "167,600", "87,990", "486,000", "0.1046"):
        assert part in text


def test_the_clinic_shows_everything(run) -> None:
    text, status = run("clinic")
    assert status == 0
    for part in ("automation", "seats", "Against Front desk", "cheaper than", "per booking"):
        assert part in text
    document = run("clinic", "--format", "markdown")[0]
    for heading in (
        "Recommendation",
        "Cost per unit",
        "Staffing",
        "Quality",
        "Weighed",
        "What matters most",
        "Figures",
    ):
        assert f"## {heading}" in document


def test_a_file_works_as_well_as_a_name_and_keeps_amounts_exact(run, tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('name = "Mine"\ncurrency = "EUR"\nmonths = 1\n[[options]]\nname = "A"\nkind = "hosted"\n'
                    "lines = [{ name = \"x\", amount = 0.1 }, { name = \"y\", amount = 0.2 }]\n")  # fmt: skip
    assert json.loads(run(str(path), "--format", "json")[0])["options"][0]["total"] == "0.30"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name = ", "is not TOML"),
        ('name = "x"', "currency: Field required"),
        ('name = "x"\ncurrency = "EUR"\nmonths = inf', "months"),
        ('name = "x"\ncurrency = "EUR"\n[[options]]\nname = "A"\nkind = "odd"', "options.0.kind"),
        ('name = "x"\ncurrency = "EUR"', "Give at least one option"),
    ],
)
def test_a_file_that_is_wrong_is_refused_in_one_sentence(run, tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    output, status = run(str(path))
    assert status == 1
    assert output.startswith("Error: ")
    assert said in output


def test_a_name_that_is_neither_file_nor_preset_lists_the_presets(run) -> None:
    output, status = run("nothing")
    assert status == 1
    assert all(path.stem in output for path in FOLDER.glob("*-*.toml"))


def test_without_a_database_nothing_is_measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REMINDERS_DATABASE_URL", f"sqlite:///{tmp_path / 'none.db'}")
    path = tmp_path / "open.toml"
    path.write_text('name = "x"\ncurrency = "EUR"\n[[options]]\nname = "A"\nkind = "hosted"\n')
    assert CliRunner().invoke(cli.main, ["assess", str(path)]).exit_code == 0
