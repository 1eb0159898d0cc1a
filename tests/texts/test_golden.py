"""Every text in every language for three awkward visits is the one that was read and approved."""

from __future__ import annotations

from typing import get_args

import pytest

from reminders.texts import MAILED, Spoken, Template, Texts
from tests.texts.golden import PAGES, VISITS, page
from tests.texts.samples import LANGUAGES


def sections(text: str) -> dict[str, str]:
    """The texts of a page by visit and name."""
    visits = [part.partition("\n") for part in text.split("##### ")[1:]]
    texts = [(visit, text.partition("\n")) for visit, _, rest in visits for text in rest.split("=== ")[1:]]
    return {f"{visit}: {name}": body.strip() for visit, (name, _, body) in texts}


@pytest.mark.parametrize("language", LANGUAGES)
def test_texts_are_those_that_were_read(texts: Texts, language: str) -> None:
    approved = sections((PAGES / f"{language}.txt").read_text("utf-8"))
    now = sections(page(texts, language))
    changed = {name: (approved.get(name), body) for name, body in now.items() if approved.get(name) != body}
    assert not changed, "read them; if they are right: python -m tests.texts.golden"
    assert len(now) == len(VISITS) * (len(Template) + len(MAILED) + len(get_args(Spoken)))


def test_no_page_is_left_over() -> None:
    assert sorted(path.stem for path in PAGES.glob("*.txt")) == LANGUAGES


def test_the_visits_are_awkward() -> None:
    midnight, repeated, new_year = (start for _, _, start, _ in VISITS.values())
    assert (midnight.hour, midnight.minute) == (0, 0)
    assert repeated.utcoffset() != repeated.replace(fold=0).utcoffset()
    assert (new_year.month, new_year.day, new_year.hour) == (12, 31, 23)
