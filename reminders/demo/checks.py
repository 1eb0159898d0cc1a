"""Whether the rehearsal ended as it must: what the network of the sandbox saw against what the API says."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from reminders.demo.house import House
from reminders.domain.cost import rate_card
from reminders.domain.plan import COUNTRY_QUIET_HOURS, DEFAULT_QUIET_HOURS
from reminders.sandbox import SandboxCall, SandboxMessage

_ALL = 500
_FINAL = {"fulfilled", "noshow", "cancelled"}
_OPEN_STATES = {"planned", "claimed", "uncertain", "sent"}

Sent = SandboxMessage | SandboxCall


@dataclass(frozen=True, slots=True)
class Check:
    """One promise. ``found`` says how much was looked at, or what is wrong."""

    promise: str
    kept: bool
    found: str


class Evidence:
    """Both sides of the story, read once at its end."""

    def __init__(self, house: House) -> None:
        self.locations = {item["id"]: item for item in house.get("locations")["items"]}
        self.patients = {item["id"]: item for item in house.get("patients", limit=_ALL)["items"]}
        self.visits: list[Any] = house.get("appointments", limit=_ALL)["items"]
        self.ledger = [
            item | {"visit": visit}
            for visit in self.visits for item in house.get(f"appointments/{visit['id']}/reminders")["items"]
        ]  # fmt: skip
        self.notes = [
            (self.patients[patient]["phone"], item["text"])
            for patient in {visit["patient_id"] for visit in self.visits}
            for item in house.get(f"patients/{patient}/messages")["items"] if item["kind"] == "desk"
        ]  # fmt: skip
        self.costs: list[Any] = house.get("reports/reminder-costs", role="manager")["items"]
        self.no_shows: list[Any] = house.get("reports/no-shows", role="manager")["items"]
        self.entries = [
            entry for phone in house.sandbox.phones() for entry in house.sandbox.conversation(phone.number, _ALL)
        ]
        self.alerts = house.sandbox.alerts()

    @property
    def handed_over(self) -> list[Sent]:
        """What the worker asked the network to send; answers to texts and Twilio's own words are not among it."""
        return [entry for entry in self.entries if isinstance(entry, SandboxCall) or entry.direction == "outbound-api"]


def check(house: House) -> list[Check]:
    """Everything that must hold, each computed from both sides."""
    evidence = Evidence(house)
    checks = (_once, _known, _stopped, _quiet, _no_overlap, _ended, _nothing_hanging, _charged, _counted, _understood)
    return [one(evidence) for one in checks]


def _once(e: Evidence) -> Check:
    sent = Counter((entry.phone, _said(entry)) for entry in e.handed_over)
    wanted = Counter(
        (e.patients[item["visit"]["patient_id"]]["phone"], item["text"] if item["channel"] == "sms" else "")
        for item in e.ledger if item["provider_sid"]
    ) + Counter(e.notes)  # fmt: skip
    found = f"{sent.total()} messages for {wanted.total()} reminders and notes"
    return Check("No message was sent twice", not sent - wanted, found)


def _known(e: Evidence) -> Check:
    recorded = {item["provider_sid"] for item in e.ledger if item["provider_sid"]}
    sent = {entry.sid for entry in e.handed_over}
    others = [(entry.phone, _said(entry)) for entry in e.handed_over if entry.sid not in recorded]
    kept = recorded <= sent and sorted(others) == sorted(e.notes)
    found = f"{len(recorded)} of reminders and notices, {len(others)} written by the desk"
    return Check("The ledger and the network know the same messages", kept, found)


def _stopped(e: Evidence) -> Check:
    stops = {entry.phone: entry.created_at for entry in e.entries if _is_stop(entry)}
    late = [entry for entry in e.handed_over if entry.phone in stops and entry.created_at > stops[entry.phone]]
    barred = {patient["phone"] for patient in e.patients.values() if patient["opted_out"]}
    early = [entry for entry in e.handed_over if entry.phone in barred - stops.keys()]
    found = f"{len(barred)} phones that said stop, {len(late) + len(early)} messages to them"
    return Check("Nothing was sent after a stop", not late and not early and stops.keys() <= barred, found)


def _quiet(e: Evidence) -> Check:
    visits = {item["provider_sid"]: item["visit"] for item in e.ledger}
    sent = [entry for entry in e.handed_over if entry.sid in visits]
    loud = [entry for entry in sent if _is_quiet_time(e, entry, visits[entry.sid])]
    return Check("Quiet hours were kept", not loud, f"{len(sent)} messages, {len(loud)} in quiet hours")


def _no_overlap(e: Evidence) -> Check:
    taken = sorted(
        (visit["provider_id"], datetime.fromisoformat(visit["start"]), datetime.fromisoformat(visit["end"]))
        for visit in e.visits if visit["status"] not in {"cancelled", "noshow"}
    )  # fmt: skip
    clashes = sum(1 for one, other in pairwise(taken) if one[0] == other[0] and other[1] < one[2])
    return Check("No provider was booked twice at the same time", clashes == 0, f"{len(taken)} visits")


def _ended(e: Evidence) -> Check:
    left = [visit["id"] for visit in e.visits if visit["status"] not in _FINAL]
    return Check("Every visit came to an end", not left, f"{len(e.visits)} visits, {len(left)} still open")


def _nothing_hanging(e: Evidence) -> Check:
    hanging = [item for item in e.ledger if item["state"] in _OPEN_STATES]
    mute = [item for item in e.ledger if not item["sentence"]]
    found = f"{len(e.ledger)} reminders, {len(hanging)} undecided"
    return Check("Every reminder has a final state and a sentence", not hanging and not mute, found)


def _order(entry: Sent) -> str:
    """What was ordered from the network: of a call that was connected with the clinic the first leg."""
    return (entry.parent if isinstance(entry, SandboxCall) else None) or entry.sid


def _detection(entry: Sent) -> Decimal:
    """Twilio bills machine detection apart from the call."""
    heard = isinstance(entry, SandboxCall) and entry.answered_by is not None
    return rate_card(entry.created_at.date()).detection if heard else Decimal(0)


def _charged(e: Evidence) -> Check:
    reminders = {item["provider_sid"] for item in e.ledger if item["kind"] == "reminder" and item["provider_sid"]}
    ours = [entry for entry in e.handed_over if _order(entry) in reminders]
    bill = sum((entry.price or Decimal(0) for entry in ours), Decimal(0))
    bill += sum((_detection(entry) for entry in ours), Decimal(0))
    reported = sum((Decimal(row["actual_cost"] or 0) for row in e.costs), Decimal(0))
    guessed = [row for row in e.costs if row["estimated_cost"]]
    found = f"{_money(bill)} USD charged, {_money(reported)} USD reported"
    return Check("The sandbox's bill is the cost report", bill == reported and not guessed, found)


def _counted(e: Evidence) -> Check:
    diary = Counter(visit["status"] for visit in e.visits)
    wrong = [status for status in _FINAL if diary[status] != sum(row[status] for row in e.no_shows)]
    found = ", ".join(f"{count} {status}" for status, count in sorted(diary.items()))
    return Check("The no-show report counts what the diary shows", not wrong, found)


def _understood(e: Evidence) -> Check:
    return Check("Every request of the network was answered", not e.alerts, f"{len(e.alerts)} alerts")


def _said(entry: Sent) -> str:
    return entry.body if isinstance(entry, SandboxMessage) else ""


def _is_stop(entry: SandboxMessage | SandboxCall) -> bool:
    return isinstance(entry, SandboxMessage) and entry.inbound and entry.body.strip().upper() == "STOP"


def _is_quiet_time(e: Evidence, entry: Sent, visit: Any) -> bool:
    location = e.locations[visit["location_id"]]
    zone = ZoneInfo(e.patients[visit["patient_id"]]["time_zone"] or location["time_zone"])
    return COUNTRY_QUIET_HOURS.get(location["country"], DEFAULT_QUIET_HOURS).forbids_at(entry.created_at, zone)


def _money(amount: Decimal) -> str:
    return f"{amount.normalize():f}"
