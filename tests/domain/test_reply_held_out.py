"""Answers that no word list was written for: dozens of sentences in each language, kept apart from the lists.

They were written down before the lists were last extended and are not to be used for extending them: a sentence that is
read wrong here is a reason to think of others like it. ``desk`` stands for what must change nothing.
"""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

from reminders.domain.reply import Intent
from tests.domain.test_reply import LEXICONS, NOTHING_CHANGES, intent

ROWS = list(csv.DictReader((Path(__file__).parent / "replies_held_out.csv").read_text("utf-8").splitlines()))
MEANT = {"confirm": Intent.CONFIRM, "deny": Intent.CANCEL, "reschedule": Intent.RESCHEDULE}


def read_right(row: dict[str, str]) -> bool:
    got = intent(row["text"], row["lang"])
    return got in NOTHING_CHANGES if row["intent"] == "desk" else got == MEANT[row["intent"]]


def test_every_language_has_enough_of_them() -> None:
    counts = Counter(row["lang"] for row in ROWS if row["intent"] in ("confirm", "deny"))
    assert set(counts) == set(LEXICONS)
    assert min(counts.values()) >= 15


def test_ninety_seven_in_a_hundred_yes_and_no_are_read_right() -> None:
    asked = [row for row in ROWS if row["intent"] in ("confirm", "deny")]
    right = sum(map(read_right, asked))
    assert right / len(asked) >= 0.97


def test_none_is_taken_for_its_opposite_and_doubts_change_nothing() -> None:
    for row in ROWS:
        got = intent(row["text"], row["lang"])
        assert got in NOTHING_CHANGES or got == MEANT.get(row["intent"]), row
