"""Programs that are told of changes: whom, whether it works, what was sent, once more, another secret. Administrators only."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from flask import Blueprint, redirect, session, url_for
from flask.typing import ResponseReturnValue

from reminders.domain.webhook import EVENTS, Verdict
from reminders.errors import Invalid, ReminderError
from reminders.services.webhooks.subscriptions import Wish
from reminders.web.console import calendarwords
from reminders.web.console.guard import only_administrators
from reminders.web.console.pages import checked, complaints, done, query, render, status_of, written
from reminders.web.console.shown import desk_zone
from reminders.web.context import now, use_cases
from reminders.web.respond import decode_cursor, encode_cursor
from reminders.web.schemas.webhooks import WebhookIn

bp = Blueprint("webhooks", __name__)

_MOST, _PAGE = 100, 20
_STATES = ("pending", "delivered", "failed")


@bp.get("/webhooks")
def listing() -> ResponseReturnValue:
    only_administrators("decides who is told of changes")
    return _listing()


@bp.post("/webhooks")
def create() -> ResponseReturnValue:
    """A new one; its secret is on the page that answers, and nowhere else."""
    only_administrators("decides who is told of changes")
    chosen = [name for name in EVENTS if written(f"event-{name}")]
    try:
        wanted = checked(WebhookIn, url=written("url"), label=written("label"), events=chosen or None)
        row, secret = use_cases().webhooks.add(Wish(wanted.url, wanted.label, wanted.events))
    except ReminderError as problem:
        return _listing(problem)
    return render("webhook_secret", row=row, secret=secret, overlap=None)


@bp.get("/webhooks/<uid:webhook_id>")
def show(webhook_id: str) -> ResponseReturnValue:
    only_administrators("decides who is told of changes")
    return _page(webhook_id)


@bp.post("/webhooks/<uid:webhook_id>")
def act(webhook_id: str) -> ResponseReturnValue:
    """Try it, pause, go on, another secret, remove it: the button says which."""
    only_administrators("decides who is told of changes")
    wish = written("act")
    if wish == "rotate":
        row, secret = use_cases().webhooks.rotate(webhook_id)
        return render("webhook_secret", row=row, secret=secret, overlap=row.old_until, zone=_zone())
    try:
        done(_acted(webhook_id, wish))
    except ReminderError as problem:
        return _page(webhook_id, problem)
    there = url_for(".listing") if wish == "remove" else url_for(".show", webhook_id=webhook_id)
    return redirect(there, 303)


@bp.get("/webhooks/<uid:webhook_id>/deliveries/<uid:delivery_id>")
def delivery(webhook_id: str, delivery_id: str) -> ResponseReturnValue:
    only_administrators("decides who is told of changes")
    row, tries = use_cases().webhooks.delivery(webhook_id, delivery_id)
    hook = use_cases().webhooks.get(webhook_id)
    return render("webhook_delivery", hook=hook, row=row, tries=tries, say=calendarwords, zone=_zone())


@bp.post("/webhooks/<uid:webhook_id>/deliveries/<uid:delivery_id>")
def replay(webhook_id: str, delivery_id: str) -> ResponseReturnValue:
    """Once more, under the same id."""
    only_administrators("decides who is told of changes")
    use_cases().webhooks.replay(webhook_id, delivery_id)
    done("It is sent again within seconds, under the same id.")
    return redirect(url_for(".delivery", webhook_id=webhook_id, delivery_id=delivery_id), 303)


def _acted(uid: str, wish: str) -> str:
    """What came of it, in words."""
    hooks = use_cases().webhooks
    match wish:
        case "test":
            _, sent = hooks.test(uid)
            answered = f"It answered {sent.posted.status} in {sent.milliseconds} ms."
            if sent.verdict is not Verdict.DELIVERED:
                raise Invalid(
                    answered if sent.posted.status else f"It did not answer: {sent.posted.error}.", field="act"
                )
            return answered
        case "pause" | "resume":
            hooks.change(uid, Wish(paused=wish == "pause"))
            return "Paused. What happens meanwhile is kept." if wish == "pause" else "It goes on at once."
        case "remove":
            hooks.remove(uid)
            return "Removed, with its log."
    raise Invalid("There is no such action.", field="act")


def _listing(problem: ReminderError | None = None) -> ResponseReturnValue:
    rows = use_cases().webhooks.listing(0, _MOST)[:_MOST]
    return render(
        "webhooks", status_of(problem) if problem else 200, rows=rows, queued=use_cases().webhooks.waiting([row.id for row in rows]),
        events=EVENTS, problem=problem, faults=complaints(problem) if problem else {}, say=calendarwords, zone=_zone(),
        typed={name: written(name) for name in ("url", "label")},
    )  # fmt: skip


def _page(uid: str, problem: ReminderError | None = None) -> ResponseReturnValue:
    row, state = use_cases().webhooks.get(uid), query("state")
    after = decode_cursor(query("after") or None, 1)
    wanted = state if state in _STATES else None
    found = use_cases().webhooks.deliveries(uid, wanted, after[0] if after else None, _PAGE)
    return render(
        "webhook", status_of(problem) if problem else 200, row=row, queued=use_cases().webhooks.waiting([row.id]),
        deliveries=found[:_PAGE], following=encode_cursor([found[_PAGE - 1].id]) if len(found) > _PAGE else None,
        overlap=row.old_until if row.old_until and row.old_until > now() else None, state=wanted, states=_STATES,
        problem=problem, say=calendarwords, zone=_zone(),
    )  # fmt: skip


def _zone() -> ZoneInfo:
    return desk_zone(session.get("location"))
