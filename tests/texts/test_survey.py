"""`reminders languages`: how complete each language is and what its texts cost."""

from __future__ import annotations

import csv
import json
import shutil
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner

from reminders.cli import main
from reminders.domain.cost import rate_card
from reminders.settings import data_dir
from reminders.texts import Template, Texts
from reminders.texts.survey import STANDARD, Standing, survey
from tests.texts.samples import LANGUAGES, START


@pytest.fixture(scope="module")
def found() -> dict[str, Standing]:
    return {standing.language: standing for standing in survey(Texts(data_dir()), data_dir())}


def test_every_language_is_complete_and_has_a_voice(found: dict[str, Standing]) -> None:
    assert sorted(found) == LANGUAGES
    assert {standing.complete for standing in found.values()} == {100}
    assert all(standing.voice for standing in found.values())


def test_a_text_outside_the_gsm_alphabet_is_longer(found: dict[str, Standing]) -> None:
    assert found["en"].lengths[Template.REMINDER] == 1
    assert found["ru"].lengths[Template.REMINDER] == 2
    assert 1 < found["es"].lengths[Template.REMINDER] < 2  # "sábado" and "miércoles" only
    assert set(found["ja"].lengths) == set(STANDARD)


@pytest.mark.parametrize(
    "spoiled",
    [
        ('msgstr "%(date)s, ore %(time)s"', 'msgstr ""'),
        ('msgstr "%(date)s, ore %(time)s"', 'msgstr "%(date)s, ore %(tempo)s"'),
        ('#, python-format\nmsgid "%(date)s at', '#, fuzzy, python-format\nmsgid "%(date)s at'),
    ],
)
def test_a_message_that_is_missing_broken_or_unchecked_does_not_count(tmp_path: Path, spoiled: tuple[str, str]) -> None:
    shutil.copytree(data_dir() / "locales", tmp_path / "locales")
    path = tmp_path / "locales" / "it" / "LC_MESSAGES" / "messages.po"
    text = path.read_text("utf-8")
    assert spoiled[0] in text
    path.write_text(text.replace(*spoiled), "utf-8")
    italian = next(standing for standing in survey(Texts(data_dir()), tmp_path) if standing.language == "it")
    assert italian.translated == italian.messages - 1
    assert italian.complete < 100


def told(*options: str) -> str:
    result = CliRunner().invoke(main, ["languages", *options])
    assert result.exit_code == 0, result.output
    return result.output


def test_the_table_is_printed_for_people() -> None:
    table = told()
    assert all(name in table for name in ("Arabic", "Chinese (Traditional)", "reminder", "100"))


def test_the_price_is_that_of_the_segments() -> None:
    listed = json.loads(told("--format", "json", "--to", "+34"))
    spanish = {row["language"]: row for row in listed["items"]}["es"]
    piece = rate_card(START.date()).prices["34"][0]
    assert listed["currency"] == "USD"
    assert Decimal(spanish["reminder_price"]) == pytest.approx(
        Decimal(spanish["reminder_segments"]) * piece, rel=Decimal("0.01")
    )


def test_programs_get_rows() -> None:
    rows = list(csv.DictReader(told("--format", "csv").splitlines()))
    assert [row["language"] for row in rows if row["complete"] != "100"] == []
    assert len(rows) == len(LANGUAGES)
