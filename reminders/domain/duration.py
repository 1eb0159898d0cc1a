"""ISO 8601 durations as the API uses them: a number of calendar days and a number of exact seconds.

The two parts are kept apart because they mean different things on the days the clocks change: one day before Monday
09:00 is Sunday 09:00 on the wall, 24 hours before it may be 08:00 or 10:00.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from reminders.errors import Invalid

_PATTERN = re.compile(
    r"(?P<sign>[+-])?P(?:(?P<weeks>\d{1,9})W)?(?:(?P<days>\d{1,9})D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d{1,9})H)?(?:(?P<minutes>\d{1,9})M)?(?:(?P<seconds>\d{1,9})S)?)?",
    re.ASCII,
)
_LIMIT_DAYS = 400


@dataclass(frozen=True, slots=True, order=True)
class Duration:
    """``days`` of the calendar plus ``seconds`` of physical time; both share one sign."""

    days: int = 0
    seconds: int = 0

    @classmethod
    def parse(cls, text: str) -> Duration:
        """Read ``-P1DT2H`` and the like (ISO 8601 without years and months, which have no fixed length)."""
        match = _PATTERN.fullmatch(text)
        if match is None or text.endswith(("P", "T")):
            raise Invalid("Durations are written in ISO 8601, for example -P1D or -PT2H30M.", value=text[:40])
        part = {name: int(value or 0) for name, value in match.groupdict().items() if name != "sign"}
        days = part["weeks"] * 7 + part["days"]
        seconds = part["hours"] * 3600 + part["minutes"] * 60 + part["seconds"]
        if days + seconds / 86400 > _LIMIT_DAYS:
            raise Invalid(f"Durations reach at most {_LIMIT_DAYS} days.", value=text[:40])
        sign = -1 if match["sign"] == "-" else 1
        return cls(sign * days, sign * seconds)

    def __str__(self) -> str:
        days, seconds = abs(self.days), abs(self.seconds)
        clock = [(seconds // 3600, "H"), (seconds % 3600 // 60, "M"), (seconds % 60, "S")]
        time_part = "".join(f"{value}{unit}" for value, unit in clock if value)
        body = (f"{days}D" if days else "") + (f"T{time_part}" if time_part else "")
        return ("-" if self.days < 0 or self.seconds < 0 else "") + "P" + (body or "T0S")

    def __neg__(self) -> Duration:
        return Duration(-self.days, -self.seconds)

    def __abs__(self) -> Duration:
        return Duration(abs(self.days), abs(self.seconds))

    @property
    def approximate(self) -> timedelta:
        """Length with days counted as 24 hours; for comparing, never for computing a time."""
        return timedelta(days=self.days, seconds=self.seconds)

    def after(self, moment: datetime, zone: tzinfo) -> datetime:
        """``moment`` plus this duration, in UTC: days on the wall clock of ``zone``, then exact seconds.

        A wall time that the clocks skip is read with the offset before the change (RFC 5545, 3.3.5).
        """
        if self.days:
            wall = moment.astimezone(zone) + timedelta(days=self.days)
            moment = wall.replace(fold=0)
        return moment.astimezone(UTC) + timedelta(seconds=self.seconds)
