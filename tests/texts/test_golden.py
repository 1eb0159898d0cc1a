"""Every text in every language for three awkward visits is the one that was read and approved."""

from __future__ import annotations

import difflib

import pytest

from reminders.texts import Texts
from tests.texts.golden import PAGES, VISITS, page
from tests.texts.samples import LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_are_those_that_were_read(texts: Texts, language: str) -> None:
    approved, now = (PAGES / f"{language}.txt").read_text("utf-8"), page(texts, language)
    changed = "\n".join(
        difflib.unified_diff(approved.splitlines(), now.splitlines(), "approved", "now", lineterm="", n=1)
    )
    assert not changed, f"{changed}\nRead it; if it is right: python -m tests.texts.golden"


def test_no_page_is_left_over() -> None:
    assert sorted(path.stem for path in PAGES.glob("*.txt")) == LANGUAGES


def test_the_visits_are_awkward() -> None:
    midnight, repeated, new_year = (start for _, _, start, _ in VISITS.values())
    assert (midnight.hour, midnight.minute) == (0, 0)
    assert repeated.utcoffset() != repeated.replace(fold=0).utcoffset()
    assert (new_year.month, new_year.day, new_year.hour) == (12, 31, 23)
