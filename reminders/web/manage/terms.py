"""What the figures and cost lines of a scenario are called, in the reader's language."""

from __future__ import annotations

from reminders.domain.sourcing.scenario import Per, When
from reminders.web.manage.words import N_, _

#: The names that ``domain/sourcing/reading.py`` makes of fields; all others are what the clinic calls them.
FIGURES = {
    "calls per month": N_("calls per month"),
    "bookings per month": N_("bookings per month"),
    "talk minutes": N_("talk minutes"),
    "wrap minutes": N_("wrap minutes"),
    "growth per year": N_("growth per year"),
    "show rate": N_("show rate"),
    "value per visit": N_("value per visit"),
    "refilled share": N_("refilled share"),
    "transfer share": N_("transfer share"),
    "international share": N_("international share"),
    "open days per month": N_("open days per month"),
    "answered share": N_("answered share"),
    "seconds": N_("seconds"),
    "occupancy": N_("occupancy"),
    "shrinkage": N_("shrinkage"),
    "hours per month": N_("hours per month"),
    "price rise per year": N_("price rise per year"),
    "seats": N_("seats"),
    "how many": N_("how many"),
    "times": N_("times"),
    "included": N_("included"),
    "answer seconds": N_("answer seconds"),
    "first call resolution": N_("first call resolution"),
    "abandonment": N_("abandonment"),
    "booking completion": N_("booking completion"),
    "satisfaction": N_("satisfaction"),
    "security": N_("security"),
    "control": N_("control"),
    "lock in": N_("lock in"),
    "languages": N_("languages"),
    "messages": N_("messages"),
    "calls avoided per month": N_("calls avoided per month"),
    "no-shows avoided per month": N_("no-shows avoided per month"),
    "tax rate": N_("tax rate"),
    "agents": N_("agents"),
    "daily hours": N_("daily hours"),
    "paid days per month": N_("paid days per month"),
    "reference seconds": N_("reference seconds"),
    "count": N_("count"),
}
_PERS = {
    Per.FIXED: N_("fixed"), Per.SEAT: N_("seat"), Per.AGENT: N_("agent"), Per.CALL: N_("call answered"),
    Per.MINUTE: N_("minute"), Per.BOOKING: N_("booking"), Per.BOOKING_VALUE: N_("value of the bookings"),
    Per.TRANSFER: N_("transfer"), Per.INTERNATIONAL_MINUTE: N_("international minute"),
}  # fmt: skip
_WHENS = {When.ONCE: N_("once"), When.MONTHLY: N_("monthly"), When.YEARLY: N_("yearly")}


def figure(label: str) -> str:
    """A figure of a scenario: "Service: price rise per year", of which the clinic gave the name before the colon."""
    owner, _colon, name = label.rpartition(": ")
    said = _(FIGURES[name]) if name in FIGURES else name
    return _("%(owner)s: %(figure)s", owner=owner, figure=said) if owner else said


def pers() -> list[tuple[str, str]]:
    """What a cost line may be paid for, by code."""
    return [(per.value, _(_PERS[per])) for per in Per]


def whens() -> list[tuple[str, str]]:
    """How often it may be paid, by code."""
    return [(when.value, _(_WHENS[when])) for when in When]
