"""The clinic's own texts: every text with what it costs, a preview before saving, and a try on a phone of the staff."""

from __future__ import annotations

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue

from reminders.domain.actor import Role
from reminders.domain.delivery import Channel
from reminders.domain.wording import Key
from reminders.errors import Forbidden, Invalid, ReminderError
from reminders.services.wording import Check
from reminders.web.console.guard import actor
from reminders.web.console.pages import checked, done, query, render, status_of, version_seen, written
from reminders.web.console.people import languages
from reminders.web.context import caller, use_cases
from reminders.web.schemas.texts import TextIn, TextTry

bp = Blueprint("texts", __name__)

_ONE = "/texts/<string:channel>/<string:language>/<string:template>"


@bp.get("/texts")
def listing() -> ResponseReturnValue:
    channel, language = query("channel") or Channel.SMS.value, query("language") or use_cases().wording.house_language()
    return render(
        "texts", texts=use_cases().wording.listing(channel, language), channel=channel, language=language,
        languages=languages(),
    )  # fmt: skip


@bp.get(_ONE)
def show(channel: str, language: str, template: str) -> ResponseReturnValue:
    return _page(Key(channel, template, language))


@bp.post(_ONE)
def act(channel: str, language: str, template: str) -> ResponseReturnValue:
    """Preview, save, go back to the standard text, or try it on a phone: the button says which."""
    key = Key(channel, template, language)
    if caller().role is not Role.ADMIN:
        return _page(key, Forbidden("Only a key of the role admin changes texts."))
    try:
        said = _acted(key, written("act"))
    except ReminderError as problem:
        return _page(key, problem, written("body"))
    if said is None:
        return _page(key, typed=written("body"))
    done(said)
    return redirect(url_for(".show", channel=channel, language=language, template=template), 303)


def _acted(key: Key, wish: str) -> str | None:
    """What was done, in words; ``None`` for a preview."""
    wording = use_cases().wording
    match wish:
        case "preview":
            checked(TextIn, body=written("body"))
            return None
        case "save":
            wording.save(key, checked(TextIn, body=written("body")).body, actor(), version_seen())
            return "Saved. Messages use this text from now on."
        case "restore":
            wording.restore(key, actor(), version_seen())
            return "The standard text is in force again."
        case "try":
            wish_to_try = checked(TextTry, phone=written("phone"), body=written("body"))
            wording.try_out(key, wish_to_try.phone, wish_to_try.body)
            return "The text is on its way to that phone."
    raise Invalid("There is no such action.", field="act")


def _page(key: Key, problem: ReminderError | None = None, typed: str = "") -> ResponseReturnValue:
    wording = use_cases().wording
    found = wording.get(key)
    body = typed or found.body
    check: Check = wording.check(key, body)
    return render(
        "text", status_of(problem) if problem else 200, found=found, check=check, body=body, problem=problem,
        versions=wording.versions(key), may_change=caller().role is Role.ADMIN, languages=languages(),
        previewed=bool(typed) and problem is None, phone=request.form.get("phone", ""),
    )  # fmt: skip
