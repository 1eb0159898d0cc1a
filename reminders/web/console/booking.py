"""Booking: a service and a free time first, then who comes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from flask import Blueprint, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from reminders.domain.clinic import Location, Provider, Service
from reminders.errors import ReminderError, SlotTaken
from reminders.services.booking import Request
from reminders.services.patients import Card
from reminders.services.slots import Search
from reminders.web.console.guard import actor
from reminders.web.console.pages import checked, complaints, done, once, query, render, status_of, written
from reminders.web.console.people import found, languages, patient_form
from reminders.web.console.shown import chosen_location, day_bounds, read_day, wall_time
from reminders.web.console.times import Day, Option, by_day
from reminders.web.context import now, snapshot, use_cases
from reminders.web.schemas.visits import Book, Reschedule

bp = Blueprint("booking", __name__)

_MOST_FOUND = 10
_MOST_SLOTS = 5000
_NOBODY: Sequence[Card] = ()


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be booked, without the patient. ``override``: a time outside what is offered."""

    service: Service
    option: Option
    override: bool

    @property
    def location(self) -> Location:
        return self.option.provider.location


@bp.get("/book")
def times() -> ResponseReturnValue:
    """The free times of a service in one week."""
    location = chosen_location(query("location") or session.get("location"))
    if location is None:
        return render("empty")
    session["location"] = location.uid
    today = now().astimezone(location.zone).date()
    day = read_day(query("week"), today)
    monday = day - timedelta(days=day.weekday())
    service = snapshot().services.get(query("service"))
    providers = _providers(location)
    provider = next((one for one in providers if one.uid == query("provider")), None)
    return render(
        "book", location=location, locations=snapshot().locations.values(), services=_services(location),
        service=service, providers=providers, provider=provider, monday=monday, today=today,
        offering=[one for one in providers if service and one.id in service.provider_ids],
        days=_free(service, provider, location, monday) if service else [], card=_patient(query("patient")),
        earlier=monday - timedelta(days=7), later=monday + timedelta(days=7),
    )  # fmt: skip


@bp.get("/book/patient")
def patient() -> ResponseReturnValue:
    """Who comes? Search, or fill in a new card."""
    return _choose(_wish(), card=_patient(query("patient")))


@bp.post("/book")
def book() -> ResponseReturnValue:
    wish, patient_id = _wish(), written("patient")
    try:
        if not patient_id:
            patient_id = use_cases().patients.add(patient_form(), wish.location.country, once("card")).patient.uid
        wanted = checked(
            Book, service_id=wish.service.uid, provider_id=wish.option.provider.uid, patient_id=patient_id,
            start=wish.option.start.isoformat(), override=wish.override,
        )  # fmt: skip
        visit = use_cases().booking.book(Request(**wanted.model_dump()), actor(), once())
    except ReminderError as problem:
        return _choose(wish, problem, _patient(patient_id))
    done("The visit is booked and its reminders are planned.")
    return redirect(url_for("console.visit.show", visit_id=visit.uid), 303)


def _choose(wish: Wish, problem: ReminderError | None = None, card: Card | None = None) -> ResponseReturnValue:
    wanted, cards = query("q"), _NOBODY
    try:
        cards = found(wanted, _MOST_FOUND) if wanted else []
    except ReminderError as unreadable:
        problem = problem or unreadable
    offers = problem.facts.get("alternatives", []) if problem else []
    return render(
        "book_patient", status_of(problem) if problem else 200, wish=wish, problem=problem, wanted=wanted,
        cards=cards[:_MOST_FOUND], more=len(cards) > _MOST_FOUND, card=card, languages=languages(),
        faults=complaints(problem) if problem else {}, typed={} if card else request.form, others=_others(wish),
        taken=isinstance(problem, SlotTaken), offers=[Option.of_offer(offer) for offer in offers],
    )  # fmt: skip


def _wish() -> Wish:
    """From a chosen time, or from the day and time somebody typed."""
    service = snapshot().service(request.values.get("service", ""))
    if "option" in request.values:
        start, provider_id = Option.read(request.values["option"])
        wanted = checked(Reschedule, start=start, provider_id=provider_id)
        provider = snapshot().provider(wanted.provider_id or "")
        at = wanted.start.astimezone(provider.location.zone)
    else:
        provider = snapshot().provider(request.values.get("provider", ""))
        at = wall_time(request.values.get("day", ""), request.values.get("time", ""), provider.location.zone)
    return Wish(service, Option(at, provider), bool(request.values.get("override")))


def _others(wish: Wish) -> list[Option]:
    """The same time with somebody else."""
    start, location = wish.option.start, wish.location
    if wish.override:
        return []
    search = Search(wish.service.uid, start, start + timedelta(minutes=1), None, location.uid)
    options = [Option.of(slot) for slot in use_cases().slots.search(search)]
    return [one for one in options if one.start == start and one.provider.uid != wish.option.provider.uid]


def _free(service: Service, provider: Provider | None, location: Location, monday: date) -> list[Day]:
    first, last = day_bounds(monday, 7, location.zone)
    search = Search(service.uid, first, last, provider.uid if provider else None, location.uid, _MOST_SLOTS)
    return by_day(monday, use_cases().slots.search(search), location.zone)


def _services(location: Location) -> list[Service]:
    here = {provider.id for provider in _providers(location)}
    return [one for one in snapshot().services.values() if one.active and one.provider_ids & here]


def _providers(location: Location) -> list[Provider]:
    return [one for one in snapshot().providers.values() if one.active and one.location.id == location.id]


def _patient(uid: str) -> Card | None:
    return use_cases().patients.get(uid) if uid else None
