"""`reminders train`: what it prints, what it refuses, which model is used."""

from __future__ import annotations

from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks import risk
from reminders import cli
from reminders.store.engine import Database
from tests.measuring import Clinic
from tests.services.test_training import fill
from tests.shared_data import needs_shared


@pytest.fixture
def run(sqlite_database_url: str, monkeypatch: pytest.MonkeyPatch):
    """A command with a database that is up to date; what it printed, without progress or log lines, and its exit status."""
    monkeypatch.setenv("REMINDERS_DATABASE_URL", sqlite_database_url)
    monkeypatch.setenv("COLUMNS", "160")

    def run(*arguments: str) -> tuple[str, int]:
        done = CliRunner().invoke(cli.main, list(arguments))
        return done.stdout if done.exit_code == 0 else done.output, done.exit_code

    return run


def test_training_without_history_says_what_is_missing(run) -> None:
    text, status = run("train")
    assert (status, "Training needs at least 1,000 visits" in text) == (1, True)


def test_a_model_is_trained_listed_used_and_put_aside(
    run, sqlite_database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(Database(sqlite_database_url, pool_size=1)) as database:
        fill(database, Clinic(database), first=date(2020, 3, 1))
    text, status = run("train")
    assert status == 0
    for part in ("lead time alone", "rule", "AUC", "Calibration", "Fairness", "language tr", "Version 1 is now in use"):
        assert part in text
    assert "Nothing was stored" in run("train", "--dry-run")[0]
    assert "yes" in run("train", "--list")[0]
    assert run("train", "--use", "0") == ("The rule is now in use.\n", 0)
    assert "No trained model is in use" in run("train", "--list")[0]
    assert run("train", "--use", "7")[1] == 1
    text, status = run("report", "risk", "--from", "2020-03-01", "--to", "2020-06-01", "--format", "csv")
    assert (status, text.splitlines()[1].split(",")[:3]) == (0, ["all", "all", "3000"])
    monkeypatch.setenv("COLUMNS", "80")
    text, _ = run("report", "risk", "--from", "2020-03-01", "--to", "2020-06-01")
    assert "age 18-29" in text
    assert "…" not in text
    assert "the rule (no trained model is in use): AUC 0." in " ".join(text.split())
    run("train", "--use", "1")
    assert "so the figures flatter it" in run("report", "risk", "--from", "2020-03-01")[0]
    text, status = run("report", "risk")
    assert (status, "nothing to judge model 1 by" in text, "lead time alone 0." in text) == (0, True, True)


@needs_shared
def test_no_shows_of_the_public_set_are_predicted_better_than_by_lead_time_alone(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Learnt from the first weeks, tested on the last; the whole set has the same columns."""
    assert risk.main([]) == 0
    text = capsys.readouterr().out
    assert "2016-04-29 to before 2016-05-30" in text
    assert "lead time alone 0.69" in text
