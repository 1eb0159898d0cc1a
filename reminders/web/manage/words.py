"""How the pages speak: the reader's language, and numbers, days and money as it writes them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale, dates, numbers
from flask import g, request

from reminders.web import sessions
from reminders.web.context import use_cases

#: What stands where there is nothing to divide by, or nothing is known.
NOTHING = "–"


def N_(text: str) -> str:  # noqa: N802 - the usual name
    """Marks a text that is translated where it is shown."""
    return text


def language() -> str:
    """What the reader wants: the account's language, at the door the browser's."""
    if "language" not in g:
        reader = sessions.visitor()
        own = reader.language if reader else None
        g.language = use_cases().pages.choose([own, *request.accept_languages.values()])
    return str(g.language)


def speak(wanted: str) -> None:
    """Use another language from here on."""
    g.language = use_cases().pages.choose([wanted])


def locale() -> Locale:
    return Locale.parse(language())


def gettext(text: str) -> str:
    """``text`` in the reader's language."""
    return use_cases().pages.catalogue(language()).gettext(text)


def ngettext(one: str, many: str, count: int) -> str:
    """The form of a text that goes with ``count``."""
    return use_cases().pages.catalogue(language()).ngettext(one, many, count)


def _(text: str, **facts: Any) -> str:
    """``text`` in the reader's language, with the facts put in."""
    return gettext(text) % facts if facts else gettext(text)


def number(value: float | Decimal | None, digits: int = 0) -> str:
    """Such as 1,234.5; ``digits`` at most after the point."""
    if value is None:
        return NOTHING
    pattern = "#,##0" + ("." + "#" * digits if digits else "")
    return str(numbers.format_decimal(value, format=pattern, locale=locale()))


def percent(share: float | None, digits: int = 1) -> str:
    """A share between 0 and 1, such as 12.3%."""
    if share is None:
        return NOTHING
    return str(numbers.format_percent(share, format="#,##0" + "." * bool(digits) + "0" * digits + "%", locale=locale()))


def points(difference: float | None) -> str:
    """A difference of two shares in percentage points, with its sign."""
    if difference is None:
        return NOTHING
    return ("+" if difference > 0 else "") + number(difference * 100, 1).replace("-", "−")


def money(amount: Decimal | str | None, currency: str | None, digits: int = 2) -> str:
    """An amount with its currency; prices of messages need more ``digits``."""
    if amount is None or currency is None:
        return NOTHING
    form = "¤#,##0." + "0" * digits
    return str(numbers.format_currency(Decimal(amount), currency, format=form, locale=locale(), currency_digits=False))


def day(value: date) -> str:
    """Such as "6 May 2030"."""
    return str(dates.format_date(value, "medium", locale=locale()))


def short_day(value: date) -> str:
    """Such as "6 May"."""
    return str(dates.format_skeleton("MMMd", value, locale=locale()))


def moment(value: datetime, zone: ZoneInfo) -> str:
    """A day and a time on the clock of ``zone``."""
    return str(dates.format_datetime(value, "medium", tzinfo=zone, locale=locale()))


def weekday(index: int) -> str:
    """Short name of a day of the week, Monday being 0."""
    return str(locale().days["stand-alone"]["abbreviated"][index])


def span(first: date, last: date) -> str:
    """Two days with a dash between."""
    return f"{day(first)} – {day(last)}"
