"""/api/v1/call-list: whom the desk should call."""

from __future__ import annotations

from decimal import Decimal
from math import exp
from typing import Any

from apiflask import APIBlueprint
from flask import Response

from reminders.domain.cost import Money
from reminders.domain.risk import Reason
from reminders.services.catalogue import Snapshot
from reminders.services.risk import CallList, Line
from reminders.web.auth import DESK, allow
from reminders.web.context import snapshot, use_cases
from reminders.web.respond import answer, moment, money
from reminders.web.schemas.calling import CallListOut, CallListQuery

bp = APIBlueprint("calling", __name__, url_prefix="/api/v1", tag="Appointments")
_CENT = Decimal("0.01")


@bp.get("/call-list")
@bp.input(CallListQuery, location="query", arg_name="wanted")
@bp.output(CallListOut)
@allow(*DESK)
def call_list(wanted: CallListQuery) -> Response:
    """The visits of the next day that stand to lose most, with the reasons, in the order in which to call."""
    found = use_cases().risks.call_list(wanted.location_id, wanted.day, wanted.minutes)
    place = snapshot()
    return answer({
        "location_id": found.location.uid, "day": found.day.isoformat() if found.day else None,
        "minutes": found.minutes, "minutes_per_call": str(found.each), "model_version": found.model,
        "visits": found.visits, "confirmed_and_reachable": found.safe, "without_phone": found.without_phone,
        "not_to_be_called": found.not_to_be_called, "items": [_call(line, found, place) for line in found.lines],
        "next_cursor": None,
    })  # fmt: skip


def _call(line: Line, found: CallList, place: Snapshot) -> dict[str, Any]:
    call, row, one = line.call, line.row, line.call.candidate
    provider, currency = place.provider_by_id.get(row.provider_id), found.location.currency
    stake = None if one.value is None else Money(call.at_stake.quantize(_CENT), currency)
    return {
        "rank": call.rank, "appointment_id": row.uid, "start": moment(row.start_at, found.location.zone),
        "patient_id": row.patient_uid, "patient_name": row.patient_name, "phone": row.patient_phone,
        "language": row.patient_language, "service_id": row.service_uid,
        "provider_id": provider.uid if provider else None, "confirmation": row.confirmation,
        "contact": one.contact.value, "risk": round(one.risk, 4), "reasons": [_reason(why) for why in one.reasons],
        "value": None if one.value is None else money(Money(one.value, currency)), "at_stake": money(stake),
        "fits": call.fits,
    }  # fmt: skip


def _reason(why: Reason) -> dict[str, Any]:
    return {
        "factor": why.factor.value, "text": why.text, "raises": why.raises, "odds_ratio": round(exp(why.effect), 3)
    }  # fmt: skip
