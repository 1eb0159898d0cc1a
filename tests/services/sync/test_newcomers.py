"""Many patients taken in with one transaction are judged as they would be one after the other."""

from __future__ import annotations

import json
from typing import Any

from reminders.domain.crm import OPT_OUTS, PATIENT
from tests.crm_house import Practice, practice

#: Families who share a phone, spellings of one address, people who are here already or stopped, and records without a name.
PEOPLE: list[dict[str, Any]] = [
    {"name": "Ruiz Ana", "phone": "600 000 010"},
    {"name": "Eva Sol", "phone": "+34600000031", "email": "Sol@Example.org"},
    {"name": "Leo Sol", "phone": "+34600000031", "email": "sol@example.org", "sms_opt_out": True},
    {"name": "Mia Sol", "phone": "+34600000031"},
    {"name": "Eva Sol", "phone": "+34600000031"},
    {"name": "Luz Mar", "phone": "+34600000077", "email": "luz@example.org"},
    {"name": "Noa Paz", "email": "noa@example.org", "email_opt_out": True},
    {"name": "Noa Paz Gil", "email": "NOA@example.org"},
    {"name": "Pau Rey", "phone": "none", "email": "no address"},
    {"name": "Pau Rey"},
    {"name": "Pau Rey"},
    {"name": "Gil Paz", "phone": "+34600000033", "voice_opt_out": True, "email_opt_out": True},
    {"name": "", "phone": "+34600000032"},
]


def taken_in(here: Practice, *, at_once: bool) -> dict[str, Any]:
    """What is here, and what is shown there, after a first import of everybody, or after one for each."""
    here.house.sms("+34600000077", "STOP", "SM1")
    here.house.settle()
    here.connect()
    here.crm.page(len(PEOPLE) - 1)  # a page in which somebody is refused is taken in one by one
    for fields in PEOPLE:
        here.patient_there(**fields)
        if not at_once:
            assert here.sync()["error"] is None
    for _ in range(4):
        assert here.sync()["error"] is None
        here.house.tick(minutes=2)  # also for what did not work at once
    cards = here.house.get("patients", limit=200)["items"]
    rows = [row.fields for row in here.shelf.rows[PATIENT].values()]
    return {
        "cards": sorted((card["name"], card["phone"] or "", card["email"] or "") for card in cards),
        "there": sorted((row["name"], row["phone"], *(row[name] for name in OPT_OUTS)) for row in rows),
        "conflicts": sorted(
            (one["field"], json.dumps(one["theirs"], sort_keys=True), one["note"]) for one in here.conflicts(limit=200)
        ),
    }


def test_at_once_and_one_by_one_come_to_the_same(sqlite_database_url: str, postgresql_database_url: str) -> None:
    with practice(sqlite_database_url, connected=False) as here:
        single = taken_in(here, at_once=False)
    with practice(postgresql_database_url, connected=False) as here:
        many = taken_in(here, at_once=True)
    assert many == single
    assert len(many["cards"]) == len(PEOPLE) - 1  # Ana was here, and a record without a name is nobody
    stopped = {name for name, _, sms, *_ in many["there"] if sms}
    assert stopped == {"Eva Sol", "Leo Sol", "Mia Sol", "Luz Mar"}
