"""Connecting a provider's calendar elsewhere: look for it, try it, keep it in step. Administrators only.

A password is taken once and sealed. No page holds it again, not even the form it was typed into.
"""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue

from reminders.domain.ports import FoundCalendar
from reminders.errors import Invalid, ReminderError
from reminders.services.sync.connections import Wanted
from reminders.services.sync.crms import CrmChange
from reminders.web.console import calendarwords
from reminders.web.console.guard import only_administrators
from reminders.web.console.pages import checked, complaints, done, once, render, status_of, written
from reminders.web.context import snapshot, use_cases
from reminders.web.schemas.connections import CalendarConnectionIn

bp = Blueprint("connecting", __name__)


class _Choose(Exception):
    """Several calendars are behind the address: somebody has to say which one is meant."""

    def __init__(self, found: Sequence[FoundCalendar]) -> None:
        super().__init__()
        self.found = found


@bp.get("/calendars/connections/new")
def form() -> ResponseReturnValue:
    only_administrators("connects calendars")
    return _form()


@bp.post("/calendars/connections")
def create() -> ResponseReturnValue:
    """Look for the calendar, try it, and only then keep the connection."""
    only_administrators("connects calendars")
    try:
        wanted = _wanted()
        check = use_cases().calendar_connections.try_out(wanted)
        if not check.ok:
            raise Invalid(check.detail, field="address")
        row = use_cases().calendar_connections.create(wanted, once())
    except _Choose as several:
        return _form(found=several.found)
    except ReminderError as problem:
        return _form(problem)
    done("Connected. It answers, and the first pass begins within seconds.")
    return redirect(url_for("console.calendars.connection", connection_id=row.uid), 303)


@bp.post("/calendars/connections/<uid:connection_id>/password")
def password(connection_id: str) -> ResponseReturnValue:
    """A new password, which lets a stopped connection go on."""
    only_administrators("connects calendars")
    if not written("password"):
        raise Invalid("The new password is missing.", field="password")
    use_cases().calendar_connections.change(connection_id, secret=written("password"))
    check = use_cases().calendar_connections.test(connection_id)
    done("The new password works." if check.ok else f"The new password is kept, but: {check.detail}")
    return redirect(url_for("console.calendars.connection", connection_id=connection_id), 303)


@bp.post("/calendars/connections/<uid:connection_id>/secrets")
def secrets(connection_id: str) -> ResponseReturnValue:
    """New keys of a patient system, which let a stopped connection go on; what is left empty stays."""
    only_administrators("connects systems")
    crms = use_cases().crm_connections
    names = [one.name for one in crms.system(crms.get(connection_id).kind).settings if one.secret]
    given = {name: typed for name in names if (typed := written(f"secret-{name}"))}
    if not given:
        raise Invalid("Nothing is filled in.", field="secrets")
    crms.edit(connection_id, CrmChange(settings=given))
    check = use_cases().calendar_connections.test(connection_id)
    done("Saved, and it answers." if check.ok else f"Saved, but: {check.detail}")
    return redirect(url_for("console.calendars.connection", connection_id=connection_id), 303)


def _wanted() -> Wanted:
    """The form, as the API would read it, with the calendar's own address."""
    address, user, secret = written("address"), written("username"), written("password")
    if not address:
        raise Invalid("The address is missing.", field="address")
    if bool(user) != bool(secret):
        raise Invalid("Give user name and password, or neither.", field="password")
    if written("kind") not in ("caldav", "ics"):
        raise Invalid("Choose how the calendar is read.", field="kind")
    url = _meant(address, user, secret) if written("kind") == "caldav" else address
    asked = checked(
        CalendarConnectionIn, kind=written("kind"), provider_id=written("provider"), url=url, label=written("label"),
        username=user, password=secret, privacy=written("privacy"), on_remote_delete=written("on_remote_delete"),
        visits=written("kind") == "caldav", busy=bool(written("busy")),
    )  # fmt: skip
    config = {
        "url": url, "username": user, "visits": asked.visits, "busy": asked.busy, "privacy": asked.privacy.value,
    }  # fmt: skip
    return Wanted(
        asked.kind, asked.label or url, asked.provider_id, None, config, asked.password, asked.on_remote_delete
    )  # fmt: skip


def _meant(address: str, user: str, secret: str) -> str:
    """The one calendar behind an address, or the one that was chosen from several."""
    found = use_cases().calendar_connections.discover(address, user, secret)
    chosen = written("calendar")
    if any(one.url == chosen for one in found):
        return chosen
    if len(found) != 1:
        raise _Choose(found)
    return found[0].url


def _form(problem: ReminderError | None = None, found: Sequence[FoundCalendar] = ()) -> ResponseReturnValue:
    place = snapshot()
    typed = {name: value for name, value in request.form.items() if name != "password"}
    return render(
        "connect", status_of(problem) if problem else 200, problem=problem, found=found, typed=typed, say=calendarwords,
        providers=[one for one in place.providers.values() if one.active],
        faults=complaints(problem) if problem else {},
    )  # fmt: skip
