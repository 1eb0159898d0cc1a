"""/api/v1/changes: what changed since a program last asked."""

from __future__ import annotations

from typing import Any

from apiflask import APIBlueprint
from flask import Response

from reminders.services.changes import VISIT, Changed
from reminders.web import appointments
from reminders.web.auth import DESK, allow
from reminders.web.context import use_cases
from reminders.web.respond import answer, decode_cursor, encode_cursor, moment
from reminders.web.schemas.changes import ChangeQuery, NewsPage

bp = APIBlueprint("changes", __name__, url_prefix="/api/v1", tag="Changes")
_CARD = ("name", "phone", "email", "language", "time_zone", "birth_year", "paused", "version")


@bp.get("/changes")
@bp.input(ChangeQuery, location="query", arg_name="wanted")
@bp.output(NewsPage)
@allow(*DESK)
def changes(wanted: ChangeQuery) -> Response:
    """Patients and visits that changed after `cursor`, each once, as it is now, in the order of its last change. Without a
    cursor everything. With `source` each has the id that it goes by there."""
    after = decode_cursor(wanted.cursor, 1) or [0]
    number = use_cases().external.number(wanted.source) if wanted.source else None
    news = use_cases().changes.since(after[0], wanted.limit, number)
    items = [_changed(one) for one in news.items]
    if number is not None:
        use_cases().external.handed(number, len(items))
    return answer({"items": items, "next_cursor": encode_cursor([news.upto]), "more": news.more})


def _changed(one: Changed) -> dict[str, Any]:
    is_visit = one.entity == VISIT
    return {
        "entity": one.entity, "id": one.uid, "changed_at": moment(one.at), "external_id": one.external_id,
        "patient": None if is_visit else _patient(one),
        "appointment": appointments.show(one.row) if is_visit else None,
    }  # fmt: skip


def _patient(one: Changed) -> dict[str, Any]:
    return {
        "id": one.uid, **{name: getattr(one.row, name) for name in _CARD}, "opted_out": list(one.opted_out),
        "merged_into": one.merged_into,
    }  # fmt: skip
