from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import update

from reminders.clock import ManualClock
from reminders.domain.worth import Prices
from reminders.errors import Invalid, NotFound
from reminders.services.catalogue import Catalogue
from reminders.services.risk import Risks
from reminders.store import clinic as clinic_store
from reminders.store import consents
from reminders.store import risk as store
from reminders.store.engine import Database
from reminders.store.tables import Service
from tests.fakes import no_holidays
from tests.measuring import Clinic

NOW = datetime(2030, 5, 6, 6, tzinfo=UTC)
TOMORROW = date(2030, 5, 7)
PHONE = "+4915112345{:03d}"


@pytest.fixture
def clinic(database: Database) -> Clinic:
    return Clinic(database)


def risks(database: Database, prices: Prices | None = None) -> Risks:
    clock = ManualClock(NOW)
    return Risks(database, clock, Catalogue(database, clock, no_holidays), prices or Prices(minutes=Decimal(3)))


def valued(database: Database, amount: str, currency: str = "EUR") -> None:
    with database.write() as tx:
        tx.execute(update(Service).values(value_amount=Decimal(amount), value_currency=currency))
        clinic_store.touch(tx)


def expect(clinic: Clinic, place: int, lead_days: int = 10, **values: Any) -> int:
    """A visit of tomorrow, of a patient with a phone; ``patient`` changes the patient."""
    patient = clinic.add_patient(**({"phone": PHONE.format(place)} | values.pop("patient", {})))
    start = datetime(2030, 5, 7, 7, 0, tzinfo=UTC) + timedelta(minutes=30 * place)
    return clinic.visit("booked", start_at=start, day=TOMORROW, lead_days=lead_days, patient_id=patient, **values)


def test_those_who_waited_long_are_called_first(database: Database, clinic: Clinic) -> None:
    valued(database, "80")
    visits = {expect(clinic, place, lead): lead for place, lead in enumerate((0, 30, 3, 14))}
    found = risks(database).call_list()
    assert (found.day, found.model, found.visits, found.fitting) == (TOMORROW, 0, 4, 3)
    assert [visits[line.row.id] for line in found.lines] == [30, 14, 3, 0]
    first = found.lines[0].call
    assert first.candidate.reasons[0].text == "Booked 30 days ahead"
    assert first.at_stake == Decimal(repr(round(first.candidate.risk, 6))) * 80
    assert [line.call.fits for line in found.lines] == [True, True, True, False]


def test_who_confirmed_is_left_out_unless_messages_do_not_arrive(database: Database, clinic: Clinic) -> None:
    expect(clinic, 0, confirmation="confirmed")
    failed = expect(clinic, 1, confirmation="confirmed")
    clinic.reminder(failed, "failed")
    found = risks(database).call_list()
    assert ([line.row.id for line in found.lines], found.safe) == ([failed], 1)
    assert found.lines[0].call.candidate.contact == "message_failed"


def test_who_cannot_or_must_not_be_called_is_only_counted(database: Database, clinic: Clinic) -> None:
    expect(clinic, 0, patient={"phone": None})
    expect(clinic, 1)
    texts = expect(clinic, 2)
    with database.write() as tx:
        consents.stop(tx, PHONE.format(1), "all", NOW, "sms: STOP", None)
        consents.stop(tx, PHONE.format(2), "sms", NOW, "sms: STOP", None)
    found = risks(database).call_list()
    assert [line.row.id for line in found.lines] == [texts]
    assert (found.visits, found.safe, found.without_phone, found.not_to_be_called) == (3, 0, 1, 1)


def test_values_in_another_currency_are_converted_or_not_known(database: Database, clinic: Clinic) -> None:
    expect(clinic, 0)
    valued(database, "100", "USD")
    [line] = risks(database).call_list().lines
    assert line.call.candidate.value is None
    [line] = risks(database, Prices(rates=(("USD", Decimal("0.9")),))).call_list().lines
    assert line.call.candidate.value == 90


def test_the_day_is_the_next_one_with_visits_or_the_one_asked_for(database: Database, clinic: Clinic) -> None:
    assert (risks(database).call_list().day, risks(database).call_list().lines) == (None, ())
    clinic.visit("booked", date(2030, 5, 6), start_at=NOW - timedelta(minutes=5))
    later = clinic.visit("booked", date(2030, 5, 9), patient_id=clinic.add_patient(phone=PHONE.format(9)))
    found = risks(database).call_list()
    assert (found.day, [line.row.id for line in found.lines]) == (date(2030, 5, 9), [later])
    assert risks(database).call_list(day=date(2030, 5, 6)).visits == 0  # has begun
    assert risks(database).call_list(day=date(2030, 5, 8)).lines == ()


def test_with_several_locations_one_has_to_be_named(database: Database, clinic: Clinic) -> None:
    clinic.add_location("Elsewhere", "fr")
    service = risks(database)
    with pytest.raises(Invalid):
        service.call_list()
    with pytest.raises(NotFound):
        service.call_list("loc_nowhere")
    with pytest.raises(Invalid):
        service.call_list(minutes=0)


#: A model that knows only whether somebody waited.
MODEL: dict[str, Any] = {
    "trained_at": NOW, "since": date(2030, 1, 1), "visits": 5000, "metrics": {"since": "x"},
    "facts": {"base": 0.2, "intercept": -3.0, "weights": {"lead_time:log": 1.0}, "usual": {"lead_time:log": 1.0}},
}  # fmt: skip


def trained(database: Database, through: date) -> None:
    with database.write() as tx:
        store.use(tx, store.keep(tx, MODEL | {"through": through}))


def test_a_trained_model_takes_the_place_of_the_rule(database: Database, clinic: Clinic) -> None:
    trained(database, date(2030, 4, 1))
    expect(clinic, 0, lead_days=19)
    found = risks(database).call_list()
    assert found.model == 1
    assert found.lines[0].call.candidate.risk == pytest.approx(0.5, abs=0.01)  # log 20 is 2.996
    assert [why.text for why in found.lines[0].call.candidate.reasons] == ["Booked 19 days ahead"]


def past_visits(clinic: Clinic, number: int = 60) -> None:
    """One in three of those who waited stays away, nobody else; half of the patients speak Turkish."""
    for place in range(number):
        waited = place % 2 == 0
        patient = clinic.add_patient("tr" if place % 4 < 2 else None, birth_year=2004 if waited else None)
        status = "noshow" if waited and place % 6 == 0 else "fulfilled"
        clinic.visit(status, date(2030, 4, 1) + timedelta(days=place % 20), patient_id=patient,
                     lead_days=20 if waited else 0)  # fmt: skip


def test_the_report_tells_how_good_the_risks_were_and_for_whom(database: Database, clinic: Clinic) -> None:
    past_visits(clinic)
    found = risks(database).report().as_dict()
    assert (found["model"]["kind"], found["model"]["version"], found["learnt_from_these_visits"]) == ("rule", 0, False)
    assert (found["quality"]["visits"], found["quality"]["noshows"]) == (60, 10)
    assert found["quality"]["auc"] > 0.7
    assert sum(one["visits"] for one in found["quality"]["calibration"]) == 60
    lines = {(row["by"], row["group"]): row for row in found["items"]}
    assert list(lines) == [
        ("all", "all"), ("language", "de"), ("language", "tr"), ("age", "18-29"), ("age", "unknown"),
    ]  # fmt: skip
    assert lines["language", "tr"]["visits"] + lines["language", "de"]["visits"] == 60
    assert (lines["age", "unknown"]["noshow"], lines["age", "unknown"]["flagged"]) == (0, 0.0)
    assert lines["age", "18-29"]["caught"] == 1.0
    assert {row["verdict"] for row in found["items"]} == {"few"}


def test_by_default_a_model_is_judged_by_what_it_has_not_seen(database: Database, clinic: Clinic) -> None:
    past_visits(clinic)
    trained(database, date(2030, 4, 10))
    found = risks(database).report()
    assert (found.first, found.last, found.learnt) == (date(2030, 4, 11), date(2030, 4, 20), False)
    assert found.as_dict()["model"]["held_out"] == {"since": "x"}
    whole = risks(database).report(date(2030, 4, 1))
    assert (whole.learnt, whole.as_dict()["learnt_from_these_visits"]) == (True, True)


def test_without_visits_there_are_no_figures(database: Database, clinic: Clinic) -> None:
    found = risks(database).report(date(2030, 1, 1), date(2030, 1, 31)).as_dict()
    assert (found["quality"], found["items"], found["from"], found["to"]) == (None, [], "2030-01-01", "2030-01-31")
    with pytest.raises(Invalid):
        risks(database).report(date(2030, 2, 1), date(2030, 1, 1))
