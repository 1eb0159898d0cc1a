"""The front desk of the rehearsal: works with the API like any client, and says what it was told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from reminders.demo.house import House, Unexpected
from reminders.demo.narrator import Narrator, Owner, hour

_ALL = 500


class FrontDesk:
    """Knows people and things by the names the API lists. ``visits`` are the ids of what it booked, by patient;
    ``due`` is when something will be sent, as far as the API has said so."""

    def __init__(self, house: House, narrator: Narrator) -> None:
        self._house = house
        self._narrator = narrator
        self.locations = {item["id"]: item for item in house.get("locations")["items"]}
        self.providers = {item["name"]: item for item in house.get("providers")["items"]}
        self.services = {item["name"]: item for item in house.get("services")["items"]}
        self.patients = {item["name"]: item for item in house.get("patients", limit=_ALL)["items"]}
        self.visits: dict[str, str] = {}
        self.due: set[datetime] = set()
        self._zones: dict[str, ZoneInfo] = {}

    def zone(self, provider: str) -> ZoneInfo:
        return ZoneInfo(self.locations[self.providers[provider]["location_id"]]["time_zone"])

    def owners(self) -> dict[str, Owner]:
        """Whose phones they are, for everybody who has a visit."""
        found: dict[str, list[str]] = {}
        for name in self.visits:
            found.setdefault(self.patients[name]["phone"], []).append(name)
        return {
            phone: Owner(" and ".join(names), self.patients[names[0]]["language"], self.zone_of(names[0]))
            for phone, names in found.items()
        }

    def zone_of(self, patient: str) -> ZoneInfo:
        """The zone of the venue at which the patient has a visit."""
        return self._zones[patient]

    def named(self, patient_id: str) -> str:
        names: dict[str, str] = {item["id"]: name for name, item in self.patients.items()}
        return names[patient_id]

    def visit(self, patient: str) -> Any:
        return self._house.get(f"appointments/{self.visits[patient]}")

    def reminders(self, patient: str) -> Any:
        answer = self._house.get(f"appointments/{self.visits[patient]}/reminders")
        planned = (item for item in answer["items"] if item["state"] == "planned")
        self.due.update(datetime.fromisoformat(item["due_at"]) for item in planned)
        return answer

    def book(self, patient: str, service: str, provider: str, start: datetime) -> None:
        """Book; when the time is taken, take the next one that the answer offers."""
        body = {
            "service_id": self.services[service]["id"], "provider_id": self.providers[provider]["id"],
            "patient_id": self.patients[patient]["id"], "start": start.isoformat(),
        }  # fmt: skip
        zone = self.zone(provider)
        self._act(zone, f"books {service} for {patient}, {hour(start, zone)}, {provider}")
        answer = self._house.api("POST", "appointments", body)
        if answer.ok:
            self.visits[patient], self._zones[patient] = answer.json()["id"], zone
            self._confirm(patient, answer.json()["status"])
            return
        problem = answer.json()
        offered = [datetime.fromisoformat(item["start"]) for item in problem.get("alternatives", ())]
        self._narrator.note(f"{answer.status_code} {problem['code']}: {problem['detail']}", "red")
        self._narrator.note("still free: " + ", ".join(hour(time, zone) for time in offered))
        later = [time for time in offered if time > start]
        if not later:
            raise Unexpected("Nothing was offered instead of the time that is taken.")
        self.book(patient, service, provider, later[0])

    def _confirm(self, patient: str, status: str) -> None:
        reminders = self.reminders(patient)
        self._narrator.note(f"{status} · {reminders['summary']}")
        for item in reminders["items"]:
            if item["reason"] == "shifted_quiet_hours":
                self._narrator.note(item["sentence"])

    def move(self, patient: str, start: datetime) -> None:
        zone = self.zone_of(patient)
        self._act(zone, f"moves the visit of {patient} to {hour(start, zone)}")
        visit = self._house.post(f"appointments/{self.visits[patient]}/reschedule", {"start": start.isoformat()})
        self._narrator.note(f"{visit['status']}, version {visit['version']}")
        for item in self.reminders(patient)["items"]:
            self._narrator.note(item["sentence"])

    def look_up(self, patient: str) -> None:
        self._act(self.zone_of(patient), f"looks up the reminders of {patient}")
        for item in self.reminders(patient)["items"]:
            self._narrator.note(item["sentence"])

    def note_down(self, patient: str, change: str) -> None:
        """Arrived, took place, did not come, confirmed on the phone."""
        visit = self._house.post(f"appointments/{self.visits[patient]}/{change}")
        line = f"{patient}: {change} → {visit['status']}, {visit['confirmation']}"
        self._act(self.zone_of(patient), line, "red" if visit["status"] == "noshow" else "")

    def empty_inbox(self, patients: Sequence[str], writes: dict[str, str]) -> None:
        """Deal with what nobody could read: write back, or ring the patient, and note the answer down."""
        for item in self._house.get("inbox", limit=_ALL)["items"]:
            name = self.named(item["patient_id"])
            if name not in patients:
                continue
            self._act(self.zone_of(name), f"reads in the inbox: “{item['text']}” of {name} ({item['reason']})")
            if name in writes:
                sent = self._house.post("messages", {"patient_id": item["patient_id"], "text": writes[name]})
                self._narrator.note(f"writes back: {sent['state']}")
                self.due.add(datetime.fromisoformat(sent["due_at"]))
            else:
                self._narrator.note("rings the number and gets a yes")
                for one in self._sharing(name):
                    self.note_down(one, "confirm")
            self._house.post(f"inbox/{item['id']}/done")

    def open_items(self) -> list[Any]:
        items: list[Any] = self._house.get("inbox", limit=_ALL)["items"]
        return items

    def _sharing(self, patient: str) -> list[str]:
        phone = self.patients[patient]["phone"]
        return [name for name in self.visits if self.patients[name]["phone"] == phone]

    def _act(self, zone: ZoneInfo, what: str, style: str = "") -> None:
        self._narrator.act(self._house.clock.now(), zone, "desk", what, style)
