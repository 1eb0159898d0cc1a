"""Every patient system that can be connected, from settings to a cancelled visit, against a fake of its API."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from reminders.connecting import SYSTEMS
from reminders.domain.connector import Remote
from reminders.domain.crm import PATIENT, VISIT
from tests.gateways import fake_espocrm, fake_fhir, fake_gnuhealth, fake_hubspot, fake_salesforce
from tests.gateways.crm_contract import CrmPeering
from tests.gateways.test_espocrm import Espo
from tests.gateways.test_fhir import FhirServer
from tests.gateways.test_gnuhealth import Gnu
from tests.gateways.test_hubspot import Hub
from tests.gateways.test_salesforce import Force
from tests.house import Local, book, clinic, local

TEN, ELEVEN = "2030-05-07T10:00:00+02:00", "2030-05-07T11:00:00+02:00"
TEN_UTC, HALF_PAST_TEN_UTC = "2030-05-07T08:00:00+00:00", "2030-05-07T08:30:00+00:00"
NOON, NOON_UTC, HALF_PAST_NOON_UTC = (
    "2030-05-07T12:00:00+02:00",
    "2030-05-07T10:00:00+00:00",
    "2030-05-07T10:30:00+00:00",
)


@dataclass(frozen=True)
class Known:
    """A fake of one system, people who work in it, and what is entered to connect it."""

    fake: Callable[[], Any]
    people: Callable[..., CrmPeering]
    settings: dict[str, str]
    provider: str
    service: str


KNOWN = {
    "espocrm": Known(
        fake_espocrm.FakeEspoCrm, Espo,
        {"api_key": fake_espocrm.KEY, "language_field": "cLanguage", "reason_field": "cReason"}, "u1", "Check-up",
    ),
    "fhir": Known(fake_fhir.FakeFhir, FhirServer, {"token": fake_fhir.TOKEN}, "d1", "Check-up"),
    "gnuhealth": Known(
        fake_gnuhealth.FakeGnuHealth, Gnu, {"user": fake_gnuhealth.USER, "password": fake_gnuhealth.PASSWORD}, "1", "31"
    ),
    "hubspot": Known(
        fake_hubspot.FakeHubSpot, Hub, {"token": fake_hubspot.TOKEN, "reason_property": "reason"}, "71", "Check-up"
    ),
    "salesforce": Known(
        fake_salesforce.FakeSalesforce, Force,
        {"client_id": fake_salesforce.CLIENT, "client_secret": fake_salesforce.SECRET, "language_field": "Language__c",
         "reason_field": "Reason__c"},
        "005000000000071AAA", "Check-up",
    ),
}  # fmt: skip


@dataclass
class Joined:
    """A clinic connected with one system."""

    house: Local
    ids: dict[str, Any]
    patients: CrmPeering
    visits: CrmPeering
    connection: str = ""

    def settle(self) -> None:
        for _ in range(8):
            self.house.tick(seconds=2)
            done = self.house.post(f"crm-connections/{self.connection}/sync")
            assert done["error"] is None, done
            if not (done["pulled"] or done["pushed"] or done["removed"]):
                return
        raise AssertionError(done)

    def there(self, peering: CrmPeering, uid: str) -> Remote:
        found = peering.connector.find(peering.entity, uid)
        assert found is not None
        return found


def test_every_system_is_tried() -> None:
    assert {system.kind for system, _ in SYSTEMS} == set(KNOWN)


@pytest.fixture(params=sorted(KNOWN))
def joined(request: pytest.FixtureRequest, sqlite_database_url: str) -> Iterator[Joined]:
    known = KNOWN[request.param]
    with ExitStack() as stack:
        fake = stack.enter_context(known.fake())
        house = stack.enter_context(local(sqlite_database_url, private_networks="127.0.0.0/8"))
        fake.clock = house.clock
        ids = clinic(house, policy={"quiet_hours": None, "notices": ["moved", "cancelled"]})
        visits, patients = known.people(fake, VISIT), known.people(fake, PATIENT)
        made = house.post("crm-connections", {
            "kind": request.param, "settings": {"url": fake.url, **known.settings},
            "providers": {ids["provider"]: known.provider}, "services": {ids["service"]: known.service},
        }, role="admin")  # fmt: skip
        yield Joined(house, ids, patients, visits, made["id"])


def test_patients_and_visits_go_both_ways(joined: Joined) -> None:
    house, path = joined.house, f"crm-connections/{joined.connection}"
    ours = book(house, joined.ids, TEN)
    assert house.post(f"{path}/test")["ok"] is True
    made = {"name": "Luis Gil", "phone": "+34600000011", "email": "luis@example.org"}
    patient = joined.patients.make({**joined.patients.sample(1), **made, "sms_opt_out": False})
    house.post(f"{path}/preview", role="admin")
    house.patch(path, {"paused": False}, role="admin")
    joined.settle()

    ana = joined.there(joined.patients, joined.ids["patient"])
    assert (ana.fields["name"], ana.fields["phone"]) == ("Ana Ruiz", "+34600000010")
    shown = joined.there(joined.visits, ours["id"])
    assert (shown.fields["start"], shown.fields["end"]) == (TEN_UTC, HALF_PAST_TEN_UTC)
    assert (shown.fields["patient"], shown.fields["status"]) == (ana.remote_id, "booked")
    (card,) = house.get("patients", q="Luis")["items"]
    assert (card["phone"], card["email"]) == ("+34600000011", "luis@example.org")
    (link,) = house.get(f"patients/{card['id']}/links")["items"]
    assert link["remote_id"] == patient
    assert link["url"] is None or (link["url"].startswith(joined.patients.fake.url) and patient in link["url"])

    house.tick(minutes=15)
    sample = joined.visits.sample(1)
    there = joined.visits.make(
        {**sample, "patient": patient, "provider": shown.fields["provider"], "service": shown.fields["service"],
         "start": NOON_UTC, "end": HALF_PAST_NOON_UTC, "status": "booked", "confirmed": False, "cancel_reason": ""}
    )  # fmt: skip
    joined.settle()
    (visit,) = house.get("appointments", patient_id=card["id"])["items"]
    assert visit["start"] == NOON

    house.tick(minutes=15)
    joined.visits.edit(there, {"status": "cancelled"})
    house.post(f"appointments/{ours['id']}/reschedule", {"start": ELEVEN})
    joined.settle()
    assert house.get(f"appointments/{visit['id']}")["status"] == "cancelled"
    assert joined.there(joined.visits, ours["id"]).fields["start"] == "2030-05-07T09:00:00+00:00"
    assert house.get("sync-conflicts", attention=True)["items"] == []
