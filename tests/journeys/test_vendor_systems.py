"""Each vendor's CRM, already connected: what people do there and here, and how the patient hears of it once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from reminders.domain.crm import PATIENT, VISIT
from tests.gateways.crm_contract import CrmPeering
from tests.gateways.fake_espocrm import HOOK, HOOK_SECRET
from tests.gateways.fake_hubspot import CLIENT_SECRET
from tests.gateways.fake_hubspot import HOOK as HUB_HOOK
from tests.house import Local, book, clinic, local
from tests.journeys.test_crm_systems import KNOWN

TEN, ELEVEN = "2030-05-07T10:00:00+02:00", "2030-05-07T11:00:00+02:00"
ELEVEN_UTC, ELEVEN_THIRTY_UTC = "2030-05-07T09:00:00+00:00", "2030-05-07T09:30:00+00:00"
#: What webhooks need besides.
HOOKS = {
    "espocrm": {"webhooks": f"{HOOK}:{HOOK_SECRET}"}, "hubspot": {"client_secret": CLIENT_SECRET, "webhook_url": HUB_HOOK},
}  # fmt: skip


@dataclass
class Practice:
    """A clinic and its CRM, in which ``visits`` and ``patients`` say how people there work."""

    house: Local
    ids: dict[str, Any]
    visits: CrmPeering
    patients: CrmPeering
    connection: str

    def call(self, action: str) -> Any:
        return self.house.post(f"crm-connections/{self.connection}/{action}", role="admin")

    def settle(self) -> None:
        """At most six passes, then nothing more happens."""
        for _ in range(7):
            self.house.tick(minutes=1)
            done = self.call("sync")
            assert done["error"] is None, done
            if not (done["pulled"] or done["pushed"] or done["removed"]):
                return
        raise AssertionError(done)

    def booked(self) -> tuple[str, str]:
        """A visit's id here and there."""
        uid = book(self.house, self.ids, TEN)["id"]
        self.settle()
        found = self.visits.connector.find(VISIT, uid)
        assert found is not None
        return uid, found.remote_id

    def visit(self, uid: str) -> Any:
        return self.house.get(f"appointments/{uid}")


@pytest.fixture(params=sorted(KNOWN))
def here(request: pytest.FixtureRequest, sqlite_database_url: str) -> Iterator[Practice]:
    known = KNOWN[request.param]
    with ExitStack() as stack:
        fake = stack.enter_context(known.fake())
        house = stack.enter_context(local(sqlite_database_url, private_networks="127.0.0.0/8"))
        fake.clock = house.clock
        ids = clinic(house, policy={"quiet_hours": None, "notices": ["moved", "cancelled"]})
        visits, patients = known.people(fake, VISIT), known.people(fake, PATIENT)
        made = house.post("crm-connections", {
            "kind": request.param, "settings": {"url": fake.url, **known.settings, **HOOKS.get(request.param, {})},
            "providers": {ids["provider"]: known.provider}, "services": {ids["service"]: known.service},
        }, role="admin")  # fmt: skip
        practice = Practice(house, ids, visits, patients, made["id"])
        practice.call("preview")
        house.patch(f"crm-connections/{made['id']}", {"paused": False}, role="admin")
        practice.settle()
        yield practice


def test_a_move_there_is_told_once_and_an_answer_here_shows_there(here: Practice) -> None:
    uid, name = here.booked()
    here.visits.edit(name, {"start": ELEVEN_UTC, "end": ELEVEN_THIRTY_UTC})
    here.settle()
    assert here.visit(uid)["start"] == ELEVEN
    here.settle()
    shown = here.house.reminders({"id": uid})
    kinds = [row["kind"] for row in shown if row["state"] in ("planned", "sent", "delivered")]
    assert kinds.count("moved") == 1
    here.house.post(f"appointments/{uid}/confirm", {})
    here.settle()
    assert here.visits.look(name).fields["confirmed"] is True


def test_a_no_show_recorded_here_appears_there(here: Practice) -> None:
    uid, name = here.booked()
    here.house.tick(days=1, hours=3)
    here.house.post(f"appointments/{uid}/no-show", {})
    here.settle()
    assert here.visits.look(name).fields["status"] == "noshow"
    here.settle()
    assert here.visit(uid)["status"] == "noshow"


def test_an_opt_out_there_counts_here(here: Practice) -> None:
    if "sms_opt_out" not in here.patients.system.fields[PATIENT]:
        pytest.skip("not kept by this system")
    found = here.patients.connector.find(PATIENT, here.ids["patient"])
    assert found is not None
    here.patients.edit(found.remote_id, {"sms_opt_out": True})
    here.settle()
    assert here.patients.look(found.remote_id).fields["sms_opt_out"] is True
    uid, _ = here.booked()
    here.house.tick(hours=8)
    assert "opted_out" in [row["reason"] for row in here.house.reminders({"id": uid})]


def test_a_refused_login_stops_the_connection(here: Practice) -> None:
    here.visits.refuse_login()
    assert here.call("sync")["error"] == "login_refused"
    assert here.house.get(f"crm-connections/{here.connection}")["state"] == "needs_login"


def test_webhooks_are_let_in_only_when_they_are_signed(here: Practice) -> None:
    _, name = here.booked()
    try:
        headers, body = here.visits.webhook(name)
    except NotImplementedError:
        pytest.skip("this system does not call us")
    path = f"/hooks/connections/{here.connection}"
    assert here.house.send("POST", path, body, dict(headers)).status == 204
    assert here.house.send("POST", path, body + b" ", dict(headers)).status == 403
