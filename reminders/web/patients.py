"""/api/v1/patients, inbox and messages."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import Response

from reminders.services.patients import Card, Stop
from reminders.store.engine import Record
from reminders.web.auth import DESK, READERS, allow
from reminders.web.context import actor, use_cases
from reminders.web.respond import answer, decode_cursor, etag, if_match, moment, once, page
from reminders.web.schemas.people import (
    Consent,
    Conversation,
    InboxOut,
    InboxPage,
    InboxQuery,
    MergeIn,
    MergeOut,
    MergePage,
    NoteIn,
    NoteOut,
    PatientChange,
    PatientIn,
    PatientOut,
    PatientPage,
    PatientQuery,
)
from reminders.web.schemas.visits import Nothing

bp = APIBlueprint("patients", __name__, url_prefix="/api/v1", tag="Patients")


@bp.post("/patients")
@bp.input(PatientIn, arg_name="body")
@bp.output(PatientOut, status_code=201)
@allow(*DESK)
def add_patient(body: PatientIn) -> Response:
    """Add a patient. A national phone number is read in ``country``, else in the clinic's."""
    return _card(use_cases().patients.add(body.model_dump(exclude={"country"}), body.country, once()), 201)


@bp.get("/patients")
@bp.input(PatientQuery, location="query", arg_name="wanted")
@bp.output(PatientPage)
@allow(*READERS)
def list_patients(wanted: PatientQuery) -> Response:
    """Patients; ``q`` is part of a name, ``phone`` a number."""
    after = decode_cursor(wanted.cursor, 1)
    cards = use_cases().patients.listing(after[0] if after else 0, wanted.limit, wanted.q, wanted.phone)
    return page(cards, wanted.limit, _show, lambda card: [card.patient.id])


@bp.get("/patients/<uid:patient_id>")
@bp.output(PatientOut)
@allow(*READERS)
def get_patient(patient_id: str) -> Response:
    """One patient."""
    return _card(use_cases().patients.get(patient_id))


@bp.patch("/patients/<uid:patient_id>")
@bp.input(PatientChange, arg_name="body")
@bp.output(PatientOut)
@allow(*DESK)
def change_patient(patient_id: str, body: PatientChange) -> Response:
    """Change what is given; null empties a field (the name cannot be emptied)."""
    values = body.model_dump(exclude_unset=True, exclude={"country"})
    if values.get("name", "") is None:
        del values["name"]
    return _card(use_cases().patients.change(patient_id, values, body.country, if_match()))


@bp.post("/patients/<uid:patient_id>/stop")
@bp.input(Consent, arg_name="body")
@bp.output(PatientOut)
@allow(*DESK)
def stop_patient(patient_id: str, body: Consent) -> Response:
    """The patient told the desk to stop. What is planned that way is withdrawn at once."""
    return _card(use_cases().patients.stop(patient_id, body.channel, actor(), body.evidence, once()))


@bp.post("/patients/<uid:patient_id>/start")
@bp.input(Consent, arg_name="body")
@bp.output(PatientOut)
@allow(*DESK)
def start_patient(patient_id: str, body: Consent) -> Response:
    """The patient told the desk to start again. Where a text said stop, the carrier may wait for a START by text."""
    return _card(use_cases().patients.allow(patient_id, body.channel, actor(), body.evidence, once()))


@bp.post("/patients/<uid:patient_id>/pause")
@bp.input(Nothing, arg_name="_")
@bp.output(PatientOut)
@allow(*DESK)
def pause_patient(patient_id: str, _: Nothing) -> Response:
    """Send this patient nothing but what a person writes."""
    return _card(use_cases().patients.pause(patient_id, actor(), paused=True, version=if_match(), once=once()))


@bp.post("/patients/<uid:patient_id>/resume")
@bp.input(Nothing, arg_name="_")
@bp.output(PatientOut)
@allow(*DESK)
def resume_patient(patient_id: str, _: Nothing) -> Response:
    """End a pause. What fell due meanwhile stays left out."""
    return _card(use_cases().patients.pause(patient_id, actor(), paused=False, version=if_match(), once=once()))


@bp.post("/patients/<uid:patient_id>/merge")
@bp.input(MergeIn, arg_name="body")
@bp.output(MergeOut, status_code=201)
@allow(*DESK)
def merge_patients(patient_id: str, body: MergeIn) -> Response:
    """Two cards are one person's: keep this one. It gets the other's visits, messages and links; opt-outs of both count."""
    return answer(_merge(use_cases().merging.merge(patient_id, body.patient_id, actor())), 201)


@bp.get("/patients/<uid:patient_id>/merges")
@bp.output(MergePage)
@allow(*READERS)
def list_merges(patient_id: str) -> Response:
    """Merges that this card took part in, newest first."""
    return answer({"items": [_merge(row) for row in use_cases().merging.history(patient_id)], "next_cursor": None})


@bp.post("/patient-merges/<uid:merge_id>/undo")
@bp.input(Nothing, arg_name="_")
@bp.output(MergeOut)
@allow(*DESK)
def undo_merge(merge_id: str, _: Nothing) -> Response:
    """Two cards again; what was added since stays with the one that was kept."""
    return answer(_merge(use_cases().merging.undo(merge_id, actor())))


@bp.get("/patients/<uid:patient_id>/messages")
@bp.output(Conversation)
@allow(*READERS)
def conversation(patient_id: str) -> Response:
    """Everything said to and by the patient, newest first."""
    items = [
        {"id": row.uid, "direction": row.direction, "channel": row.channel, "kind": row.kind, "text": row.body,
         "language": row.language, "state": row.state, "created_at": moment(row.created_at)}
        for row in use_cases().patients.conversation(patient_id)
    ]  # fmt: skip
    return answer({"items": items, "next_cursor": None})


@bp.get("/inbox")
@bp.input(InboxQuery, location="query", arg_name="wanted")
@bp.output(InboxPage)
@allow(*READERS)
def list_inbox(wanted: InboxQuery) -> Response:
    """What needs a person, oldest first: replies nobody could read with certainty, and numbers that do not work."""
    after = decode_cursor(wanted.cursor, 1)
    rows = use_cases().desk.inbox(after[0] if after else 0, wanted.limit, done=wanted.done)
    return page(rows, wanted.limit, _item, lambda row: [row.id])


@bp.post("/inbox/<uid:item_id>/done")
@bp.input(Nothing, arg_name="_")
@bp.output(InboxOut)
@allow(*DESK)
def finish_item(item_id: str, _: Nothing) -> Response:
    """Somebody has dealt with it."""
    return answer(_item(use_cases().desk.finish(item_id, actor())))


@bp.post("/messages")
@bp.input(NoteIn, arg_name="body")
@bp.output(NoteOut, status_code=201)
@allow(*DESK)
def write_message(body: NoteIn) -> Response:
    """Write to a patient; it goes out within seconds."""
    row = use_cases().desk.write(body.patient_id, body.text, once())
    return answer({"id": row.uid, "state": row.state, "due_at": moment(row.due_at)}, 201)


def _card(card: Card, status: int = 200) -> Response:
    return answer(_show(card), status, etag(card.patient.version))


def _show(card: Card) -> dict[str, Any]:
    names = ("name", "phone", "phone_problem", "email", "language", "time_zone", "birth_year", "paused",
             "version")  # fmt: skip
    row = {name: getattr(card.patient, name) for name in names}
    return {
        "id": card.patient.uid,
        **row,
        "merged": card.patient.merged_into is not None,
        "opted_out": list(card.opted_out),
        "stops": [_stop(one) for one in card.stops],
    }


def _merge(row: Record) -> dict[str, Any]:
    moved = {name: len(numbers) for name, numbers in row.moved.items() if name != "filled"}
    return {
        "id": row.uid, "kept_id": row.kept_uid, "merged_id": row.gone_uid, "at": moment(row.at), "actor": row.actor,
        "moved": moved, "filled": sorted(row.moved.get("filled", {})), "undone_at": moment(row.undone_at),
        "undone_by": row.undone_by,
    }  # fmt: skip


def _stop(stop: Stop) -> dict[str, Any]:
    return {
        "channel": stop.channel, "since": moment(stop.since), "evidence": stop.evidence, "message_id": stop.message_id,
        "ended_at": moment(stop.ended_at), "ended_evidence": stop.ended_evidence,
    }  # fmt: skip


def _item(row: Record) -> dict[str, Any]:
    return {
        "id": row.uid, "reason": row.reason, "text": row.body, "channel": row.channel, "patient_id": row.patient_uid,
        "appointment_id": row.appointment_uid, "phone": row.phone, "phone_problem": row.phone_problem,
        "proposed_start": moment(row.proposed_at), "created_at": moment(row.created_at), "done_at": moment(row.done_at),
        "done_by": row.done_by,
    }  # fmt: skip
