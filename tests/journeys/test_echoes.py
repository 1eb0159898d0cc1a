"""Desk, calendar program, patient system and patient change the same visits at random. When they stop, everything agrees
and stays so; nobody was told of an echo, and no value that anybody typed is gone unseen."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from reminders.domain.crm import PATIENT, VISIT
from reminders.domain.sync import canonical_moment
from tests.crm_house import Practice, practice
from tests.web.test_dav import Phone, moved

FIRST = datetime.fromisoformat("2030-05-08T10:00:00+02:00")
SLOTS, VISITS = 6, 2
_MOVES = ("moved", "cancelled")

_slots, _visits = st.integers(0, SLOTS - 1), st.integers(0, VISITS - 1)
STEPS = st.one_of(
    st.tuples(st.sampled_from(("desk moves", "crm moves", "calendar moves")), _visits, _slots),
    st.tuples(st.sampled_from(("crm cancels", "desk confirms", "crm confirms")), _visits, st.just(0)),
    st.tuples(st.sampled_from(("desk renames", "crm renames", "crm writes an address")), st.just(0), st.just(0)),
    st.tuples(
        st.sampled_from(("patient says yes", "a pass", "time goes by", "webhook is lost")), st.just(0), st.just(0)
    ),
)


class Busy:
    """A clinic with two visits that everybody works on. ``typed`` is what people entered; ``seen`` what somebody typed
    over, having it before them."""

    def __init__(self, here: Practice) -> None:
        self.here, self.house = here, here.house
        self.patient = here.ids["patient"]
        self.visits = [here.book((FIRST + timedelta(hours=4 + number)).isoformat())["id"] for number in range(VISITS)]
        login = self.house.post("dav-credentials", {"provider_id": here.ids["provider"], "label": "Phone"})
        self.phone = Phone(self.house, login)
        self.typed: set[tuple[str, Any]] = set()
        self.seen: set[tuple[str, Any]] = set()
        self.requests, self.count = 0, 0
        here.settle()

    def do(self, step: str, visit: int, slot: int) -> None:
        uid, start = self.visits[visit], FIRST + timedelta(minutes=30 * slot)
        self.count += 1
        getattr(self, step.replace(" ", "_"))(uid, start)

    def desk_moves(self, uid: str, start: datetime) -> None:
        old = self.ours(uid)["start"]
        answer = self.house.api("POST", f"appointments/{uid}/reschedule", {"start": start.isoformat()})
        if answer.status == 200:
            self._typed(f"start of {uid}", canonical_moment(start), over=_utc(old))
            self.requests += 1

    def calendar_moves(self, uid: str, start: datetime) -> None:
        names = self.phone.names()
        if (name := f"{uid}.ics") not in names or self.ours(uid)["status"] == "cancelled":
            return
        old, end = self.ours(uid)["start"], start + timedelta(minutes=30)
        body = moved(self.phone, name, f"{start:%Y%m%dT%H%M%S}", f"{end:%Y%m%dT%H%M%S}")
        if self.phone("PUT", name, body, If_Match=names[name]).status == 204:
            self._typed(f"start of {uid}", canonical_moment(start), over=_utc(old))
            self.requests += 1

    def crm_moves(self, uid: str, start: datetime) -> None:
        shown = self.there(uid)
        self._typed(f"start of {uid}", canonical_moment(start), over=shown["start"])
        values = {"start": canonical_moment(start), "end": canonical_moment(start + timedelta(minutes=30))}
        self.here.edit_there(VISIT, self.here.id_there(VISIT, uid), **values)
        self.requests += 1

    def crm_cancels(self, uid: str, _: datetime) -> None:
        self.here.edit_there(VISIT, self.here.id_there(VISIT, uid), status="cancelled")
        self.requests += 1

    def crm_confirms(self, uid: str, _: datetime) -> None:
        self.here.edit_there(VISIT, self.here.id_there(VISIT, uid), confirmed=True)

    def desk_confirms(self, uid: str, _: datetime) -> None:
        self.house.api("POST", f"appointments/{uid}/confirm", {})

    def desk_renames(self, _uid: str, _: datetime) -> None:
        name = f"Desk {self.count}"
        self._typed("name", name, over=self.here.card(self.patient)["name"])
        self.house.patch(f"patients/{self.patient}", {"name": name})

    def crm_renames(self, _uid: str, _: datetime) -> None:
        name = f"Crm {self.count}"
        self._typed("name", name, over=self.card_there()["name"])
        self.here.edit_there(PATIENT, self.here.id_there(PATIENT, self.patient), name=name)

    def crm_writes_an_address(self, _uid: str, _: datetime) -> None:
        address = f"a{self.count}@example.org"
        self._typed("email", address, over=self.card_there()["email"])
        self.here.edit_there(PATIENT, self.here.id_there(PATIENT, self.patient), email=address)

    def patient_says_yes(self, _uid: str, _: datetime) -> None:
        self.house.sms("+34600000010", "yes", f"SM{self.count:032d}")

    def webhook_is_lost(self, _uid: str, _: datetime) -> None:
        """What it would have named is found by the next listing."""

    def a_pass(self, _uid: str, _: datetime) -> None:
        assert self.here.sync()["error"] is None

    def time_goes_by(self, _uid: str, _: datetime) -> None:
        self.house.tick(minutes=4)

    def ours(self, uid: str) -> Any:
        return self.here.visit(uid)

    def there(self, uid: str) -> Any:
        return self.here.there(VISIT, uid)

    def card_there(self) -> Any:
        return self.here.there(PATIENT, self.patient)

    def _typed(self, field: str, value: str, over: str) -> None:
        if value != over:
            self.seen.add((field, over))
            self.seen.discard((field, value))
            self.typed.add((field, value))

    # What must hold

    def check(self) -> None:
        assert self.here.settle() <= 6
        self.agrees()
        self.house.tick(minutes=5)
        self.here.settle()
        before = self.world()
        for full in (False, True, False):
            self.here.sync(full=full)
            self.house.tick(minutes=5)
        assert self.world() == before, "not quiet"
        assert self.typed - self.live() - self.seen - self.listed() == set(), "lost"
        assert self.changes() <= self.requests, "an echo became a change"
        assert len(self.told()) <= self.changes(), "told of an echo"

    def agrees(self) -> None:
        for uid in self.visits:
            ours, there = self.ours(uid), self.there(uid)
            shown = (_utc(ours["start"]), _utc(ours["end"]), ours["status"], ours["confirmation"] == "confirmed")
            assert shown == (there["start"], there["end"], there["status"], there["confirmed"])
        card, there = self.here.card(self.patient), self.card_there()
        assert (card["name"], card["email"] or "") == (there["name"], there["email"])

    def world(self) -> tuple[Any, ...]:
        versions = [self.ours(uid)["version"] for uid in self.visits]
        return len(self.here.crm.written), versions, self.here.card(self.patient)["version"], self.told()

    def live(self) -> set[tuple[str, Any]]:
        starts = {(f"start of {uid}", _utc(self.ours(uid)["start"])) for uid in self.visits}
        card = self.here.card(self.patient)
        return starts | {("name", card["name"]), ("email", card["email"])}

    def listed(self) -> set[tuple[str, Any]]:
        found = set()
        for one in self.here.conflicts(limit=200):
            field = f"start of {one['about']}" if one["field"] == "start" else one["field"]
            found |= {(field, one["ours"]), (field, one["theirs"])}
        return found

    def changes(self) -> int:
        """Moves and cancellations that really happened."""
        histories = [self.house.get(f"appointments/{uid}/history")["items"] for uid in self.visits]
        return sum(row["change"] in ("reschedule", "cancel") for rows in histories for row in rows)

    def told(self) -> list[str]:
        """What the patient was told of moves and cancellations."""
        rows = [row for uid in self.visits for row in self.house.reminders({"id": uid})]
        return sorted(row["kind"] for row in rows if row["kind"] in _MOVES and row["state"] in ("sent", "delivered"))


def _utc(text: str) -> str:
    return canonical_moment(datetime.fromisoformat(text))


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(STEPS, min_size=3, max_size=14))
@example(steps=[("desk renames", 0, 0), ("crm renames", 0, 0)])
@example(steps=[("desk moves", 0, 1), ("crm moves", 0, 2), ("a pass", 0, 0), ("calendar moves", 0, 3)])
@example(steps=[("crm moves", 0, 0), ("crm moves", 1, 0), ("patient says yes", 0, 0)])
@example(steps=[("crm cancels", 0, 0), ("crm moves", 0, 0), ("crm confirms", 0, 0)])
@example(steps=[("crm cancels", 0, 0), ("desk moves", 0, 3), ("crm confirms", 1, 0)])
def test_when_they_stop_everything_agrees(
    migrated_sqlite: Path, tmp_path_factory: pytest.TempPathFactory, steps: Sequence[tuple[str, int, int]]
) -> None:
    path = tmp_path_factory.mktemp("echo") / "reminders.db"
    shutil.copy(migrated_sqlite, path)
    with practice(f"sqlite:///{path}") as here:
        busy = Busy(here)
        for step in steps:
            busy.do(*step)
        busy.check()
