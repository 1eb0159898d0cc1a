"""Free times as choices on a page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from reminders.domain.clinic import Provider
from reminders.services.slots import Slot
from reminders.web.context import snapshot


@dataclass(frozen=True, slots=True)
class Option:
    """One free time with somebody who has it. ``value`` is what a form sends for it."""

    start: datetime
    provider: Provider

    @property
    def value(self) -> str:
        return f"{self.start.isoformat()} {self.provider.uid}"

    @staticmethod
    def read(value: str) -> tuple[str, str]:
        """Start and provider of a choice; empty when nothing was chosen."""
        start, _, provider = value.partition(" ")
        return start, provider

    @staticmethod
    def of(slot: Slot) -> Option:
        return Option(datetime.fromtimestamp(slot.start, slot.provider.location.zone), slot.provider)

    @staticmethod
    def of_offer(offer: dict[str, str]) -> Option:
        """One of the alternatives that come with ``SlotTaken``."""
        return Option(datetime.fromisoformat(offer["start"]), snapshot().provider(offer["provider_id"]))


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the week shown, with its free times; of several providers free at once the first."""

    day: date
    options: tuple[Option, ...]


def by_day(monday: date, slots: Iterable[Slot], zone: ZoneInfo) -> list[Day]:
    """Seven days; every start once."""
    firsts: dict[int, Option] = {}
    for slot in slots:
        firsts.setdefault(slot.start, Option.of(slot))
    days = [monday + timedelta(days=number) for number in range(7)]
    return [Day(day, tuple(one for one in firsts.values() if one.start.astimezone(zone).date() == day)) for day in days]
