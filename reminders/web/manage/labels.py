"""What the groups of a report are called on the pages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from babel import Locale, UnknownLocaleError

from reminders.web.context import use_cases
from reminders.web.manage import words
from reminders.web.manage.words import N_, _

_OUTCOMES = {
    "fulfilled": N_("took place"), "arrived": N_("arrived"), "noshow": N_("no-show"), "cancelled": N_("cancelled"),
    "unmarked": N_("not marked"), "upcoming": N_("still ahead"),
}  # fmt: skip
_CONFIRMATIONS = {"unconfirmed": N_("not confirmed"), "confirmed": N_("confirmed"), "declined": N_("declined")}
_BANDS = {
    "unknown": N_("unknown"), "same day": N_("same day"), "1-2 days": N_("1–2 days"), "3-7 days": N_("3–7 days"),
    "8-14 days": N_("8–14 days"), "15-30 days": N_("15–30 days"), "31+ days": N_("31 days or more"),
}  # fmt: skip
_CHANNELS = {
    "sms": N_("SMS"), "voice": N_("calls"), "email": N_("e-mail"), "none": N_("no reminder"), "several": N_("several"),
}  # fmt: skip
_STATES = {
    "planned": N_("planned"), "claimed": N_("being sent"), "sent": N_("sent"), "delivered": N_("delivered"),
    "failed": N_("failed"), "uncertain": N_("being checked"), "received": N_("received"),
}  # fmt: skip
_FIRST = {"first": N_("first visit"), "later": N_("later visits")}


def outcome(code: str) -> str:
    """What became of a visit."""
    return _(_OUTCOMES.get(code, code))


def confirmation(code: str) -> str:
    return _(_CONFIRMATIONS.get(code, code))


def state(code: str) -> str:
    """Where a message stands."""
    return _(_STATES.get(code, code))


def language(tag: str) -> str:
    """The name of a language in the reader's own."""
    try:
        return Locale.parse(tag.replace("-", "_")).get_display_name(words.locale()) or tag
    except (ValueError, UnknownLocaleError):
        return tag


def _step(number: str) -> str:
    return _("step %(number)s", number=int(number) + 1) if int(number) < 1000 else _("a step that is gone")


_NAMERS: dict[str, Callable[[str], str]] = {
    "outcome": outcome,
    "language": language,
    "lead_time": lambda code: _(_BANDS.get(code, code)),
    "channel": lambda code: _(_CHANNELS.get(code, code)),
    "first_visit": lambda code: _(_FIRST.get(code, code)),
    "weekday": lambda code: words.weekday(int(code)),
    "step": _step,
}


def group(by: str, code: str, label: str) -> str:
    """A group of a report; ``label`` is what the report calls it."""
    if not code and by in {"provider", "location", "service"}:
        return _("unknown")
    return _NAMERS[by](code) if by in _NAMERS else label


def chosen(name: str, code: str) -> str:
    """What a list of visits is narrowed to."""
    snapshot = use_cases().catalogue.current()
    known: dict[str, Mapping[str, Any]] = {
        "location": snapshot.locations, "provider": snapshot.providers, "service": snapshot.services,
    }  # fmt: skip
    if name in known:
        found = known[name].get(code)
        return found.name if found else code
    return group(name, code, code)
