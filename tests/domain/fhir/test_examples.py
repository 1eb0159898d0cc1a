"""HL7's own examples (``../shared/data/fhir``): read without loss of what we hold, and written back unharmed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from reminders.domain.fhir import appointment, patient
from reminders.domain.fhir.shapes import check
from reminders.errors import Invalid
from tests.shared_data import needs_shared, shared

pytestmark = needs_shared


def resources(kind: str) -> list[Any]:
    """Every example of this kind, also those inside bundles."""
    found = []
    for path in sorted(shared("fhir").glob("*.json")) if shared("fhir").is_dir() else []:
        whole = json.loads(path.read_text("utf-8"))
        parts = (
            [entry["resource"] for entry in whole.get("entry", [])] if whole["resourceType"] == "Bundle" else [whole]
        )
        found += [
            pytest.param(one, id=f"{Path(path).stem}-{one['id']}") for one in parts if one["resourceType"] == kind
        ]
    return found


@pytest.mark.parametrize("resource", resources("Patient"))
def test_a_patient_written_back_is_the_same(resource: Mapping[str, Any]) -> None:
    check(resource, "Patient")
    person = patient.read(resource)
    same = patient.with_birth_year(resource, person.birth_year)
    same = patient.with_language(patient.with_email(same, person.email), person.language)
    same = patient.with_phone(same, person.phones[0] if person.phones else None)
    assert (patient.with_name(same, person.name) if person.name else same) == resource


@pytest.mark.parametrize("resource", resources("Patient"))
def test_a_change_of_a_patient_touches_nothing_else(resource: Mapping[str, Any]) -> None:
    changed = patient.with_phone(patient.with_name(resource, "Eva Sol"), "+34600000011")
    changed = patient.with_email(patient.with_language(changed, "ca"), "eva@example.org")
    changed = patient.with_birth_year(changed, 1901)
    person = patient.read(changed)
    assert (person.name, person.phones[0], person.email, person.language, person.birth_year) == (
        "Eva Sol", "+34600000011", "eva@example.org", "ca", 1901,
    )  # fmt: skip
    ours = {"name", "telecom", "communication", "birthDate"}
    assert {name: one for name, one in changed.items() if name not in ours} == {
        name: one for name, one in resource.items() if name not in ours
    }
    assert len(changed["telecom"]) <= len(resource.get("telecom", [])) + 2
    emptied = patient.with_email(patient.with_phone(patient.with_language(changed, None), None), None)
    found = patient.read(emptied)
    assert (found.phones, found.email, found.language) == ((), None, None)


@pytest.mark.parametrize("resource", resources("Appointment"))
def test_an_appointment_is_read_and_changed_in_place(resource: Mapping[str, Any]) -> None:
    check(resource, "Appointment")
    meeting = appointment.read(resource)
    assert meeting.status == resource["status"]
    assert meeting.actors["Patient"] == "example"
    assert (meeting.start is None) == ("start" not in resource)
    changed = appointment.with_answer(appointment.with_status(resource, "cancelled", "moved"), "declined")
    again = appointment.read(changed)
    assert (again.status, again.reason, again.answer) == ("cancelled", "moved", "declined")
    ours = {"status", "cancelationReason", "participant"}
    assert {name: one for name, one in changed.items() if name not in ours} == {
        name: one for name, one in resource.items() if name not in ours
    }
    assert len(changed["participant"]) == len(resource["participant"])


@pytest.mark.parametrize("kind", ["Slot", "Schedule", "AppointmentResponse"])
def test_what_is_something_else_is_refused(kind: str) -> None:
    for one in resources(kind):
        with pytest.raises(Invalid):
            check(one.values[0], "Appointment")
