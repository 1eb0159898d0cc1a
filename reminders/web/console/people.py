"""Patients: searching, the card, and what they allow."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import cache
from typing import Any

from babel import Locale
from flask import Blueprint, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from reminders.errors import ReminderError
from reminders.services.patients import Card
from reminders.settings import data_dir
from reminders.store.appointments import Filter
from reminders.store.engine import Record
from reminders.web.console import words
from reminders.web.console.guard import actor
from reminders.web.console.pages import (
    Complaints,
    checked,
    complaints,
    done,
    once,
    query,
    render,
    status_of,
    version_seen,
    written,
)
from reminders.web.console.shown import Line, chosen_location, consents, desk_zone, line, startable, stoppable
from reminders.web.context import caller, now, use_cases
from reminders.web.respond import decode_cursor, encode_cursor
from reminders.web.schemas.people import Consent, NoteIn, PatientChange, PatientIn

bp = Blueprint("people", __name__)

_PAGE = 25
_AHEAD, _BEHIND = 20, timedelta(days=2 * 365)
_PHONE = re.compile(r"\+?[\d\s()./-]{5,}")


@bp.get("/patients")
def search() -> ResponseReturnValue:
    """Cards by part of a name or a whole number; without either, all of them."""
    wanted, problem, cards = query("q"), None, []
    after = decode_cursor(query("after") or None, 1)
    try:
        cards = list(found(wanted, _PAGE, after[0] if after else 0))
    except ReminderError as unreadable:
        problem = unreadable
    following = encode_cursor([cards[_PAGE - 1].patient.id]) if len(cards) > _PAGE else None
    return render(
        "people", status_of(problem) if problem else 200, wanted=wanted, cards=cards[:_PAGE], following=following,
        problem=problem,
    )  # fmt: skip


@bp.get("/patients/new")
def new() -> ResponseReturnValue:
    return _new_card()


@bp.post("/patients/new")
def add() -> ResponseReturnValue:
    try:
        card = use_cases().patients.add(patient_form(), _country(), once())
    except ReminderError as problem:
        return _new_card(problem)
    done("The card is saved.")
    return _to_card(card.patient.uid)


@bp.get("/patients/<uid:patient_id>")
def show(patient_id: str) -> ResponseReturnValue:
    return _page(patient_id)


@bp.post("/patients/<uid:patient_id>")
def change(patient_id: str) -> ResponseReturnValue:
    """Save the card as the form has it; what was emptied is taken off."""
    return _tried(patient_id, lambda: _save(patient_id), "The card is saved.")


@bp.post("/patients/<uid:patient_id>/stop")
def stop(patient_id: str) -> ResponseReturnValue:
    """The patient told the desk to stop."""

    def write_down() -> None:
        said = _said()
        use_cases().patients.stop(patient_id, said.channel, actor(), said.evidence)

    return _tried(patient_id, write_down, "Written down. What was planned that way is taken back.")


@bp.post("/patients/<uid:patient_id>/start")
def start(patient_id: str) -> ResponseReturnValue:
    """The patient told the desk to start again."""

    def write_down() -> None:
        said = _said()
        use_cases().patients.allow(patient_id, said.channel, actor(), said.evidence)

    return _tried(patient_id, write_down, "Messages are allowed again, beginning with the next one planned.")


@bp.post("/patients/<uid:patient_id>/pause")
def pause(patient_id: str) -> ResponseReturnValue:
    """Nothing goes out but what a person writes; or that ends."""
    paused = bool(written("paused"))
    said = "Paused. Only notes that somebody writes go out." if paused else "Messages go out again."
    return _tried(patient_id, lambda: use_cases().patients.pause(patient_id, actor(), paused=paused), said)


@bp.post("/patients/<uid:patient_id>/note")
def note(patient_id: str) -> ResponseReturnValue:
    """Write to the patient."""
    return _tried(patient_id, lambda: send_note(patient_id), "The note goes out within seconds.", "talk")


def _said() -> Consent:
    return checked(Consent, channel=written("channel"), evidence=written("evidence"))


def found(wanted: str, limit: int, after: int = 0) -> Sequence[Card]:
    """Up to one card more than ``limit`` for what somebody typed: a phone number, or part of a name."""
    phone = wanted if _PHONE.fullmatch(wanted) else None
    return use_cases().patients.listing(after, limit, None if phone else wanted or None, phone)


def patient_form() -> dict[str, Any]:
    """A new card as typed, checked as the API checks it."""
    return checked(PatientIn, **_form_values()).model_dump(exclude={"country"})


def send_note(patient_id: str) -> None:
    """Queue the text of the form; ``Complaints`` or ``OptedOut`` when it cannot go out."""
    body = checked(NoteIn, patient_id=patient_id, text=written("text"))
    use_cases().desk.write(body.patient_id, body.text, once())


@cache
def languages() -> dict[str, str]:
    """The languages we have texts in, with their English names."""
    tags = sorted(path.name for path in (data_dir() / "locales").iterdir() if path.is_dir())
    return {tag: Locale.parse(tag).get_display_name("en") or tag for tag in tags}


def upcoming(patient_id: str, limit: int = _AHEAD) -> list[Line]:
    """The patient's visits still ahead, soonest first."""
    rows = use_cases().booking.listing(Filter(first=now(), patient_uid=patient_id, limit=limit))
    return [line(row) for row in rows[:limit]]


def _tried(patient_id: str, act: Callable[[], object], said: str, anchor: str | None = None) -> ResponseReturnValue:
    """Do it and show the card; or show the card with what is wrong."""
    try:
        act()
    except ReminderError as problem:
        return _page(patient_id, problem)
    done(said)
    return _to_card(patient_id, anchor)


def _save(patient_id: str) -> None:
    body = checked(PatientChange, **_form_values())
    values = {name: getattr(body, name) for name in _form_values()}
    if values["name"] is None:
        raise Complaints({"name": words.complaint("name", "missing")})
    if values["phone"] == use_cases().patients.get(patient_id).patient.phone:
        del values["phone"]  # the same number again does not take its warning away
    use_cases().patients.change(patient_id, values, _country(), version_seen())


def _form_values() -> dict[str, str]:
    return {name: written(name) for name in ("name", "phone", "email", "language")}


def _new_card(problem: ReminderError | None = None) -> ResponseReturnValue:
    return render(
        "person_new", status_of(problem) if problem else 200, problem=problem, typed=request.form,
        faults=complaints(problem) if problem else {}, languages=languages(),
    )  # fmt: skip


def _page(patient_id: str, problem: ReminderError | None = None) -> ResponseReturnValue:
    card = use_cases().patients.get(patient_id)
    return render(
        "person", status_of(problem) if problem else 200, card=card, problem=problem, languages=languages(),
        faults=complaints(problem) if problem else {}, typed=_typed(card.patient) | (request.form if problem else {}),
        upcoming=upcoming(patient_id), past=_past(patient_id), talk=use_cases().patients.conversation(patient_id),
        zone=desk_zone(session.get("location")), consents=consents(card), stoppable=stoppable(card),
        startable=startable(card), own_key=caller().key_id, known=use_cases().crm_connections.known_as(patient_id),
    )  # fmt: skip


def _past(patient_id: str) -> list[Line]:
    """The visits of the last two years, newest first."""
    rows = use_cases().booking.listing(Filter(first=now() - _BEHIND, last=now(), patient_uid=patient_id, limit=200))
    return [line(row) for row in reversed(rows)]


def _typed(patient: Record) -> dict[str, str]:
    return {name: getattr(patient, name) or "" for name in ("name", "phone", "email", "language")}


def _country() -> str | None:
    """Where a national phone number is read: the location the desk works at."""
    location = chosen_location(session.get("location"))
    return location.country if location else None


def _to_card(patient_id: str, anchor: str | None = None) -> ResponseReturnValue:
    return redirect(url_for(".show", patient_id=patient_id, _anchor=anchor), 303)
