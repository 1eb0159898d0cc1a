"""The demonstration's clinic: what stands in its catalogue, and how it gets there through the use cases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from reminders.demo.people import CHICAGO, MADRID, PEOPLE, STOPPED, Person
from reminders.domain.actor import Actor
from reminders.domain.availability import WEEKDAYS
from reminders.services.catalogue import minutes
from reminders.services.clinic import Span
from reminders.web.context import UseCases

DESK = Actor("demonstration", "console")

VIDAL, REY = "Dra. Elena Vidal", "Dr. Tomás Rey"
PARK, NAIR = "Dr. Susan Park", "Dr. Priya Nair"
NURSES = "Nurse line"

CHECK_UP, SKIN, SURGERY = "Check-up", "Skin check", "Minor surgery"
PHYSICAL, VACCINE = "Annual physical", "Vaccination"
CALL_BACK = "Nurse call-back"

TEXT_FIRST, TEXT_THEN_CALL, SHORTLY_BEFORE = "Text first", "Text, then a call", "Shortly before"


@dataclass(frozen=True, slots=True)
class Offer:
    """A service as the price list has it; minutes, and an amount in the venue's currency."""

    name: str
    venue: str
    providers: tuple[str, ...]
    policy: str
    duration: int
    value: str
    before: int = 0
    after: int = 0
    slot: int = 30
    notice: int = 120


OFFERS: tuple[Offer, ...] = (
    Offer(CHECK_UP, MADRID, (VIDAL,), TEXT_FIRST, 25, "65.00", after=5),
    Offer(SKIN, MADRID, (REY,), TEXT_FIRST, 20, "80.00", after=5),
    Offer(SURGERY, MADRID, (REY,), TEXT_THEN_CALL, 40, "190.00", before=10, after=15, notice=1440),
    Offer(PHYSICAL, CHICAGO, (PARK, NAIR), TEXT_FIRST, 40, "220.00", after=10, slot=60),
    Offer(VACCINE, CHICAGO, (PARK, NAIR), TEXT_THEN_CALL, 10, "45.00", slot=15),
    # Asked for on the phone, at any hour, for the next hour: the one service whose reminder may come at night.
    Offer(CALL_BACK, CHICAGO, (NURSES,), SHORTLY_BEFORE, 5, "30.00", slot=5, notice=5),
)

_LOCATIONS: tuple[dict[str, Any], ...] = (
    {"name": MADRID, "time_zone": "Europe/Madrid", "country": "ES", "language": "es", "currency": "EUR", "phone": None},
    {"name": CHICAGO, "time_zone": "America/Chicago", "country": "US", "language": "en", "currency": "USD",
     "phone": "+1 312 555 0100"},
)  # fmt: skip

_COUNTRY_HOURS, _NO_QUIET = {"mode": "country"}, {"mode": "none"}
_NOTICES = ["moved", "cancelled"]
_POLICIES: tuple[dict[str, Any], ...] = (
    {"name": TEXT_FIRST, "quiet_hours": _COUNTRY_HOURS, "notices": _NOTICES, "steps": [
        {"offset": "-P1D", "channels": ["sms", "voice"]},  # the call follows only when the text cannot be delivered
        {"offset": "-PT2H", "channels": ["sms"], "unless_confirmed": True},
    ]},
    {"name": TEXT_THEN_CALL, "quiet_hours": _COUNTRY_HOURS, "notices": _NOTICES, "steps": [
        {"offset": "-P1D", "channels": ["sms", "voice"], "fallback_after": "PT4H"},
        {"offset": "-PT3H", "channels": ["sms"], "unless_confirmed": True},
    ]},
    {"name": SHORTLY_BEFORE, "quiet_hours": _NO_QUIET, "notices": _NOTICES, "steps": [
        {"offset": "-PT15M", "channels": ["sms", "voice"]},
    ]},
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Clinic:
    """Public ids by name."""

    locations: Mapping[str, str]
    policies: Mapping[str, str]
    providers: Mapping[str, str]
    services: Mapping[str, str]
    patients: Mapping[str, str]


def open_clinic(use_cases: UseCases, today: date) -> Clinic:
    """Fill an empty catalogue and the card index. ``today`` places the absence and the extra days."""
    locations = {values["name"]: _location(use_cases, values) for values in _LOCATIONS}
    policies = {values["name"]: str(use_cases.clinic.add_policy(values).uid) for values in _POLICIES}
    providers = _providers(use_cases, locations)
    _exceptions(use_cases, providers, today)
    services = {offer.name: _service(use_cases, offer, policies, providers) for offer in OFFERS}
    patients = {person.name: _patient(use_cases, person) for person in PEOPLE}
    use_cases.patients.stop(patients[STOPPED], "all", DESK)
    return Clinic(locations, policies, providers, services, patients)


def _location(use_cases: UseCases, values: dict[str, Any]) -> str:
    row = use_cases.clinic.add_location(values | {"observes_holidays": True, "holiday_region": None})
    return str(row.uid)


def _providers(use_cases: UseCases, locations: Mapping[str, str]) -> dict[str, str]:
    working = "MO TU WE TH FR"
    lunch = _span(working, "14:00", "15:00")
    midday = _span(working, "12:30", "13:15")
    staff: tuple[tuple[str, str, list[str], list[Span], list[Span]], ...] = (
        (VIDAL, MADRID, ["es", "en"], _span(working, "09:00", "18:00"), lunch),
        (REY, MADRID, ["es", "fr", "de"], _span("MO TU WE TH", "09:30", "19:00") + _span("SA", "10:00", "13:00"), lunch),
        (PARK, CHICAGO, ["en", "ko"], _span(working, "08:00", "16:00"), midday),
        (NAIR, CHICAGO, ["en", "es"], _span("TU WE TH FR", "09:00", "17:30") + _span("SA", "09:00", "12:00"), midday),
        (NURSES, CHICAGO, ["en", "es", "zh_Hans"], _span(" ".join(WEEKDAYS), "00:00", "24:00"), []),
    )  # fmt: skip
    return {
        name: str(
            use_cases.clinic.add_provider(
                {"name": name, "location_id": locations[venue], "languages": languages}, hours, breaks
            ).uid
        )
        for name, venue, languages, hours, breaks in staff
    }


def _exceptions(use_cases: UseCases, providers: Mapping[str, str], today: date) -> None:
    thursday = today + timedelta(days=7 + (3 - today.weekday()) % 7)
    away = _days(thursday, thursday + timedelta(days=1), is_open=False, note="Congress")
    use_cases.clinic.add_exception(providers[REY], away)
    always = _days(today - timedelta(days=60), today + timedelta(days=400), is_open=True, note="Holidays too")
    use_cases.clinic.add_exception(providers[NURSES], always)


def _service(use_cases: UseCases, offer: Offer, policies: Mapping[str, str], providers: Mapping[str, str]) -> str:
    currency = next(values["currency"] for values in _LOCATIONS if values["name"] == offer.venue)
    values = {
        "name": offer.name, "duration_minutes": offer.duration, "buffer_before_minutes": offer.before,
        "buffer_after_minutes": offer.after, "slot_minutes": offer.slot, "min_notice_minutes": offer.notice,
        "horizon_days": 180, "value_amount": Decimal(offer.value), "value_currency": currency,
        "reminder_policy_id": policies[offer.policy],
    }  # fmt: skip
    return str(use_cases.clinic.add_service(values, [providers[name] for name in offer.providers]).uid)


def _patient(use_cases: UseCases, person: Person) -> str:
    values = {
        "name": person.name, "phone": person.phone, "email": None, "language": person.language,
        "time_zone": person.time_zone, "birth_year": person.birth_year,
    }  # fmt: skip
    return str(use_cases.patients.add(values, None).patient.uid)


def _span(days: str, start: str, end: str) -> list[Span]:
    return [
        {"weekday": WEEKDAYS.index(day), "start_minute": minutes(start), "end_minute": minutes(end)}
        for day in days.split()
    ]


def _days(first: date, last: date, *, is_open: bool, note: str) -> dict[str, Any]:
    return {
        "first_day": first, "last_day": last, "is_open": is_open, "note": note, "start_minute": 0, "end_minute": 1440,
    }  # fmt: skip
