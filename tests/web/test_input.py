"""Input that nobody should send: always a 4xx that names the field, never a 500."""

from __future__ import annotations

from typing import Any

import pytest

from tests.house import Local, booking

DEEP = b'{"name":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
HUGE = 10**30
SURROGATE = "\ud800"
NUL, BELL, ESCAPE = "a\x00b", "a\x07b", "a\x1bb"
TEXTS = [NUL, BELL, ESCAPE, "line\nbreak", f"a{SURROGATE}b", "", "   ", 7, 7.5, True, None, [], {}, "x" * 201]
NUMBERS = ["30", "", True, False, 30.5, -1, HUGE, -HUGE, None, [], {}, "1e3", 1e308]
FLAGS = ["true", 1, 0, None, [], "yes"]
MOMENTS = [
    "2030-05-07T09:00:00", "2030-05-07", "09:00", "1893456000", 1893456000, "", "tomorrow", None, True, [],
    "2030-13-01T00:00:00Z", "2030-02-30T00:00:00Z", "2030-05-07T25:00:00Z", "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00", "2030-05-07T09:00:00+99:00", "2030-05-07T09:00:00Z\x00",
    "2030-05-07T09:00:00 Europe/Madrid", "2030-W19-2T09:00:00Z", "-2030-05-07T09:00:00Z", "P1D", "1e9", "Infinity",
]  # fmt: skip
IDS = ["", "'; DROP TABLE patient; --", "../etc", "A" * 41, NUL, f"apt{SURROGATE}", 5, None, [], {}, "apt\n1", "Ä"]
ZONES = [
    "",
    "Mars/Olympus",
    "../../etc/passwd",
    "Europe/",
    "/etc/localtime",
    NUL,
    "EUROPE MADRID",
    1,
    "+02:00",
    "Europe",
]
COUNTRIES = ["", "E", "ESP", "es", "XX", "ZZ", "QQ", 34, None, "E\x00"]
CURRENCIES = ["", "EU", "eur", "EURO", "ZZZ", "QQQ", 978, None]
LANGUAGES = ["", "spanish language", "e", "../es", NUL, 5, "es_" + "x" * 60]
DURATIONS = ["", "P", "PT", "-P", "P1Y", "P1M", "1 day", "-PT", "-P-1D", "-P 1D", "-P401D", "-P99999999999999999999D", "-PT1.5H",
             5, None, "P1DT", "-P1D\x00", "-P١D"]  # fmt: skip
PHONES = ["", "abc", "1", "+999999999999999999", "+0", "0000", NUL, 600000010, True, [], "600 000 010 ext", "+34" + "6" * 30,
          f"+34{SURROGATE}"]  # fmt: skip
EMAILS = ["", "a", "a@b", "@b.c", "a b@c.d", "a@b.c\nBcc: x@y.z", NUL + "@b.cd", 5, "a@" + "b" * 300 + ".cd"]
WALLS = ["9:00", "25:00", "24:01", "09:60", "", "0900", 9, None, "09:00:00", "٠٩:٠٠", "-1:00"]
AMOUNTS = [
    "",
    "-1",
    "NaN",
    "Infinity",
    "1e30",
    "1.234567",
    "12345678901234",
    "abc",
    12,
    12.5,
    None,
    "١٢",
    "1,50",
    "0x10",
]
DAYS = ["2030-02-30", "1000-01-01", "9999-12-31", "yesterday", "", 20300101, "1893456000", "2030-05-07T09:00:00Z", None]

LOCATION = {"name": "North", "time_zone": "Europe/Madrid", "country": "ES"}
POLICY = {"name": "Nudge", "steps": [{"offset": "-P1D", "channels": ["sms"]}]}
PATIENT = {"name": "Eva Sol"}
SERVICE = {"name": "Visit", "duration_minutes": 30}
PROVIDER = {"name": "Dr Sol", "location_id": "loc_x"}
EXCEPTION = {"first_day": "2030-05-07", "last_day": "2030-05-08"}
SPAN = {"weekday": "MO", "start": "09:00", "end": "12:00"}


def _step(**changes: Any) -> dict[str, Any]:
    return POLICY | {"steps": [POLICY["steps"][0] | changes]}  # type: ignore[dict-item]


def _table() -> list[tuple[str, Any, str]]:
    """(address, body, field) of every refusal to be seen."""
    rows: list[tuple[str, Any, str]] = []

    def add(path: str, body: dict[str, Any], field: str, values: list[Any], optional: bool = False) -> None:
        rows.extend((path, body | {field: value}, field) for value in values if not (optional and value is None))

    add("locations", LOCATION, "name", TEXTS)
    add("locations", LOCATION, "time_zone", ZONES)
    add("locations", LOCATION, "country", COUNTRIES)
    add("locations", LOCATION, "language", LANGUAGES)
    add("locations", LOCATION, "currency", CURRENCIES)
    add("locations", LOCATION, "phone", PHONES)
    add("locations", LOCATION, "observes_holidays", FLAGS)
    add("locations", LOCATION, "holiday_region", ["", "no such", NUL, 5, "x" * 11])
    add("providers", PROVIDER, "name", TEXTS)
    add("providers", PROVIDER, "location_id", [*IDS, "loc_x"])
    add("providers", PROVIDER, "languages", ["es", [""], [5], [NUL], ["es"] * 31, {}])
    add("providers", PROVIDER, "hours", ["always", {}, [5], [None], [{}], [SPAN] * 101])
    rows += [("providers", PROVIDER | {"hours": [SPAN | {"weekday": day}]}, "hours.0.weekday")
             for day in ("MONDAY", "mo", "", 0, None, "XX")]  # fmt: skip
    rows += [("providers", PROVIDER | {"breaks": [SPAN | {"start": wall}]}, "breaks.0.start") for wall in WALLS]
    rows += [("providers", PROVIDER | {"hours": [SPAN | {"end": end}]}, "hours.0") for end in ("09:00", "08:00")]
    add("services", SERVICE, "name", TEXTS)
    add("services", SERVICE, "duration_minutes", [*NUMBERS, 0, 1441])
    add("services", SERVICE, "buffer_before_minutes", [*NUMBERS, 241])
    add("services", SERVICE, "buffer_after_minutes", [*NUMBERS, 241])
    add("services", SERVICE, "slot_minutes", [*NUMBERS, 0, 4, 1441], optional=True)
    add("services", SERVICE, "min_notice_minutes", NUMBERS)
    add("services", SERVICE, "horizon_days", [*NUMBERS, 0, 731])
    add("services", SERVICE, "provider_ids", ["prv_1", [5], [""], ["prv_unknown"], [NUL], {}])
    add("services", SERVICE, "reminder_policy_id", [*IDS, "pol_unknown"], optional=True)
    rows += [
        ("services", SERVICE | {"value": {"amount": amount, "currency": "EUR"}}, "value.amount") for amount in AMOUNTS
    ]
    rows += [
        ("services", SERVICE | {"value": {"amount": "5", "currency": one}}, "value.currency") for one in CURRENCIES
    ]
    add("reminder-policies", POLICY, "name", TEXTS)
    add("reminder-policies", POLICY, "steps", ["-P1D", {}, [5], [None], [POLICY["steps"][0]] * 11])
    rows += [
        ("reminder-policies", _step(offset=value), "steps.0.offset")
        for value in [*DURATIONS, "P1D", "PT0S", "-PT0S", "-P0W"]
    ]
    rows += [
        ("reminder-policies", _step(fallback_after=value), "steps.0.fallback_after")
        for value in DURATIONS
        if value is not None
    ]
    rows += [
        ("reminder-policies", _step(not_after=value), "steps.0.not_after") for value in DURATIONS if value is not None
    ]
    rows += [("reminder-policies", _step(not_after=value), "steps.0") for value in ("P1DT1S", "PT25H", "P2D", "-P2D")]
    rows += [
        ("reminder-policies", _step(channels=value), "steps.0.channels") for value in ([], "sms", ["sms", "sms"], None)
    ]
    rows += [("reminder-policies", _step(channels=[value]), "steps.0.channels.0") for value in ("fax", "SMS", 1, None)]
    rows += [("reminder-policies", _step(unless_confirmed=value), "steps.0.unless_confirmed") for value in FLAGS]
    rows += [
        ("reminder-policies", POLICY | {"quiet_hours": {"start": wall, "end": "08:00"}}, "quiet_hours.start")
        for wall in WALLS
    ]
    add("reminder-policies", POLICY, "quiet_hours", ["20:00-08:00", 5, []])
    add("reminder-policies", POLICY, "notices", ["moved", 5])
    add("patients", PATIENT, "name", TEXTS)
    add("patients", PATIENT, "phone", PHONES)
    add("patients", PATIENT, "country", COUNTRIES, optional=True)
    add("patients", PATIENT, "email", EMAILS)
    add("patients", PATIENT, "language", LANGUAGES)
    add("patients", PATIENT, "time_zone", ZONES)
    add("patients", PATIENT, "birth_year", [*NUMBERS, 1899, 2101], optional=True)
    for path in ("providers/{provider}/exceptions",):
        add(path, EXCEPTION, "first_day", DAYS)
        add(path, EXCEPTION, "last_day", DAYS)
        add(path, EXCEPTION, "open", FLAGS)
        add(path, EXCEPTION, "start", WALLS)
        add(path, EXCEPTION, "note", [NUL, BELL, f"a{SURROGATE}", 5, "x" * 501])
    for field in ("service_id", "provider_id", "patient_id"):
        add("appointments", {"START": "ok"}, field, IDS)
    add("appointments", {}, "start", MOMENTS)
    add("appointments", {}, "override", FLAGS)
    add(
        "messages",
        {"patient_id": "PATIENT"},
        "text",
        [NUL, BELL, f"a{SURROGATE}", 5, None, "", "  \n ", "x" * 1001, "\u202e", "\u2066\u2069"],
    )
    add("messages", {"text": "Hello"}, "patient_id", IDS)
    for path in ("patients/{patient}/stop", "patients/{patient}/start"):
        add(path, {"evidence": "on the phone"}, "channel", ["fax", "", 5, None, "SMS"])
        add(path, {}, "evidence", [NUL, BELL, "a\nb", f"a{SURROGATE}", 5, None, "", "   ", "\u202e", "x" * 501])
    return rows


@pytest.mark.parametrize(
    ("path", "body", "field"), _table(), ids=lambda value: None if isinstance(value, dict) else ascii(value)[:40]
)
def test_a_value_that_cannot_be_is_refused_by_name(shared: Local, path: str, body: dict[str, Any], field: str) -> None:
    answer = shared.api("POST", path.format(**shared.ids), _completed(shared, path, body), role="admin")
    assert answer.status == 422, answer.text
    assert any(name == field or name.startswith(field + ".") for name in answer.fields), answer.text


def _completed(shared: Local, path: str, body: dict[str, Any]) -> dict[str, Any]:
    """The body with the ids of this installation where the table could not know them."""
    if path == "appointments":
        good = booking(shared.ids, "2030-05-07T09:00:00+02:00")
        return good | {name: value for name, value in body.items() if name != "START"}
    if body.get("patient_id") == "PATIENT":
        return body | {"patient_id": shared.ids["patient"]}
    if path == "providers" and body.get("location_id") == "loc_x" and len(body) > 2:
        return body | {"location_id": shared.ids["location"]}
    return body
