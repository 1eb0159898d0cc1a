"""The conflict list as the desk reads it: whom it is about, what both sides say, and what may be chosen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from flask import url_for

from reminders.domain.sync import WHOLE, Cause, Live
from reminders.errors import NotFound
from reminders.services.sync.disputes import decided_together
from reminders.store.engine import Record
from reminders.web.console import calendarwords, words
from reminders.web.context import caller, snapshot, use_cases

#: Before the id of the one of ours that somebody chose for a record there.
MATCH = "match"


@dataclass(frozen=True, slots=True)
class Somebody:
    """A patient or a visit by name, and the page about it."""

    name: str
    page: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One field of what is decided as a whole."""

    label: str
    before: str
    ours: str
    theirs: str


@dataclass(frozen=True, slots=True)
class Disagreement:
    """``row`` stands for all that is decided with it. ``said``: what a record says that is none of ours yet. ``here``:
    who changed ours last. ``choices``: (value, label)."""

    row: Record
    connection: str
    about: Somebody
    cause: str
    said: str
    lines: Sequence[Line]
    here: str
    choices: Sequence[tuple[str, str]]


def shown(rows: Sequence[Record], zone: ZoneInfo) -> list[Disagreement]:
    """One entry for all that is decided at once, in the order of the list."""
    labels = {one.uid: one.label for one in use_cases().syncing.connections()}
    return [_shown(together, labels, zone) for together in decided_together(rows)]


def _shown(together: Sequence[Record], labels: Mapping[str, str], zone: ZoneInfo) -> Disagreement:
    row = together[0]
    is_new = row.local_id is None
    whole = is_new or row.field == WHOLE
    return Disagreement(
        row, labels.get(row.connection_uid, ""), _about(row, zone), calendarwords.cause(row),
        _value(WHOLE, row.theirs, zone) if is_new else "",
        [] if whole else [_line(one, zone) for one in sorted(together, key=_place)],
        _last_here(row, labels, zone), _choices(row, zone),
    )  # fmt: skip


def _place(row: Record) -> tuple[bool, int]:
    """When it begins comes before when it ends."""
    return row.field != "start", row.id


def _line(row: Record, zone: ZoneInfo) -> Line:
    values = (_value(row.field, value, zone) for value in (row.base, row.ours, row.theirs))
    return Line(calendarwords.field(row.field), *values)


def _value(field: str, found: Any, zone: ZoneInfo) -> str:
    """One side's value; of a whole record what it says."""
    if isinstance(found, Mapping):
        told = [(name, value) for name, value in found.items() if value not in ("", None, False) and name != "patient"]
        return ", ".join(f"{calendarwords.field(name)}: {_value(name, value, zone)}" for name, value in told)
    place = snapshot()
    known = place.providers.get(found) or place.services.get(found) if isinstance(found, str) else None
    return known.name if known else calendarwords.value(field, found, zone)


def _about(row: Record, zone: ZoneInfo) -> Somebody:
    thing = calendarwords.THINGS.get(row.entity, "Something")
    if row.local_id:
        return _ours(row.local_id, zone) or Somebody(thing)
    theirs = row.theirs if isinstance(row.theirs, Mapping) else {}
    said = theirs.get("name") or (_value("start", theirs["start"], zone) if theirs.get("start") else "")
    return Somebody(f"{thing} there: {said}" if said else f"{thing} there")


def _ours(uid: str, zone: ZoneInfo) -> Somebody | None:
    """A patient or visit of ours; ``None`` for anything else, and for what is gone."""
    try:
        if uid.startswith("apt_"):
            visit = use_cases().booking.get(uid)
            service = snapshot().service_by_id[visit.service_id].name
            name = f"{visit.patient_name} · {service}, {words.moment(visit.start_at, zone)}"
            return Somebody(name, url_for("console.visit.show", visit_id=uid))
        if uid.startswith("pat_"):
            card = use_cases().patients.get(uid).patient
            return Somebody(card.name, url_for("console.people.show", patient_id=uid))
    except NotFound:
        pass
    return None


def _choices(row: Record, zone: ZoneInfo) -> list[tuple[str, str]]:
    if row.local_id is None:
        candidates = row.ours if isinstance(row.ours, list) else []
        said = [(uid, found.name) for uid in candidates if (found := _candidate(uid, zone))]
        new = "None of these: take it in" if said else "Take it in"
        every = [*((f"{MATCH} {uid}", f"It is {name}") for uid, name in said), (Live.THEIRS.value, new),
                 (Live.OURS.value, "Leave it alone")]  # fmt: skip
        return [] if row.closed_at else every
    gone = row.field == WHOLE and row.cause == Cause.DELETED_THERE
    labels = {Live.OURS: "Put it back there", Live.THEIRS: "Cancel it here"} if gone else calendarwords.CHOICES
    return [(one.value, label) for one, label in labels.items() if not row.closed_at or row.live != one.value]


def _candidate(uid: str, zone: ZoneInfo) -> Somebody | None:
    """One of several who could be meant, told apart by what else is known."""
    found = _ours(uid, zone)
    if found is None or not uid.startswith("pat_"):
        return found
    card = use_cases().patients.get(uid).patient
    more = [card.phone, card.email, str(card.birth_year) if card.birth_year else None, f"…{uid[-6:]}"]
    return Somebody(f"{card.name} ({', '.join(one for one in more if one)})", found.page)


def _last_here(row: Record, labels: Mapping[str, str], zone: ZoneInfo) -> str:
    """Who changed the visit here last, and when; nothing for other things."""
    if not (row.local_id or "").startswith("apt_"):
        return ""
    made = [one for one in use_cases().booking.history(row.local_id) if one.change not in ("pause", "resume")]
    if not made:
        return ""
    last = made[-1]
    who = (
        f"in {labels[last.actor]}"
        if last.actor in labels
        else f"by {words.by(last.actor, last.channel, caller().key_id)}"
    )
    return f"{who}, {words.moment(last.at, zone)}"
