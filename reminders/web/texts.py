"""/api/v1/texts: what the clinic says in its own words, and what that would cost."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import Response

from reminders.domain.estimate import Estimate
from reminders.domain.wording import Key
from reminders.services.wording import Check, Shown
from reminders.store.engine import Record
from reminders.web.auth import ADMINS, READERS, allow
from reminders.web.context import actor, use_cases
from reminders.web.respond import answer, etag, if_match, moment, money
from reminders.web.schemas.texts import (
    CheckOut,
    SavedOut,
    TextIn,
    TextList,
    TextOut,
    TextQuery,
    TextTry,
    TextWithVersions,
    TriedOut,
)

bp = APIBlueprint("texts", __name__, url_prefix="/api/v1", tag="Texts")

_ONE = "/texts/<string:channel>/<string:language>/<string:template>"


@bp.get("/texts")
@bp.input(TextQuery, location="query", arg_name="wanted")
@bp.output(TextList)
@allow(*READERS)
def list_texts(wanted: TextQuery) -> Response:
    """Every text, the clinic's own where there is one."""
    found = use_cases().wording.listing(wanted.channel, wanted.language)
    return answer({"items": [show(one) for one in found], "next_cursor": None})


@bp.get(_ONE)
@bp.output(TextWithVersions)
@allow(*READERS)
def get_text(channel: str, language: str, template: str) -> Response:
    """One text with its versions, newest first."""
    key = Key(channel, template, language)
    found = use_cases().wording.get(key)
    versions = [_version(row) for row in use_cases().wording.versions(key)]
    return answer(show(found) | {"versions": versions}, headers=etag(found.version))


@bp.post(f"{_ONE}/check")
@bp.input(TextIn, arg_name="body")
@bp.output(CheckOut)
@allow(*ADMINS)
def check_text(channel: str, language: str, template: str, body: TextIn) -> Response:
    """What a text would mean: refusals, warnings, segments, price, a cheaper spelling. Nothing is saved."""
    return answer(show_check(use_cases().wording.check(Key(channel, template, language), body.body)))


@bp.put(_ONE)
@bp.input(TextIn, arg_name="body")
@bp.output(SavedOut)
@allow(*ADMINS)
def save_text(channel: str, language: str, template: str, body: TextIn) -> Response:
    """Put a text in force, as its next version. Messages sent from now on use it."""
    found, check = use_cases().wording.save(Key(channel, template, language), body.body, actor(), if_match())
    return answer({"text": show(found), "check": show_check(check)}, headers=etag(found.version))


@bp.delete(_ONE)
@bp.output(TextOut)
@allow(*ADMINS)
def restore_text(channel: str, language: str, template: str) -> Response:
    """Go back to the product's text."""
    found = use_cases().wording.restore(Key(channel, template, language), actor(), if_match())
    return answer(show(found), headers=etag(found.version))


@bp.post(f"{_ONE}/test")
@bp.input(TextTry, arg_name="body")
@bp.output(TriedOut, status_code=202)
@allow(*ADMINS)
def try_text(channel: str, language: str, template: str, body: TextTry) -> Response:
    """Send a text with made-up facts to a phone of the staff."""
    uid = use_cases().wording.try_out(Key(channel, template, language), body.phone, body.body)
    return answer({"message_id": uid}, 202)


def show(one: Shown) -> dict[str, Any]:
    return {
        "channel": one.key.channel, "template": one.key.template, "language": one.key.language, "version": one.version,
        "stale": one.stale, "body": one.body, "standard": one.standard, "facts": list(one.facts),
        "updated_at": moment(one.updated_at), "updated_by": one.updated_by,
    }  # fmt: skip


def show_check(check: Check) -> dict[str, Any]:
    suggestion = check.suggestion
    return {
        "reasons": _remarks(check.reasons), "warnings": _remarks(check.warnings), "example": check.example,
        "estimate": _estimate(check.estimate) if check.estimate else None,
        "suggestion": {
            "body": suggestion.body, "replaced": suggestion.replaced, "estimate": _estimate(suggestion.estimate),
        } if suggestion else None,
    }  # fmt: skip


def _remarks(found: tuple[tuple[str, str], ...]) -> list[dict[str, str]]:
    return [{"code": code, "message": sentence} for code, sentence in found]


def _estimate(one: Estimate) -> dict[str, Any]:
    return {
        "encoding": one.encoding, "segments": one.segments, "most_segments": one.most_segments,
        "per_message": money(one.per_message), "messages_per_month": one.messages_per_month,
        "per_month": money(one.per_month),
    }  # fmt: skip


def _version(row: Record) -> dict[str, Any]:
    return {
        "version": row.version, "body": row.body, "created_at": moment(row.created_at), "created_by": row.created_by,
    }  # fmt: skip
