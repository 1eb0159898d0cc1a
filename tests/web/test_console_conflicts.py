"""The conflict list of patient systems at the desk: whom it is about, what both sides say, who of several it is."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from reminders.domain.crm import VISIT
from tests.browser.pages import Browser, faults, sign_in
from tests.crm_house import Practice, practice

TEN, HALF_PAST_TEN = "2030-05-07T08:00:00+00:00", "2030-05-07T08:30:00+00:00"
ELEVEN, HALF_PAST_ELEVEN = "2030-05-07T09:00:00+00:00", "2030-05-07T09:30:00+00:00"
PAGE = "/console/calendars/conflicts"


@pytest.fixture(scope="module")
def here(migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Practice]:
    """A clinic for the whole module; each test has people of its own."""
    path = shutil.copy(migrated_sqlite, tmp_path_factory.mktemp("conflicts") / "reminders.db")
    with practice(f"sqlite:///{path}", served=True) as here:
        here.settle()
        yield here


@pytest.fixture
def desk(here: Practice) -> Iterator[Browser]:
    with closing(Browser(here.house.url)) as browser:
        sign_in(browser, here.house.key("desk"))
        yield browser


def twins(here: Practice, name: str, phone: str) -> list[str]:
    """Two cards of ours for what may be one person."""
    card = {"name": name, "phone": phone}
    return [here.house.post("patients", card | {"birth_year": year})["id"] for year in (1950, 1980)]


def article(page: Any, about: str) -> Any:
    (found,) = (one for one in page.root.all("article") if about in one.one("h2").text)
    return found


def test_which_of_ours_somebody_is(here: Practice, desk: Browser) -> None:
    older, younger = twins(here, "Ines Lago", "600000077")
    remote = here.patient_there("Ines Lago", phone="+34600000077")
    here.settle()
    page = desk.open(PAGE)
    assert faults(page) == []
    found = article(page, "Ines Lago")
    assert "Several of ours could be meant." in found.text
    assert "Phone: +34600000077" in found.text
    said = [one.text for one in found.all("button")]
    assert [one.partition(":")[0] for one in said] == [
        f"It is Ines Lago (+34600000077, 1950, …{older[-6:]})", f"It is Ines Lago (+34600000077, 1980, …{younger[-6:]})",
        "None of these", "Leave it alone",
    ]  # fmt: skip
    assert not any(mark in found.text for mark in "{[")  # nothing as a program writes it
    desk.submit(said[1].partition(":")[0], found)
    here.settle()
    assert here.linked(younger) == remote
    assert here.conflicts(attention=True) == []


@pytest.mark.parametrize(("button", "cards"), [("None of these: take it in", 3), ("Leave it alone", 2)])
def test_somebody_who_is_none_of_ours(here: Practice, desk: Browser, button: str, cards: int) -> None:
    name = f"Pau Rey {cards}"
    twins(here, name, f"60000008{cards}")
    here.patient_there(name, phone=f"+3460000008{cards}")
    here.settle()
    found = article(desk.open(PAGE), name)
    assert name not in desk.submit(button, found).text
    here.settle()
    assert len(here.house.get("patients", q=name)["items"]) == cards
    assert not article(desk.open(f"{PAGE}?all=1"), name).all("form")


def test_a_move_that_was_refused_names_the_visit_and_the_rule(here: Practice, desk: Browser) -> None:
    taken, moved = here.book(ELEVEN), here.book(TEN)
    here.settle()
    here.edit_there(VISIT, here.id_there(VISIT, moved["id"]), start=ELEVEN, end=HALF_PAST_ELEVEN)
    here.settle()
    found = article(desk.open(PAGE), "Check-up, Tue 7 May 2030, 10:00")
    assert found.one("h2").one("a").attrs["href"] == f"/console/visits/{moved['id']}"
    assert "Changed there, and refused by our rules: the time is taken." in found.text
    here.house.post(f"appointments/{taken['id']}/cancel")
    page = desk.submit("Theirs holds", found)
    assert page.notices == ["Decided. The other side follows with the next pass."]
    assert here.visit(moved["id"])["start"] == "2030-05-07T11:00:00+02:00"
    here.settle()
    assert "Ours was last changed by" in article(desk.open(f"{PAGE}?all=1"), "11:00").text
    here.house.post(f"appointments/{moved['id']}/cancel")
    here.settle()
