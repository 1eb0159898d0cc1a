"""Calendars and connected systems: are they in step, what could not be agreed on, who may read and write ours."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from reminders.domain.actor import Role
from reminders.domain.crm import Setting
from reminders.domain.sync import Live
from reminders.errors import Conflict, Invalid, ReminderError
from reminders.services.feeds import Scope
from reminders.services.sync.disputes import decided_together
from reminders.services.sync.kinds import FIRST_IMPORT, is_about_to_begin
from reminders.store.engine import Record
from reminders.web.console import calendarwords, disputes
from reminders.web.console.guard import actor, only_administrators
from reminders.web.console.pages import checked, done, once, query, render, status_of, written
from reminders.web.console.shown import desk_zone
from reminders.web.context import caller, now, snapshot, use_cases
from reminders.web.respond import decode_cursor, encode_cursor
from reminders.web.schemas.feeds import DavCredentialIn, FeedIn

bp = Blueprint("calendars", __name__)

_MOST, _PAGE, _RUNS = 200, 20, 15


@bp.get("/calendars")
def show() -> ResponseReturnValue:
    return _overview()


@bp.get("/calendars/connections/<uid:connection_id>")
def connection(connection_id: str) -> ResponseReturnValue:
    return show_connection(connection_id)


@bp.post("/calendars/connections/<uid:connection_id>")
def act(connection_id: str) -> ResponseReturnValue:
    """Try it, run a pass, pause or go on: the button says which."""
    try:
        said, good = _acted(connection_id, written("act"))
    except ReminderError as problem:
        return show_connection(connection_id, problem)
    if not good:
        return show_connection(connection_id, Invalid(said, field="act"))
    done(said)
    return redirect(url_for(".connection", connection_id=connection_id), 303)


@bp.get("/calendars/conflicts")
def conflicts() -> ResponseReturnValue:
    return _conflicts()


@bp.post("/calendars/conflicts/<uid:conflict_id>")
def resolve(conflict_id: str) -> ResponseReturnValue:
    """Let one of both values hold; of a record there that could be several of ours, say which one it is."""
    choice, _, match = written("choice").partition(" ")
    if choice not in (Live.OURS, Live.THEIRS, disputes.MATCH):
        raise Invalid("There is no such choice.", field="choice")
    try:
        use_cases().disputes.resolve(conflict_id, Live.OURS if match else Live(choice), actor(), match or None)
    except ReminderError as problem:
        return _conflicts(problem, conflict_id)
    done("Decided. The other side follows with the next pass.")
    return redirect(url_for(".conflicts"), 303)


@bp.post("/calendars/feeds")
def create_feed() -> ResponseReturnValue:
    """A new address to subscribe to; it is on the page that answers, and nowhere else."""
    kind, _, uid = written("whose").partition(":")
    try:
        if kind not in ("provider", "location") or not uid:
            raise Invalid("Whose visits shall it show?", field="whose")
        wanted = checked(FeedIn, **{f"{kind}_id": uid}, privacy=written("privacy"), label=written("label"))
        scope = Scope(wanted.provider_id, wanted.location_id)
        row, address = use_cases().feeds.create(scope, wanted.privacy, wanted.label, once())
    except ReminderError as problem:
        return _overview(problem)
    return render("calendar_secret", row=row, address=address, password=None)


@bp.post("/calendars/feeds/<uid:feed_id>/revoke")
def revoke_feed(feed_id: str) -> ResponseReturnValue:
    use_cases().feeds.revoke(feed_id)
    done("The address is not found any more.")
    return redirect(url_for(".show"), 303)


@bp.post("/calendars/logins")
def create_login() -> ResponseReturnValue:
    """Let one device in; its password is on the page that answers, and nowhere else."""
    try:
        wanted = checked(
            DavCredentialIn, provider_id=written("provider"), label=written("device"), scope=written("scope")
        )  # fmt: skip
        row, password = use_cases().dav_logins.create(wanted.provider_id, wanted.label, wanted.scope, once())
    except ReminderError as problem:
        return _overview(problem)
    address = f"{use_cases().settings.public_url}/dav/"
    return render("calendar_secret", row=row, address=address if password else None, password=password)


@bp.post("/calendars/logins/<uid:login_id>/revoke")
def revoke_login(login_id: str) -> ResponseReturnValue:
    use_cases().dav_logins.revoke(login_id)
    done("The device is shut out.")
    return redirect(url_for(".show"), 303)


def _acted(uid: str, wish: str) -> tuple[str, bool]:
    """What came of it, in words, and whether it went well."""
    match wish:
        case "test":
            check = use_cases().calendar_connections.test(uid)
            return (f"It answers: {check.detail}" if check.ok else check.detail), check.ok
        case "sync":
            outcome = use_cases().syncing.now(uid)
            tally = outcome.tally
            said = f"Seen {tally.seen}, taken over {tally.pulled}, written there {tally.pushed}."
            said = f"{said} {calendarwords.remarks(tally.remarks)}".rstrip()
            reason = outcome.sentence or calendarwords.REASONS.get(outcome.error or "", outcome.error or "")
            return (said, True) if outcome.error is None else (reason, False)
        case "pause" | "resume":
            only_administrators("pauses connections")
            if use_cases().calendar_connections.get(uid).state_reason == FIRST_IMPORT:
                raise Conflict("Its first import waits: look at the preview, then let it begin.")
            row = use_cases().calendar_connections.change(uid, paused=wish == "pause")
            stopped = (
                "Taken back. Nothing was changed on either side." if row.state_reason == FIRST_IMPORT else "Paused."
            )
            return (stopped if wish == "pause" else "It goes on at once."), True
    raise Invalid("There is no such action.", field="act")


def _overview(problem: ReminderError | None = None) -> ResponseReturnValue:
    place = snapshot()
    return render(
        "calendars", status_of(problem) if problem else 200, connections=use_cases().syncing.connections(),
        feeds=use_cases().feeds.listing(0, _MOST), logins=use_cases().dav_logins.listing(0, _MOST),
        providers=[one for one in place.providers.values() if one.active], locations=list(place.locations.values()),
        provider_names={one.uid: one.name for one in place.providers.values()},
        now=now(), location_names={one.uid: one.name for one in place.locations.values()}, say=calendarwords,
        open=len(decided_together(use_cases().disputes.listing(None, attention=True, after=None, limit=_MOST))),
        problem=problem,
        typed=request.form, zone=desk_zone(session.get("location")), may_connect=caller().role is Role.ADMIN,
    )  # fmt: skip


def show_connection(uid: str, problem: ReminderError | None = None) -> ResponseReturnValue:
    """The page of one connection."""
    row = use_cases().calendar_connections.get(uid)
    provider = snapshot().provider_by_id.get(row.provider_id)
    return render(
        "connection", status_of(problem) if problem else 200, row=row, provider=provider.name if provider else None,
        runs=use_cases().calendar_connections.runs(uid, _RUNS), problem=problem, say=calendarwords,
        may_pause=caller().role is Role.ADMIN, zone=desk_zone(session.get("location")),
        first=row.state_reason == FIRST_IMPORT, begins=is_about_to_begin(row, now()), now=now(),
        preview=row.config.get("preview"), preview_at=_previewed(row), secrets=_secrets(row),
    )  # fmt: skip


def _secrets(row: Record) -> list[Setting]:
    """What a patient system is told that nobody may read again."""
    if "settings" not in row.config:
        return []
    return [one for one in use_cases().crm_connections.system(row.kind).settings if one.secret]


def _previewed(row: Record) -> datetime | None:
    """When somebody looked at what the first import would do."""
    preview = row.config.get("preview")
    return datetime.fromisoformat(preview["at"]) if preview else None


def _conflicts(problem: ReminderError | None = None, at_fault: str | None = None) -> ResponseReturnValue:
    everything = bool(request.args.get("all"))
    after = decode_cursor(query("after") or None, 1)
    rows = use_cases().disputes.listing(
        None, attention=None if everything else True, after=after[0] if after else None, limit=_PAGE
    )  # fmt: skip
    zone = desk_zone(session.get("location"))
    return render(
        "conflicts", status_of(problem) if problem else 200, items=disputes.shown(rows[:_PAGE], zone),
        everything=everything, problem=problem, at_fault=at_fault, zone=zone,
        following=encode_cursor([rows[_PAGE - 1].id]) if len(rows) > _PAGE else None,
    )  # fmt: skip
