"""/api/v1/appointments and /api/v1/slots."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from apiflask import APIBlueprint
from flask import Response

from reminders.domain.appointment import Change, Status, allowed
from reminders.services.booking import Request
from reminders.services.ledger import Entry, summarise
from reminders.services.slots import Search, Slot
from reminders.store.appointments import Filter
from reminders.store.engine import Record
from reminders.web.auth import DESK, READERS, allow
from reminders.web.context import actor, now, snapshot, use_cases
from reminders.web.respond import answer, decode_cursor, encode_cursor, etag, if_match, moment, money, once
from reminders.web.schemas.visits import (
    Book,
    Cancel,
    ChangePage,
    Nothing,
    ReminderPage,
    Reschedule,
    SlotPage,
    SlotQuery,
    VisitOut,
    VisitPage,
    VisitQuery,
)

bp = APIBlueprint("appointments", __name__, url_prefix="/api/v1", tag="Appointments")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@bp.get("/slots")
@bp.input(SlotQuery, location="query", arg_name="wanted")
@bp.output(SlotPage)
@allow(*READERS)
def search_slots(wanted: SlotQuery) -> Response:
    """Free times of a service, in order of time."""
    after = decode_cursor(wanted.cursor, 2)
    found = use_cases().slots.search(
        Search(
            wanted.service_id, wanted.first, wanted.last, wanted.provider_id, wanted.location_id, wanted.limit + 1,
            (after[0], after[1]) if after else None,
        )
    )  # fmt: skip
    last = found[wanted.limit - 1] if len(found) > wanted.limit else None
    cursor = f'"{encode_cursor((last.start, last.order))}"' if last else "null"
    items = _slots(found[: wanted.limit])
    return Response(f'{{"items":[{items}],"next_cursor":{cursor}}}', mimetype="application/json")


@bp.post("/appointments")
@bp.input(Book, arg_name="wanted")
@bp.output(VisitOut, status_code=201)
@allow(*DESK)
def book(wanted: Book) -> Response:
    """Book a visit. 409 slot_taken lists what else is free."""
    request = Request(wanted.service_id, wanted.provider_id, wanted.patient_id, wanted.start, wanted.override)
    return _visit(use_cases().booking.book(request, actor(), once()), 201)


@bp.get("/appointments")
@bp.input(VisitQuery, location="query", arg_name="wanted")
@bp.output(VisitPage)
@allow(*READERS)
def list_appointments(wanted: VisitQuery) -> Response:
    """Visits in order of start."""
    after = decode_cursor(wanted.cursor, 2)
    place = snapshot()
    rows = use_cases().booking.listing(
        Filter(
            first=wanted.first, last=wanted.last,
            provider_id=place.provider(wanted.provider_id).id if wanted.provider_id else None,
            location_id=place.location(wanted.location_id).id if wanted.location_id else None,
            patient_uid=wanted.patient_id, status=wanted.status,
            unmarked_by=now() if wanted.unmarked else None,
            after=(_EPOCH + timedelta(microseconds=after[0]), after[1]) if after else None, limit=wanted.limit,
        )
    )  # fmt: skip
    items = [show(row) for row in rows[: wanted.limit]]
    last = rows[wanted.limit - 1] if len(rows) > wanted.limit else None
    cursor = encode_cursor(((last.start_at - _EPOCH) // timedelta(microseconds=1), last.id)) if last else None
    return answer({"items": items, "next_cursor": cursor})


@bp.get("/appointments/<uid:visit_id>")
@bp.output(VisitOut)
@allow(*READERS)
def get_appointment(visit_id: str) -> Response:
    """One visit."""
    return _visit(use_cases().booking.get(visit_id))


@bp.post("/appointments/<uid:visit_id>/confirm")
@bp.input(Nothing, arg_name="_")
@bp.output(VisitOut)
@allow(*DESK)
def confirm(visit_id: str, _: Nothing) -> Response:
    """The patient said yes."""
    return _changed(visit_id, Change.CONFIRM)


@bp.post("/appointments/<uid:visit_id>/cancel")
@bp.input(Cancel, arg_name="body")
@bp.output(VisitOut)
@allow(*DESK)
def cancel(visit_id: str, body: Cancel) -> Response:
    """Cancel a visit and withdraw its reminders."""
    return _changed(visit_id, Change.CANCEL, body.reason)


@bp.post("/appointments/<uid:visit_id>/reschedule")
@bp.input(Reschedule, arg_name="body")
@bp.output(VisitOut)
@allow(*DESK)
def reschedule(visit_id: str, body: Reschedule) -> Response:
    """Move a visit; it keeps its id and history, and its reminders are planned anew."""
    visit = use_cases().booking.reschedule(
        visit_id, body.start, actor(), provider_id=body.provider_id, version=if_match(), override=body.override,
        once=once(),
    )  # fmt: skip
    return _visit(visit)


@bp.post("/appointments/<uid:visit_id>/arrive")
@bp.input(Nothing, arg_name="_")
@bp.output(VisitOut)
@allow(*DESK)
def arrive(visit_id: str, _: Nothing) -> Response:
    """The patient is here."""
    return _changed(visit_id, Change.ARRIVE)


@bp.post("/appointments/<uid:visit_id>/fulfil")
@bp.input(Nothing, arg_name="_")
@bp.output(VisitOut)
@allow(*DESK)
def fulfil(visit_id: str, _: Nothing) -> Response:
    """The visit took place."""
    return _changed(visit_id, Change.FULFIL)


@bp.post("/appointments/<uid:visit_id>/no-show")
@bp.input(Nothing, arg_name="_")
@bp.output(VisitOut)
@allow(*DESK)
def no_show(visit_id: str, _: Nothing) -> Response:
    """The patient did not come."""
    return _changed(visit_id, Change.NOSHOW)


@bp.post("/appointments/<uid:visit_id>/pause")
@bp.input(Nothing, arg_name="_")
@bp.output(VisitOut)
@allow(*DESK)
def pause(visit_id: str, _: Nothing) -> Response:
    """Hold back the reminders of this visit. News that it was moved or cancelled still goes out."""
    return _paused(visit_id, paused=True)


@bp.post("/appointments/<uid:visit_id>/resume")
@bp.input(Nothing, arg_name="_")
@bp.output(VisitOut)
@allow(*DESK)
def resume(visit_id: str, _: Nothing) -> Response:
    """End a pause. What fell due meanwhile stays left out."""
    return _paused(visit_id, paused=False)


@bp.get("/appointments/<uid:visit_id>/reminders")
@bp.output(ReminderPage)
@allow(*READERS)
def list_reminders(visit_id: str) -> Response:
    """What was sent, what will be, and why: one sentence each."""
    entries = use_cases().ledger.of(visit_id)
    items = [_reminder(entry) for entry in entries]
    return answer({"items": items, "next_cursor": None, "summary": summarise(entries)})


@bp.get("/appointments/<uid:visit_id>/history")
@bp.output(ChangePage)
@allow(*READERS)
def list_history(visit_id: str) -> Response:
    """Who changed what, when, and through which channel."""
    items = [
        {"at": moment(row.at), "change": row.change, "actor": row.actor, "channel": row.channel,
         "version": row.version, "facts": row.facts}
        for row in use_cases().booking.history(visit_id)
    ]  # fmt: skip
    return answer({"items": items, "next_cursor": None})


def _slots(found: list[Slot]) -> str:
    """JSON, written by hand: this is the hottest list of all, and nothing in it can need escaping."""
    ends: dict[int, str] = {}
    items = []
    for start, end, order, provider in found:
        zone = provider.location.zone
        if order not in ends:
            ends[order] = f'","provider_id":"{provider.uid}","location_id":"{provider.location.uid}"}}'
        items.append(f'{{"start":"{_wall(start, zone)}","end":"{_wall(end, zone)}{ends[order]}')
    return ",".join(items)


@lru_cache(maxsize=50_000)
def _wall(seconds: int, zone: ZoneInfo) -> str:
    """ISO 8601 in the venue's zone; the same few thousand starts are asked for again and again."""
    return datetime.fromtimestamp(seconds, zone).isoformat()


def show(row: Record) -> dict[str, Any]:
    """A visit as the API shows it: times in the venue's zone."""
    place = snapshot()
    location = place.location_by_id[row.location_id]
    provider = place.provider_by_id.get(row.provider_id)
    return {
        "id": row.uid, "status": row.status, "confirmation": row.confirmation,
        "start": moment(row.start_at, location.zone), "end": moment(row.end_at, location.zone), "version": row.version,
        "service_id": place.service_by_id[row.service_id].uid, "provider_id": provider.uid if provider else None,
        "location_id": location.uid, "patient_id": row.patient_uid, "booked_at": moment(row.booked_at, location.zone),
        "updated_at": moment(row.updated_at, location.zone), "cancel_reason": row.cancel_reason,
        "paused": row.paused, "patient_paused": row.patient_paused,
        "allowed": [change.value for change in allowed(Status(row.status))],
    }  # fmt: skip


def _visit(row: Record, status: int = 200) -> Response:
    return answer(show(row), status, etag(row.version))


def _changed(visit_id: str, change: Change, reason: str | None = None) -> Response:
    booking = use_cases().booking
    return _visit(booking.change(visit_id, change, actor(), version=if_match(), reason=reason, once=once()))


def _paused(visit_id: str, *, paused: bool) -> Response:
    booking = use_cases().booking
    return _visit(booking.pause(visit_id, actor(), paused=paused, version=if_match(), once=once()))


def _reminder(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.id, "kind": entry.kind, "due_at": moment(entry.due_at), "not_after": moment(entry.not_after),
        "step": entry.step, "channel": entry.channel, "language": entry.language,
        "wanted_language": entry.wanted_language, "state": entry.state,
        "reason": entry.reason, "sentence": entry.sentence, "text": entry.text, "provider_sid": entry.provider_sid,
        "segments": entry.segments, "cost": money(entry.cost), "cost_is_actual": entry.cost_is_actual,
        "attempts": entry.attempts, "error_code": entry.error_code,
        "duration_seconds": entry.duration_seconds, "answered_by": entry.answered_by, "outcome": entry.outcome,
        "text_version": entry.text_version,
        "sent_at": moment(entry.sent_at),
        "delivered_at": moment(entry.delivered_at),
    }  # fmt: skip
