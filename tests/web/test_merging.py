"""Two cards of one person: one card, and two again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from reminders.domain.crm import PATIENT, VISIT
from tests.crm_house import Practice, practice
from tests.house import booking

TEN, ELEVEN = "2030-05-07T10:00:00+02:00", "2030-05-07T11:00:00+02:00"


@pytest.fixture
def here(sqlite_database_url: str) -> Iterator[Practice]:
    with practice(sqlite_database_url, connected=False) as here:
        yield here


def double(here: Practice, **values: Any) -> str:
    """Another card of the same person."""
    return str(here.house.post("patients", {"name": "Ruiz, Ana", "phone": "600 000 012", **values})["id"])


def book_for(here: Practice, patient: str, start: str = TEN) -> Any:
    return here.house.post("appointments", booking({**here.ids, "patient": patient}, start))


def merge(here: Practice, kept: str, gone: str) -> Any:
    return here.house.post(f"patients/{kept}/merge", {"patient_id": gone})


def test_the_kept_card_gets_visits_and_what_it_lacks(here: Practice) -> None:
    kept, gone = here.ids["patient"], double(here, email="ana@example.org", birth_year=1980)
    visit = book_for(here, gone)
    done = merge(here, kept, gone)
    assert (done["kept_id"], done["merged_id"], done["filled"]) == (kept, gone, ["birth_year", "email"])
    assert done["moved"]["appointment"] == 1
    assert here.visit(visit["id"])["patient_id"] == kept
    card = here.card(kept)
    assert (card["phone"], card["email"], card["birth_year"]) == ("+34600000010", "ana@example.org", 1980)
    assert here.card(gone)["merged"] is True
    assert [one["id"] for one in here.house.get("patients")["items"]] == [kept]


def test_a_card_given_up_is_not_used_any_more(here: Practice) -> None:
    kept, gone = here.ids["patient"], double(here)
    merge(here, kept, gone)
    answer = here.house.api("POST", "appointments", booking({**here.ids, "patient": gone}, TEN))
    assert (answer.status, answer.code, answer.json()["patient_id"]) == (409, "patient_merged", kept)
    assert here.house.api("PATCH", f"patients/{gone}", {"name": "X"}).code == "patient_merged"
    assert here.house.api("POST", f"patients/{kept}/merge", {"patient_id": gone}).code == "patient_merged"
    assert here.house.api("POST", f"patients/{kept}/merge", {"patient_id": kept}).status == 422
    assert here.house.api("POST", f"patients/{kept}/merge", {"patient_id": "pat_none"}).status == 404


def test_an_opt_out_of_either_card_counts(here: Practice) -> None:
    kept, gone = here.ids["patient"], double(here)
    visit = here.book(ELEVEN)
    here.house.sms("+34600000012", "STOP", "SM" + "4" * 32)
    merge(here, kept, gone)
    assert here.card(kept)["opted_out"] == ["sms"]
    assert {row["state"] for row in here.house.reminders(visit)} == {"suppressed"}


def test_it_can_be_undone(here: Practice) -> None:
    kept, gone = here.ids["patient"], double(here, email="ana@example.org")
    theirs = book_for(here, gone)
    done = merge(here, kept, gone)
    added = here.book(ELEVEN)
    for _ in range(2):
        undone = here.house.post(f"patient-merges/{done['id']}/undo")
        assert undone["undone_at"] is not None
    assert here.visit(theirs["id"])["patient_id"] == gone
    assert here.visit(added["id"])["patient_id"] == kept
    assert (here.card(kept)["email"], here.card(gone)["email"]) == (None, "ana@example.org")
    assert here.card(gone)["merged"] is False
    assert [one["id"] for one in here.house.get(f"patients/{kept}/merges")["items"]] == [done["id"]]
    assert here.house.api("POST", "patient-merges/mrg_none/undo", {}).status == 404


def test_links_to_other_systems_go_along_and_come_back(here: Practice) -> None:
    kept, gone = here.ids["patient"], double(here)
    visit = book_for(here, gone)
    here.connect()
    here.settle()
    first, second = here.linked(kept), here.linked(gone)
    done = merge(here, kept, gone)
    here.settle()
    assert here.linked(kept) == first
    assert here.there(VISIT, visit["id"])["patient"] == first
    here.edit_there(PATIENT, second, email="new@example.org")
    here.settle()
    assert (here.card(kept)["email"], len(here.house.get("patients")["items"])) == (None, 1)  # a copy is left alone
    here.house.post(f"patient-merges/{done['id']}/undo")
    here.settle()
    assert here.there(VISIT, visit["id"])["patient"] == second
    assert here.linked(kept) == first


def test_what_is_linked_only_on_one_card_stays_linked(here: Practice) -> None:
    here.connect()
    there = here.patient_there("Ruiz, Ana", phone="+34600000012")
    here.settle()
    (gone,) = [one["id"] for one in here.house.get("patients", q="Ruiz,")["items"]]
    here.shelf.remove(PATIENT, here.linked(here.ids["patient"]))
    merge(here, gone, here.ids["patient"])
    here.settle()
    assert here.linked(gone) == there
