"""What a call costs as it becomes known: its minutes, the clinic it was connected with, and machine detection.

A call is estimated as one minute when it is placed. The provider's price of a call is that of its minutes alone; the
gateway adds the calls it was connected with, and detection, which is billed apart and named nowhere, is added here as the
rate card has it.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from sqlalchemy import Connection

from reminders.domain.cost import RateCard, rate_card
from reminders.domain.delivery import Channel
from reminders.domain.ports import Report
from reminders.store import messages, spendings
from reminders.store.engine import Record

_MINUTE = 60  # seconds; a minute that has begun is charged


def connected(tx: Connection, call: Record, to: str, seconds: int) -> None:
    """The call was connected with the number ``to`` for so long. Told twice, it counts once."""
    card = rate_card(call.created_at.date())
    _estimate(tx, call, card, card.price(Channel.VOICE, call.phone, 1).amount + card.minutes(to, _begun(seconds)))


def ended(tx: Connection, call: Record, seconds: int) -> None:
    """The call is over after so many seconds. Once for each call."""
    card = rate_card(call.created_at.date())
    if call.estimated is not None:
        _estimate(tx, call, card, call.estimated + card.minutes(call.phone, max(0, _begun(seconds) - 1)))


def untaken(tx: Connection, call: Record) -> None:
    """Nobody took the call, so nothing is charged."""
    _estimate(tx, call, rate_card(call.created_at.date()), Decimal(0))


def billed(message: Record, report: Report) -> Report:
    """``report`` with machine detection in its price, where it was at work and the bill is in the card's currency."""
    card = rate_card(message.created_at.date())
    detected = message.channel == Channel.VOICE and report.answered_by is not None
    if not detected or not report.price or report.currency != card.currency:
        return report
    return replace(report, price=report.price + card.detection)


def _estimate(tx: Connection, call: Record, card: RateCard, amount: Decimal) -> None:
    """The month's sum was counted with the estimate before."""
    if call.price is not None or call.estimated is None or call.estimated_currency != card.currency:
        return
    messages.learn(tx, call.id, estimated=amount)
    if amount != call.estimated:
        spendings.add(tx, call.created_at, card.currency, amount - call.estimated)


def _begun(seconds: int) -> int:
    return -(-seconds // _MINUTE)
