"""The demonstration's clinic and the rehearsal: complete, believable by their own rules, and checked."""

from __future__ import annotations

import io
import json
import re
import shlex
from collections import Counter
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import phonenumbers
import pytest
from rich.console import Console

from reminders.clock import ManualClock
from reminders.commands import rehearsal
from reminders.demo import prepare
from reminders.demo.carrier import Carrier
from reminders.demo.checks import Check, check
from reminders.demo.clinic import open_clinic
from reminders.demo.house import Unexpected
from reminders.demo.narrator import Narrator
from reminders.demo.opening import book_call_backs
from reminders.demo.people import PEOPLE, STOPPED, WITHOUT_PHONE
from reminders.domain.actor import Role
from reminders.domain.delivery import Channel, State
from reminders.errors import ConfigurationError, Unauthenticated
from reminders.sandbox import SandboxCall, SandboxMessage
from reminders.sandbox.records import CallStatus, MessageStatus, Program
from reminders.settings import Settings, load
from reminders.store.appointments import Filter
from reminders.wiring.service import Service, build

#: A Wednesday noon in Madrid, early morning in Chicago.
NOW = datetime(2027, 5, 12, 10, 20, 30, tzinfo=UTC)
PUBLIC = "http://127.0.0.1:8000"
EVERYTHING = Filter(limit=1000)


class Opened:
    """A demonstration that was opened once, and what it printed."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.clock = ManualClock(NOW)
        self.printed = self.open()
        self.service = build(settings, self.clock)

    def open(self) -> str:
        console = Console(file=io.StringIO(), width=60)
        prepare(self.settings, console, PUBLIC, self.clock)
        return console.file.getvalue()  # type: ignore[attr-defined]

    def visits(self) -> Any:
        return self.service.use_cases.booking.listing(EVERYTHING)

    def reminders(self) -> list[Any]:
        ledger = self.service.use_cases.ledger
        return [entry for visit in self.visits() for entry in ledger.of(visit.uid)]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    folder = tmp_path_factory.mktemp("demo")
    one = Opened(load({"REMINDERS_DATABASE_URL": f"sqlite:///{folder}/demo.db"}))
    yield one
    one.service.close()


@pytest.fixture
def empty(sqlite_database_url: str) -> Iterator[tuple[Service, ManualClock]]:
    clock = ManualClock(NOW)
    service = build(load({"REMINDERS_DATABASE_URL": sqlite_database_url, "REMINDERS_SENDERS": "1"}), clock)
    yield service, clock
    service.close()


@pytest.fixture(scope="module")
def transcript() -> str:
    console = Console(file=io.StringIO(), width=140)
    rehearsal.run(console)
    return console.file.getvalue()  # type: ignore[attr-defined]


def _keys(printed: str) -> list[str]:
    return re.findall(r"^ +(?:Desk|Manager) key +(rk_\S+)$", printed, re.MULTILINE)


def _curl(printed: str) -> tuple[str, dict[str, str], Any]:
    """Address, headers and body of the line to copy."""
    words = shlex.split(next(line for line in printed.splitlines() if line.startswith("curl ")))
    headers = dict(words[at + 1].split(": ", 1) for at, word in enumerate(words) if word == "-H")
    return words[words.index("POST") + 1], headers, json.loads(words[words.index("-d") + 1])


# The clinic


def test_the_clinic_is_complete(opened: Opened) -> None:
    place = opened.service.use_cases.catalogue.refresh()
    assert len(place.locations) == 2
    assert len({location.zone.key for location in place.locations.values()}) == 2
    assert len({location.country for location in place.locations.values()}) == 2
    assert len(place.providers) == 5
    assert all(provider.timetable.hours for provider in place.providers.values())
    assert sum(1 for provider in place.providers.values() if provider.timetable.breaks) >= 4
    absences = [one for provider in place.providers.values() for one in provider.timetable.exceptions if not one.open]
    assert [one for one in absences if one.first > NOW.date()]
    assert len(place.policies) >= 2
    services = list(place.services.values())
    assert len(services) == 6
    assert all(service.value and service.policy and service.min_notice_minutes for service in services)
    assert any(service.buffer_before_minutes for service in services)
    assert any(service.buffer_after_minutes for service in services)


def test_the_patients_are_complete(opened: Opened) -> None:
    cards = opened.service.use_cases.patients.listing(0, 500, None, None)
    assert len(cards) == 40
    assert len({card.patient.language for card in cards}) >= 5
    phones = Counter(card.patient.phone for card in cards if card.patient.phone)
    assert sum(1 for count in phones.values() if count > 1) == 2
    assert [card.patient.name for card in cards if card.patient.phone is None] == [WITHOUT_PHONE]
    assert [card.patient.name for card in cards if card.opted_out] == [STOPPED]


@pytest.mark.parametrize("phone", sorted({person.phone for person in PEOPLE if person.phone}))
def test_numbers_are_kept_for_fiction(phone: str) -> None:
    reserved = (
        r"\+1(312|773)55501\d\d", r"\+447700900\d{3}", r"\+4420794600?\d{3}", r"\+33639980\d{3}", r"\+4917139200\d\d",
        r"\+61491570156",
    )  # fmt: skip
    assert any(re.fullmatch(pattern, phone) for pattern in reserved)
    assert phonenumbers.is_possible_number(phonenumbers.parse(phone))


def test_the_past_is_over_and_the_future_is_booked(opened: Opened) -> None:
    visits = opened.visits()
    outcomes = Counter(visit.status for visit in visits if visit.end_at < NOW)
    assert outcomes["fulfilled"] > 50
    assert outcomes["noshow"] > 3
    assert outcomes["cancelled"] > 3
    assert outcomes.keys() <= {"fulfilled", "noshow", "cancelled"}
    assert sum(1 for visit in visits if visit.start_at > NOW and visit.status == "booked") > 15


def test_past_messages_were_sent_once_and_charged(opened: Opened) -> None:
    past = [entry for entry in opened.reminders() if entry.due_at < NOW - timedelta(hours=1)]
    states = Counter(entry.state for entry in past)
    assert states["delivered"] > 50
    assert states["failed"] > 0
    assert not states.keys() & {"planned", "claimed", "uncertain", "sent", "missed"}
    assert len({entry.language for entry in past if entry.state == "delivered"}) >= 5
    assert all(entry.cost_is_actual for entry in past if entry.state == "delivered" and entry.cost)
    sids = [entry.provider_sid for entry in past if entry.cost and entry.provider_sid]
    assert len(sids) == len(set(sids))


def test_reports_have_something_to_say(opened: Opened) -> None:
    reports = opened.service.use_cases.reports
    (noshows,) = reports.no_shows().rows()
    assert 0 < noshows["rate"] < 0.5
    (costs,) = reports.reminder_costs().rows()
    assert Decimal(costs["actual_cost"]) > 1


@pytest.mark.parametrize(
    "moment",
    [
        NOW,
        datetime(2027, 5, 16, 3, 30, tzinfo=UTC),  # a Sunday night on both sides of the ocean
        datetime(2027, 7, 5, 15, 0, 59, tzinfo=UTC),  # Independence Day, observed
    ],
)
def test_phones_show_something_soon(empty: tuple[Service, ManualClock], moment: datetime) -> None:
    service, clock = empty
    clock.set(moment)
    clinic = open_clinic(service.use_cases, moment.date())
    book_call_backs(service, clinic, moment)
    visits = service.use_cases.booking.listing(EVERYTHING)
    due = sorted(service.use_cases.ledger.of(visit.uid)[0].due_at for visit in visits)
    assert moment <= due[0] <= moment + timedelta(minutes=1)
    assert due[3] <= moment + timedelta(minutes=20)


# Opening it


def test_what_is_printed_can_be_copied(opened: Opened) -> None:
    for path in ("/sandbox/", "/docs", "/console"):
        assert f"{PUBLIC}{path}\n" in opened.printed
    access = opened.service.use_cases.access
    desk, manager = (access.check(key).role for key in _keys(opened.open()))
    assert (desk, manager) == (Role.DESK, Role.MANAGER)


def test_the_printed_booking_works(opened: Opened) -> None:
    address, headers, body = _curl(opened.open())
    client = opened.service.app().test_client()
    answer = client.post(address.removeprefix(PUBLIC), json=body, headers=headers)
    assert answer.status_code == 201
    assert answer.json["status"] == "booked"
    ledger = client.get(f"/api/v1/appointments/{answer.json['id']}/reminders", headers=headers)
    assert ledger.json["items"][0]["state"] == "planned"


def test_a_second_start_adds_nothing_but_keys(opened: Opened) -> None:
    before = len(opened.visits()), len(opened.service.use_cases.patients.listing(0, 500, None, None))
    old = _keys(opened.open())
    new = _keys(opened.open())
    assert (len(opened.visits()), len(opened.service.use_cases.patients.listing(0, 500, None, None))) == before
    assert len(opened.service.use_cases.catalogue.refresh().locations) == 2
    for key in old:
        with pytest.raises(Unauthenticated):
            opened.service.use_cases.access.check(key)
    assert [opened.service.use_cases.access.check(key).role for key in new] == [Role.DESK, Role.MANAGER]


def test_real_credentials_are_refused(tmp_path: Any) -> None:
    settings = load({
        "REMINDERS_DATABASE_URL": f"sqlite:///{tmp_path}/x.db", "TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "x",
        "TWILIO_FROM_NUMBER": "+13125550100",
    })  # fmt: skip
    with pytest.raises(ConfigurationError, match="TWILIO_ACCOUNT_SID"):
        prepare(settings, Console(file=io.StringIO()), PUBLIC)
    assert not list(tmp_path.iterdir())


def test_a_database_in_use_is_left_alone(empty: tuple[Service, ManualClock]) -> None:
    service, clock = empty
    open_clinic(service.use_cases, NOW.date())
    with pytest.raises(ConfigurationError, match="something else"):
        prepare(
            load({"REMINDERS_DATABASE_URL": service.settings.database_url}),
            Console(file=io.StringIO()),
            PUBLIC,
            clock,
        )


def test_the_carrier_keeps_its_order_and_knows_its_phones() -> None:
    carrier = Carrier(ManualClock(NOW))
    carrier.place_call("+13125550101", "a")
    carrier.send_sms("+13125550195", "b", "b")
    carrier.send_sms("+13125550101", "c", "c")
    handed = carrier.take()
    assert [(one.channel, one.to, one.arrives) for one in handed] == [
        (Channel.SMS, "+13125550101", True),
        (Channel.VOICE, "+13125550101", True),
        (Channel.SMS, "+13125550195", False),
    ]
    assert carrier.take() == []
    assert [one.report().state for one in handed] == [State.DELIVERED, State.DELIVERED, State.FAILED]
    assert carrier.fetch(Channel.SMS, handed[0].sid).price == Decimal("0.0079")
    assert [one.sid for one in carrier.find(Channel.VOICE, "+13125550101", NOW)] == [handed[1].sid]


# The rehearsal

MOMENTS = {
    "a double booking is refused and something else offered": r"409 slot_taken: .*\n +still free: Wed 09:00, Wed 09:30",
    "a text moves out of quiet hours": r"08:00,\s+moved from .{15} at 07:\d\d out of quiet hours",
    "a move takes reminders back": r"was taken back: the visit was moved",
    "the new time is told in French": r"SMS to Julien Moreau · Mon 16:32 Madrid[^╰]*Centro Retiro : le rendez-vous",
    "Spanish words confirm": r"Sí, allí estaré[\s\S]{0,900}→ Lucía Romero: booked, confirmed",
    "Chinese words confirm": r"好的，我会来[\s\S]{0,900}→ 王秀英: booked, confirmed",
    "Spanish words cancel": r"No puedo ir[\s\S]{0,2000}→ José Hernández: cancelled, declined",
    "2 cancels": r"│ 2 +│[\s\S]{0,900}→ Camille Bernard: cancelled, declined",
    "a yes with a but confirms nothing": r"Sí, pero llegaré tarde[\s\S]{0,1200}→ Javier Ortega: booked, unconfirmed",
    "one message and one answer for two people": r"SMS to Nuria Vega and Hugo Vega[\s\S]{0,900}→ Nuria Vega: booked, confirmed",
    "a question reaches the inbox": r"reads in the inbox: “Which entrance do I use\?” of Daniel Brooks",
    "the desk writes back": r"Please use the entrance on Lake Street",
    "a text that fails becomes a call": r"undelivered \(error 30006\)[\s\S]*Call to Margaret Hughes · Tue 12:00",
    "silence becomes a call in German": r"Call to Sabine Krüger · Tue 17:00[\s\S]{0,900}\[1\] pressed",
    "stop is said and obeyed": r"│ STOP +│[\s\S]{0,300}Twilio to Mariana Souza",
    "a Portuguese text": r"consulta de Mariana Souza",
    "nobody without a phone is forgotten": r"was left out: there is no phone number on the card",
    "somebody comes": r"Lucía Romero: arrive → arrived, confirmed[\s\S]*Lucía Romero: fulfil → fulfilled, confirmed",
    "somebody does not": r"Rosa Molina: no-show → noshow, unconfirmed",
    "the ledger is read out": r"Margaret Hughes, fulfilled:\n +The reminder SMS 1 day before did not reach the patient",
    "no-shows are reported": r"No-shows[\s\S]*Centro Retiro[\s\S]*Lakeside Health",
    "costs are reported": r"Cost of reminders[\s\S]*sms USD[\s\S]*voice USD",
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_the_story_tells(transcript: str, moment: str) -> None:
    assert re.search(MOMENTS[moment], transcript), moment


def test_every_promise_is_checked_and_kept(transcript: str) -> None:
    checks = transcript.partition("Check list")[2]
    assert checks.count("✓") == 10
    assert "✗" not in transcript


def test_a_broken_promise_is_an_error() -> None:
    console = Console(file=io.StringIO())
    with pytest.raises(Unexpected, match="Nobody waits"):
        rehearsal.judge([Check("All is well", True, ""), Check("Nobody waits", False, "2")], Narrator(console))
    assert "✗ Nobody waits (2)" in console.file.getvalue()  # type: ignore[attr-defined]


# The check list: a week of one visit, told by both sides, and every way in which it could be wrong


class OneVisit:
    """Answers like a house in which one visit was reminded of, kept and reported."""

    def __init__(self) -> None:
        start = datetime.fromisoformat("2027-05-12T10:00:00+02:00")
        sent = start - timedelta(days=1)
        visit = {"id": "apt_1", "provider_id": "prv_1", "patient_id": "pat_1", "location_id": "loc_1",
                 "status": "fulfilled", "start": start.isoformat(), "end": "2027-05-12T10:30:00+02:00"}  # fmt: skip
        reminder = {"provider_sid": "SM1", "kind": "reminder", "channel": "sms", "text": "Hello", "state": "delivered",
                    "sentence": "It was sent."}  # fmt: skip
        self.answers: dict[str, list[dict[str, Any]]] = {
            "locations": [{"id": "loc_1", "country": "ES", "time_zone": "Europe/Madrid"}],
            "patients": [{"id": "pat_1", "phone": "+447700900101", "time_zone": None, "opted_out": []}],
            "appointments": [visit],
            "appointments/apt_1/reminders": [reminder],
            "appointments/apt_2/reminders": [],
            "patients/pat_1/messages": [{"kind": "reminder", "text": "Hello"}],
            "reports/reminder-costs": [{"actual_cost": "0.04630", "estimated_cost": None}],
            "reports/no-shows": [{"fulfilled": 1, "noshow": 0, "cancelled": 0}],
        }
        self.text = SandboxMessage(
            sid="SM1", to="+447700900101", from_="+15005550006", body="Hello", direction="outbound-api",
            status=MessageStatus.DELIVERED, created_at=sent, updated_at=sent, segments=1, price=Decimal("0.0463"),
        )  # fmt: skip
        self.entries: list[SandboxMessage | SandboxCall] = [self.text]
        self.alerts: list[Any] = []

    def get(self, path: str, role: str = "desk", **query: Any) -> Any:
        return {"items": deepcopy(self.answers[path])}

    @property
    def sandbox(self) -> Any:
        phones = sorted({entry.phone for entry in self.entries})
        return SimpleNamespace(
            phones=lambda: [SimpleNamespace(number=number) for number in phones],
            conversation=lambda number, limit: [entry for entry in self.entries if entry.phone == number],
            alerts=lambda: self.alerts,
        )

    def call(self) -> SandboxCall:
        return SandboxCall(
            sid="CA1", to=self.text.to, from_="+15005550006", status=CallStatus.COMPLETED, program=Program(""),
            created_at=self.text.created_at, updated_at=self.text.created_at,
        )  # fmt: skip

    def stop(self) -> SandboxMessage:
        earlier = self.text.created_at - timedelta(hours=1)
        return replace(self.text, sid="SM9", direction="inbound", body="Stop", to="+15005550006", from_=self.text.to,
                       created_at=earlier)  # fmt: skip


def _kept(week: OneVisit) -> dict[str, bool]:
    return {one.promise: one.kept for one in check(week)}  # type: ignore[arg-type]


def _sent_again(week: OneVisit) -> None:
    week.entries.append(replace(week.text, sid="SM2"))


def _called_for_nothing(week: OneVisit) -> None:
    week.entries.append(week.call())


def _stopped_before(week: OneVisit) -> None:
    week.entries.append(week.stop())
    week.answers["patients"][0]["opted_out"] = ["sms"]


def _stop_not_kept(week: OneVisit) -> None:
    week.entries.append(replace(week.stop(), created_at=week.text.created_at + timedelta(hours=1)))


def _sent_at_night(week: OneVisit) -> None:
    week.entries[0] = replace(week.text, created_at=datetime(2027, 5, 11, 21, 0, tzinfo=UTC))


def _booked_twice(week: OneVisit) -> None:
    first = week.answers["appointments"][0]
    week.answers["appointments"].append(first | {"id": "apt_2", "start": "2027-05-12T10:15:00+02:00"})
    week.answers["reports/no-shows"][0]["fulfilled"] = 2


def _left_open(week: OneVisit) -> None:
    week.answers["appointments"][0]["status"] = "booked"
    week.answers["reports/no-shows"][0]["fulfilled"] = 0


def _undecided(week: OneVisit) -> None:
    week.answers["appointments/apt_1/reminders"][0]["state"] = "uncertain"


def _charged_more(week: OneVisit) -> None:
    week.entries[0] = replace(week.text, price=Decimal("0.0926"))


def _only_estimated(week: OneVisit) -> None:
    week.answers["reports/reminder-costs"][0]["estimated_cost"] = "0.01"


def _counted_wrong(week: OneVisit) -> None:
    week.answers["reports/no-shows"][0]["noshow"] = 1


def _alerted(week: OneVisit) -> None:
    week.alerts.append("11200")


ONCE, KNOWN = "No message was sent twice", "The ledger and the network know the same messages"
BILL = "The sandbox's bill is the cost report"
STOP = "Nothing was sent after a stop"


def test_a_good_week_passes() -> None:
    assert set(_kept(OneVisit()).values()) == {True}


@pytest.mark.parametrize(
    ("wrong", "broken"),
    [
        (_sent_again, {ONCE, KNOWN}),
        (_called_for_nothing, {ONCE, KNOWN}),
        (_stopped_before, {STOP}),
        (_stop_not_kept, {STOP}),
        (_sent_at_night, {"Quiet hours were kept"}),
        (_booked_twice, {"No provider was booked twice at the same time"}),
        (_left_open, {"Every visit came to an end"}),
        (_undecided, {"Every reminder has a final state and a sentence"}),
        (_charged_more, {BILL}),
        (_only_estimated, {BILL}),
        (_counted_wrong, {"The no-show report counts what the diary shows"}),
        (_alerted, {"Every request of the network was answered"}),
    ],
)
def test_the_check_list_finds(wrong: Any, broken: set[str]) -> None:
    week = OneVisit()
    wrong(week)
    assert {promise for promise, kept in _kept(week).items() if not kept} == broken
