"""A clinic and the patient system in memory that it is connected with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from reminders.domain.crm import PATIENT, VISIT
from tests.crm_memory import SYSTEM, MemoryCrm, Shelf
from tests.house import Api, book, clinic, local, running

DOCTOR, CHECKUP = "D1", "S1"
#: Who edits records there.
EDITOR = "Marta Sol"


@dataclass
class Practice:
    """One clinic, one connection. ``there`` is the other system; people work in both."""

    house: Api
    crm: MemoryCrm
    ids: dict[str, Any] = field(default_factory=dict)
    connection: str = ""

    def connect(self, *, start: bool = True, **more: Any) -> Any:
        body = {
            "kind": "memory", "settings": {"url": "memory:", "token": "t", "webhook_secret": "s"},
            "providers": {self.ids["provider"]: DOCTOR}, "services": {self.ids["service"]: CHECKUP},
        }  # fmt: skip
        made = self.house.post("crm-connections", body | more, role="admin")
        self.connection = made["id"]
        if start:
            self.preview()
            self.change(paused=False)
        return made

    def preview(self) -> Any:
        return self.house.post(f"crm-connections/{self.connection}/preview", role="admin")["entities"]

    def change(self, **values: Any) -> Any:
        return self.house.patch(f"crm-connections/{self.connection}", values, role="admin")

    def show(self) -> Any:
        return self.house.get(f"crm-connections/{self.connection}")

    def sync(self, **body: Any) -> Any:
        """What a pass says it did."""
        self.house.tick(seconds=1)
        return self.house.post(f"crm-connections/{self.connection}/sync", body)

    def settle(self) -> int:
        """Pass after pass until nothing happens any more; how many it took."""
        for count in range(1, 8):
            done = self.sync()
            assert done["error"] is None, done
            if not (done["pulled"] or done["pushed"] or done["removed"]):
                return count
        raise AssertionError(done)

    def book(self, start: str, **changes: Any) -> Any:
        return book(self.house, self.ids, start, **changes)

    def visit(self, uid: str) -> Any:
        return self.house.get(f"appointments/{uid}")

    def card(self, uid: str) -> Any:
        return self.house.get(f"patients/{uid}")

    def conflicts(self, **query: Any) -> list[Any]:
        items: list[Any] = self.house.get("sync-conflicts", **query)["items"]
        return items

    # People there

    @property
    def shelf(self) -> Shelf:
        return self.crm.shelf

    def add_there(self, entity: str, **fields: Any) -> str:
        name = self.shelf.new_id(entity)
        self.shelf.write(entity, name, fields)
        return name

    def patient_there(self, name: str, **fields: Any) -> str:
        return self.add_there(PATIENT, **blank_patient(name) | fields)

    def visit_there(self, patient: str, start: str, end: str, **fields: Any) -> str:
        known = {"patient": patient, "start": start, "end": end, "provider": DOCTOR, "service": CHECKUP,
                 "status": "booked", "confirmed": False, "cancel_reason": ""}  # fmt: skip
        return self.add_there(VISIT, **known | fields)

    def edit_there(self, entity: str, remote_id: str, **fields: Any) -> None:
        assert remote_id in self.shelf.rows[entity]
        self.shelf.write(entity, remote_id, fields, by=EDITOR)

    def there(self, entity: str, uid: str) -> Mapping[str, Any]:
        """What the other system has of one of ours."""
        remote_id = self.shelf.of_uid(entity, uid) or self.linked(uid)
        return self.shelf.rows[entity][remote_id].fields

    def id_there(self, entity: str, uid: str) -> str:
        return self.shelf.of_uid(entity, uid) or self.linked(uid)

    def linked(self, uid: str) -> str:
        """Its id there, as the API tells it."""
        (link,) = self.house.get(f"patients/{uid}/links")["items"]
        return str(link["remote_id"])


def blank_patient(name: str) -> dict[str, Any]:
    return {
        "name": name, "phone": "", "email": "", "language": "", "birth_year": None, "sms_opt_out": False,
        "voice_opt_out": False, "email_opt_out": False,
    }  # fmt: skip


@contextmanager
def practice(database_url: str, *, connected: bool = True, served: bool = False, **changes: Any) -> Iterator[Practice]:
    """A clinic with one patient, connected unless told otherwise. ``served``: behind a port, for a browser."""
    crm = MemoryCrm(Shelf())
    systems = [(SYSTEM, lambda outward, clock, account: crm)]
    opened = (
        running(database_url, systems=systems, **changes) if served else local(database_url, systems=systems, **changes)
    )
    with opened as house:
        crm.shelf.clock = house.clock
        here = Practice(house, crm, clinic(house, policy={"quiet_hours": None, "notices": ["moved", "cancelled"]}))
        if connected:
            here.connect()
        yield here
