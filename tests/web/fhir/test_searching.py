"""Searches of the FHIR face: parameters, prefixes, pages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

from reminders.domain.fhir.shapes import id_of
from tests.house import Local, book
from tests.web.fhir.test_face import MRN, call, code, found, person


@pytest.fixture(scope="module")
def clinic_day(both: Local) -> Local:
    """Three patients and three visits, each written an hour after the one before."""
    for number, (name, phone) in enumerate((("Eva Sol", "600 000 021"), ("Iñaki Ruiz Sol", "600 000 022"))):
        both.clock.advance(timedelta(hours=1))
        telecom = [{"system": "phone", "value": phone}, {"system": "email", "value": f"P{number}@example.org"}]
        call(both, "POST", "Patient", person(f"m{number}", name=[{"text": name}], telecom=telecom))
    for hour in (9, 10, 11):
        both.ids[f"visit{hour}"] = book(both, both.ids, f"2030-05-07T{hour:02}:00:00+02:00")["id"]
        both.clock.advance(timedelta(hours=1))
    both.post(f"appointments/{both.ids['visit11']}/confirm")
    both.post(f"appointments/{both.ids['visit9']}/cancel")
    return both


@pytest.mark.parametrize(
    ("query", "names"),
    [("name=sol", {"Eva Sol", "Iñaki Ruiz Sol"}), ("name=ru", {"Ana Ruiz", "Iñaki Ruiz Sol"}), ("name=uiz", set()),
     ("name:contains=uiz", {"Ana Ruiz", "Iñaki Ruiz Sol"}), ("name:exact=eva sol", {"Eva Sol"}),
     ("name:exact=eva", set()), ("family=ruiz&given=ana", {"Ana Ruiz"}), ("name=eva,ana", {"Eva Sol", "Ana Ruiz"}),
     ("name=IÑAKI", {"Iñaki Ruiz Sol"}), ("name=100%25", set()), ("name=_", set()),
     (f"identifier={MRN}|m0", {"Eva Sol"}), ("identifier=m1", {"Iñaki Ruiz Sol"}), ("identifier=|m1", set()),
     (f"identifier={MRN}|", {"Eva Sol", "Iñaki Ruiz Sol"}), ("identifier=urn:x|m0", set()),
     (f"identifier={MRN}|m0,{MRN}|m1", {"Eva Sol", "Iñaki Ruiz Sol"}),
     ("phone=600000022", {"Iñaki Ruiz Sol"}), ("phone=%2B34600000021", {"Eva Sol"}), ("phone=no", set()),
     ("telecom=phone|600000022", {"Iñaki Ruiz Sol"}), ("telecom=p1@example.org,600000021", {"Eva Sol", "Iñaki Ruiz Sol"}),
     ("email=p0@EXAMPLE.org", {"Eva Sol"}), ("_id=nobody", set()), ("_id=%2F", set()),
     ("_lastUpdated=ge2030-05-06T07:00:00Z", {"Eva Sol", "Iñaki Ruiz Sol"}),
     ("_lastUpdated=gt2030-05-06T07:00:00Z", {"Iñaki Ruiz Sol"}), ("_lastUpdated=lt2030-05-06T07:00:00Z", {"Ana Ruiz"}),
     ("_lastUpdated=le2030-05-06T07:00:00Z", {"Ana Ruiz", "Eva Sol"}), ("_lastUpdated=2030-05-06T07:00:00Z", {"Eva Sol"}),
     ("_lastUpdated=2030-05-06", {"Ana Ruiz", "Eva Sol", "Iñaki Ruiz Sol"}), ("_lastUpdated=2030-05-05", set()),
     ("_lastUpdated=ge2030-05-06T07:00:00Z&_lastUpdated=lt2030-05-06T08:00:00Z", {"Eva Sol"})],
)  # fmt: skip
def test_patients(clinic_day: Local, query: str, names: set[str]) -> None:
    answer = call(clinic_day, "GET", f"Patient?{quote(query, safe='=&|,:%@+')}")
    assert {one["name"][0]["text"] for one in found(answer)} == names
    assert answer.json()["total"] == len(names)
    form = call(clinic_day, "POST", "Patient/_search", Content_Type="application/x-www-form-urlencoded")
    assert len(found(form)) == 3


@pytest.mark.parametrize(
    ("query", "hours"),
    [("date=2030-05-07", {9, 10, 11}), ("date=2030-05-08", set()), ("date=ge2030-05-07T10:00:00%2B02:00", {10, 11}),
     ("date=gt2030-05-07T10:00:00%2B02:00", {11}), ("date=lt2030-05-07T10:00:00%2B02:00", {9}),
     ("date=le2030-05-07T10:00:00%2B02:00", {9, 10}), ("date=eq2030-05-07T08:00Z", {10}),
     ("date=sa2030-05-06", {9, 10, 11}), ("date=eb2030-05-07", set()), ("date=2030", {9, 10, 11}), ("date=2030-05", {9, 10, 11}),
     ("date=ge2030-05-07&date=lt2030-05-07T10:00:00%2B02:00", {9}), ("status=booked", {10, 11}),
     ("status=cancelled,noshow", {9}), ("status=arrived", set()), ("patient={patient}", {9, 10, 11}),
     ("patient=Patient/{patient}&status=booked", {10, 11}), ("patient=Patient/nobody", set()),
     ("actor=Practitioner/{provider}", {9, 10, 11}), ("actor=Patient/{patient},Location/x", {9, 10, 11}),
     ("actor:Location={location}", {9, 10, 11}), ("actor:Patient={location}", set()), ("practitioner={provider}", {9, 10, 11}),
     ("location=Location/{location}", {9, 10, 11}), ("location=Location/x", set()),
     ("service-type=urn:reminders:service|{service}", {9, 10, 11}), ("service-type=other|{service}", set()),
     ("_id={visit10},{visit9}", {9, 10}), ("identifier=none", set()),
     ("_lastUpdated=ge2030-05-06T11:00:00Z", {9, 11})],
)  # fmt: skip
def test_visits(clinic_day: Local, query: str, hours: set[int]) -> None:
    ids = {name: id_of(value) for name, value in clinic_day.ids.items()}
    answer = call(clinic_day, "GET", f"Appointment?{query.format(**ids).replace('|', '%7C')}")
    assert {int(one["start"][11:13]) for one in found(answer)} == hours


@pytest.mark.parametrize("sort", ["_lastUpdated", "-_lastUpdated", "date", "-date", "_id", ""])
def test_pages_of_visits_hold_each_once_and_in_order(clinic_day: Local, sort: str) -> None:
    key = (lambda one: one["meta"]["lastUpdated"]) if "Updated" in sort else (lambda one: one["start"])
    seen, address, pages = [], f"Appointment?_count=1&status=booked,cancelled&_sort={sort}", 0
    while address:
        page = call(clinic_day, "GET", address)
        seen += found(page)
        links = {one["relation"]: one["url"] for one in page.json()["link"]}
        assert ("total" in page.json()) is False
        address, pages = links.get("next", "").partition("/fhir/")[2], pages + 1
    assert pages == 3
    assert len({one["id"] for one in seen}) == 3
    assert [key(one) for one in seen] == sorted(map(key, seen), reverse=sort.startswith("-"))


def test_pages_of_patients_by_name_and_by_time(clinic_day: Local) -> None:
    for sort in ("name", "-name", "_lastUpdated", "-_lastUpdated"):
        seen, address = [], f"Patient?_count=2&_sort={sort}"
        while address:
            page = call(clinic_day, "GET", address)
            seen += found(page)
            links = {one["relation"]: one["url"] for one in page.json()["link"]}
            address = links.get("next", "").partition("/fhir/")[2]
        keys = [one["name"][0]["text"] if "name" in sort else one["meta"]["lastUpdated"] for one in seen]
        assert keys == sorted(keys, reverse=sort.startswith("-"))
        assert len({one["id"] for one in seen}) == 3


def test_totals_on_request(clinic_day: Local) -> None:
    for query in ("_summary=count", "_count=0", "_count=1&_total=accurate"):
        assert call(clinic_day, "GET", f"Appointment?{query}&status=booked").json()["total"] == 2
        assert call(clinic_day, "GET", f"Patient?{query}").json()["total"] == 3
    assert "entry" not in call(clinic_day, "GET", "Appointment?_summary=count").json()


def test_what_visits_refer_to_comes_along(clinic_day: Local) -> None:
    def included(query: str) -> list[Any]:
        entries = call(clinic_day, "GET", f"Appointment?status=booked&{query}").json()["entry"]
        return [one["resource"]["resourceType"] for one in entries if one["search"]["mode"] == "include"]

    assert included("_include=Appointment:patient") == ["Patient"]
    assert sorted(included("_include=Appointment:actor")) == ["Location", "Patient", "Practitioner"]
    assert call(clinic_day, "GET", "Appointment?_include=Appointment:slot").status == 400


@pytest.mark.parametrize(
    "query",
    ["favourite=x", "_sort=colour", "_count=many", "_count=-1", "date=soon", "date=2030-13-01", "date=ne2030-05-07",
     "date=2030-05-07,2030-05-08", "status=gone", "_after=x", "_after=bnVsbA", "date=0001-01-01", "patient=a%00b",
     "_lastUpdated=2030-02-30", "status:not=booked", "identifier:missing=true", "patient:Group=x", "_sort=date&_after=WzEsMl0", "identifier=%ED%A0%80%00"],
)  # fmt: skip
def test_what_is_not_understood_is_refused(clinic_day: Local, query: str) -> None:
    answer = call(clinic_day, "GET", f"Appointment?{query}")
    assert (answer.status, code(answer)) == (400, "invalid")


def test_a_filter_is_left_out_only_when_that_is_asked_for(clinic_day: Local) -> None:
    assert call(clinic_day, "GET", "Patient?favourite=x").status == 400
    assert len(found(call(clinic_day, "GET", "Patient?favourite=x", Prefer="handling=lenient"))) == 3


def test_no_more_is_sent_than_was_asked_for(clinic_day: Local) -> None:
    answer = call(clinic_day, "POST", "Patient", person("m9", name=[{"text": "Zoe Zas"}]), Prefer="return=minimal")
    assert (answer.status, answer.text) == (201, "")
    assert answer.headers["Location"].partition("/fhir/")[2].startswith("Patient/pat-")
