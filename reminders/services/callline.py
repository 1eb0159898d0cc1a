"""One call in the middle of its transaction, and what is written down of it for the desk."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from reminders.domain.call import AnsweredBy, Outcome, Step
from reminders.domain.clinic import Location
from reminders.domain.delivery import Channel, State
from reminders.store import inbox, messages
from reminders.store.engine import Record
from reminders.store.ids import new_uid

#: Why the desk finds a call in its inbox that asked for another time.
ANOTHER_TIME = "wants_another_time"


@dataclass(frozen=True, slots=True)
class Heard:
    """What the provider tells when it asks how a call goes on. ``path`` is the address it asked, without its query;
    ``step`` what was asked there and ``tries`` how often in vain; ``dialled`` how putting through
    ended and ``dialled_seconds`` how long they talked."""

    sid: str
    path: str
    key: str = ""
    speech: str = ""
    step: Step = Step.VISIT
    tries: int = 0
    answered_by: AnsweredBy | None = None
    dialled: str = ""
    dialled_seconds: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """``call`` is its message, ``visit`` what it is about, at ``place``."""

    tx: Connection
    call: Record
    visit: Record
    place: Location
    heard: Heard
    now: datetime

    def end(self, outcome: Outcome) -> None:
        messages.learn(self.tx, self.call.id, outcome=outcome)

    def to_desk(self, reason: str, outcome: Outcome, about: int | None = None) -> None:
        """``about``: the message to read, if not the call."""
        self.end(outcome)
        tell_desk(self.tx, self.call, reason, self.now, about)

    def write_down(self) -> int:
        """Keep the words that were heard, as a text that came in."""
        return messages.add(self.tx, {
            "uid": new_uid("msg", self.now), "direction": "in", "channel": Channel.VOICE, "kind": "reply",
            "appointment_id": self.visit.id, "patient_id": self.visit.patient_id, "phone": self.call.phone,
            "body": self.heard.speech[:500], "language": self.call.language, "state": State.DELIVERED,
            "created_at": self.now, "checks": 0,
        })  # fmt: skip


def tell_desk(tx: Connection, call: Record, reason: str, now: datetime, about: int | None = None) -> None:
    """Once per call and reason, however often the provider asks."""
    if inbox.has_for_visit(tx, call.appointment_id, reason, since=call.created_at):
        return
    inbox.add(tx, {
        "uid": new_uid("inb", now), "message_id": about or call.id, "patient_id": call.patient_id,
        "appointment_id": call.appointment_id, "reason": reason, "created_at": now,
    })  # fmt: skip
