"""Which of several names, numbers and languages counts."""

from __future__ import annotations

from typing import Any

import pytest

from reminders.domain.fhir import patient
from reminders.errors import Invalid


def contact(system: str, value: str, **more: Any) -> dict[str, Any]:
    return {"system": system, "value": value, **more}


@pytest.mark.parametrize(
    ("names", "line"),
    [([], None), ([{"text": "Eva Sol"}], "Eva Sol"), ([{"family": "Sol", "given": ["Eva", "M."]}], "Eva M. Sol"),
     ([{"family": "Sol"}], "Sol"), ([{"text": "Whole", "family": "Sol"}], "Whole"),
     ([{"use": "usual", "text": "Evi"}, {"use": "official", "text": "Eva"}], "Eva"),
     ([{"use": "old", "text": "Eva"}], None), ([{"use": "maiden", "text": "Eva"}, {"use": "nickname", "text": "Evi"}], "Evi"),
     ([{"use": "official", "text": "Eva", "period": {"end": "2001"}}, {"text": "Eva Luna"}], "Eva Luna"),
     ([{"text": " a \t b\n c "}], "a b c"), ([{"given": [None, "Eva"]}], "Eva"), ([{"prefix": ["Dr"]}], None)],
)  # fmt: skip
def test_names(names: list[dict[str, Any]], line: str | None) -> None:
    assert patient.name({"name": names} if names else {}) == line


@pytest.mark.parametrize(
    ("telecom", "phones", "email"),
    [([], (), None), ([contact("phone", "1", use="work"), contact("phone", "2", use="mobile")], ("2", "1"), None),
     ([contact("phone", "1", use="mobile", rank=2), contact("phone", "2", use="work", rank=1)], ("2", "1"), None),
     ([contact("phone", "1", use="old")], (), None), ([contact("sms", "3"), contact("fax", "4")], ("3",), None),
     ([contact("phone", "1", period={"end": "2001"}), contact("phone", "2", use="temp")], ("2", "1"), None),
     ([contact("email", " a@b.cd "), {"system": "phone"}, contact("email", "x@y.z")], (), "a@b.cd")],
)  # fmt: skip
def test_numbers_and_addresses(telecom: list[dict[str, Any]], phones: tuple[str, ...], email: str | None) -> None:
    person = patient.read({"telecom": telecom})
    assert (person.phones, person.email) == (phones, email)


def test_another_number_takes_the_place_of_the_one_that_was_read() -> None:
    before = {
        "telecom": [contact("phone", "1", use="work"), contact("phone", "2", use="mobile", rank=1), contact("fax", "3")]
    }
    after = patient.with_phone(before, "9")
    assert after["telecom"] == [
        contact("phone", "1", use="work"),
        contact("phone", "9", use="mobile", rank=1),
        contact("fax", "3"),
    ]
    assert patient.with_phone(before, None)["telecom"] == [contact("fax", "3")]
    assert patient.with_phone({}, None) == {}


def test_languages() -> None:
    spoken = [{"language": {"text": "Klingon"}}, {"language": {"coding": [{"code": "es"}]}},
              {"language": {"coding": [{"code": "ca"}]}, "preferred": True}]  # fmt: skip
    assert patient.language({"communication": spoken}) == "ca"
    assert patient.language({"communication": spoken[:2]}) == "es"
    changed = patient.with_language({"communication": spoken}, "fr")
    assert patient.language(changed) == "fr"
    assert {"language": {"coding": [{"code": "ca"}]}} in changed["communication"]


def test_names_in_parts_for_servers_that_want_them() -> None:
    made = patient.with_name({}, "Ana María Ruiz", parts=True)
    assert made["name"] == [{"use": "official", "text": "Ana María Ruiz", "family": "Ruiz", "given": ["Ana", "María"]}]
    assert patient.with_name({}, "Cher", parts=True)["name"] == [{"use": "official", "text": "Cher", "family": "Cher"}]


@pytest.mark.parametrize(("date", "year"), [("1980", 1980), ("1980-02", 1980), ("1980-02-03", 1980), (None, None)])
def test_years_of_birth(date: str | None, year: int | None) -> None:
    resource = {"birthDate": date} if date else {}
    assert patient.birth_year(resource) == year
    assert patient.with_birth_year(resource, year) == resource
    assert patient.with_birth_year(resource, 1999) == {"birthDate": "1999"}


@pytest.mark.parametrize("part", [{"name": "Eva"}, {"name": [5]}, {"telecom": {}}, {"communication": "es"}, {"birthDate": 5},
                                  {"birthDate": "yesterday"}, {"communication": [{"language": {"coding": "es"}}]}])  # fmt: skip
def test_wrong_shapes_are_refused(part: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as caught:
        patient.read(part)
    assert caught.value.field
    assert caught.value.field.startswith("Patient.")


@pytest.mark.parametrize(("part", "inactive"), [({}, False), ({"active": True}, False), ({"active": False}, True),
                                                ({"deceasedBoolean": False}, False), ({"deceasedBoolean": True}, True),
                                                ({"deceasedDateTime": "2030"}, True)])  # fmt: skip
def test_who_is_not_to_be_written_to(part: dict[str, Any], inactive: bool) -> None:
    assert patient.read(part).inactive is inactive
