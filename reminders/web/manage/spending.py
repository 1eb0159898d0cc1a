"""Money for messages of every kind: what it went to, what the calendar will still cost, and the month's budget."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from reminders.domain.cost import Money
from reminders.domain.spending import Budget, Forecast, Source
from reminders.services.spending import SpendingReport
from reminders.web.manage import labels, words
from reminders.web.manage.figures import Figure
from reminders.web.manage.sheets import Chart, Column, Kind, Part, Sheet
from reminders.web.manage.words import N_, _

#: Prices of messages are fractions of a cent.
DIGITS = 4
_KINDS = {
    "reminder": N_("reminders"), "moved": N_("notices of a new time"), "cancelled": N_("notices of a cancellation"),
    "desk": N_("notes from the desk"), "answer": N_("answers to patients"), "reply": N_("patients' answers"),
    "test": N_("tries of a text"),
}  # fmt: skip
_SOURCES = {
    Source.HISTORY: N_("mean of the last 90 days"), Source.RATE_CARD: N_("rate card: nothing was paid yet"),
}  # fmt: skip


def figures(report: SpendingReport) -> list[Figure]:
    """What avoiding a no-show costs, what is to come, and how the month stands."""
    return [*_avoided(report), *_ahead(report.forecast), *_month(report.budget)]


def by_kind(report: SpendingReport, links: Sequence[str] = ()) -> Sheet:
    """Every message about the visits of these days, charged beside estimated; ``links`` lead to the messages of each row."""
    rows = [row | {"label": _line(row["kind"], row["channel"])} for row in report.rows()]
    money: dict[str, Any] = {"kind": Kind.MONEY}
    columns = (
        Column("label", _("Messages"), Kind.TEXT, Part.LABEL), Column("messages", _("Messages"), defined="messages"),
        Column("cost", _("Cost"), part=Part.VALUE, defined="cost", **money),
        Column("actual_cost", _("Charged"), defined="actual_cost", **money),
        Column("actual_messages", _("of them charged"), defined="actual_messages"),
        Column("estimated_cost", _("Estimated"), defined="estimated_cost", **money),
        Column("estimated_messages", _("of them estimated"), defined="estimated_messages"),
        Column("unpriced_messages", _("without a price"), defined="unpriced_messages"),
        Column("actual_to_estimated", _("Charged over estimated"), Kind.SHARE, defined="actual_to_estimated"),
    )  # fmt: skip
    note = _(
        "Charged over estimated compares the two for the messages that have both: above 100 %, estimates are too low."
    )
    chart = Chart.BARS if len({row["currency"] for row in rows} - {None}) == 1 else Chart.NONE
    return Sheet("kinds", _("What the money went to"), columns, rows, chart, note, links=links)


def ahead(found: Forecast) -> Sheet:
    """The booked calendar in money, channel by channel."""
    columns = (
        Column("label", _("Channel"), Kind.TEXT, Part.LABEL), Column("reminders", _("Planned reminders"), defined="forecast"),
        Column("each", _("One costs"), Kind.MONEY, digits=DIGITS), Column("source", _("That price is the"), Kind.TEXT),
        Column("cost", _("Cost"), Kind.MONEY, Part.VALUE, "forecast"),
    )  # fmt: skip
    rows = [
        {"label": labels.group("channel", one.channel, one.channel), "reminders": one.reminders,
         "each": one.each.amount, "source": _(_SOURCES[one.source]), "cost": one.cost.amount, "currency": one.each.currency}
        for one in found.expected
    ] + [
        {"label": _("notices and answers"), "source": _("their share in the last 90 days"), "cost": money.amount,
         "currency": money.currency}
        for money in found.extra
    ]  # fmt: skip
    chart = Chart.BARS if len({row["currency"] for row in rows}) == 1 else Chart.NONE
    title = _("Forecast for the next %(days)s days", days=found.days)
    note = _("Reminders that are planned for visits already booked; visits that are still to be booked come on top.")
    return Sheet("forecast", title, columns, rows, chart, note, _("No reminder is planned for these days."))


def kind_name(kind: str) -> str:
    """What messages of a kind are called."""
    return _(_KINDS.get(kind, kind))


def _line(kind: str, channel: str) -> str:
    return _("%(kind)s, %(channel)s", kind=kind_name(kind), channel=labels.group("channel", channel, channel))


def _avoided(report: SpendingReport) -> Iterator[Figure]:
    for one in report.results:
        if one.per == "avoided_noshow" and one.cost is not None:
            low, high = (words.money(bound, one.currency) for bound in (one.low, one.high))
            spread = _("95 %% interval %(low)s to %(high)s", low=low, high=high)
            detail = spread if one.high is not None else _("at least %(low)s; there may be none", low=low)
            yield Figure(
                _("per no-show avoided"),
                words.money(one.cost, one.currency),
                detail,
                defined="avoided_noshow",
                rows="#kinds",
            )


def _ahead(found: Forecast) -> list[Figure]:
    label = _("Expected in the next %(days)s days", days=found.days)
    reminders = words.number(sum(one.reminders for one in found.expected))
    detail = _("%(count)s reminders are planned", count=reminders)
    return [Figure(label, _amount(money), detail, defined="forecast", rows="#forecast") for money in found.total]


def _month(found: Budget) -> list[Figure]:
    """Shown without a budget too: what the month has cost is worth knowing."""
    spent, expected = (_amount(Money(amount, found.currency)) for amount in (found.spent, found.expected))
    label, said = _("Spent this month"), _("%(amount)s expected by its end", amount=expected)
    if found.limit is None:
        return [Figure(label, spent, _("No budget is set."), said, defined="budget")]
    limit = _amount(Money(found.limit, found.currency))
    if found.enough:
        return [Figure(label, spent, _("of a budget of %(limit)s", limit=limit), said, "good", "budget")]
    said = _("%(said)s: more than the budget", said=said)
    return [Figure(label, spent, _("of a budget of %(limit)s", limit=limit), said, "bad", "budget")]


def _amount(money: Money) -> str:
    return words.money(money.amount.quantize(Decimal("0.01")), money.currency)
