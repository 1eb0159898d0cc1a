"""Times of day as people write them in an answer: "9:30", "9.30 pm", "9h30", "9 am", "오전 9시 30분", "at 9"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from reminders.domain.folding import HOUR

# Also how recognised speech is written ("9時30分"), and half past where it follows the hour ("9点半").
_HOUR = re.compile(
    r"(?<![\d:.A-Za-z])(?:(?P<before>上午|早上|午前|오전)|(?P<after>下午|晚上|午後|오후))?\s?(?P<hour>\d{1,2})"
    r"(?:\s?[:：.h]\s?(?P<minute>\d{2})|\s?[時时点點시](?:\s?(?P<other>\d{2})\s?[分분]?|\s?(?P<past>半|반)|[鐘钟整])?|\s?โมง(?P<half_past>ครึ่ง)?|-(?P<rounded>00|30|45)"
    r"|\s?h(?:rs?|s)?\b|(?=\s?[ap]\.?\s?m\b))(?:\s?(?P<half>[ap])\.?\s?m\b\.?)?(?!\d)",
    re.IGNORECASE,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Hour:
    """A time of day that was written; ``half`` is "a", "p" or, where it was left out, empty."""

    hour: int
    minute: int = 0
    half: str = ""

    @classmethod
    def of_number(cls, number: str) -> Self:
        """What "9" and "930" mean after "at"."""
        return cls(int(number[:-2]), int(number[-2:])) if len(number) in (3, 4) else cls(int(number))

    def is_of(self, start: datetime) -> bool:
        """Without "am" or "pm" both halves of the day count."""
        if start.minute != self.minute or (self.half and (start.hour >= 12) != (self.half == "p")):
            return False
        return start.hour == self.hour or (self.hour <= 12 and start.hour % 12 == self.hour % 12)


def without_hours(text: str) -> tuple[str, tuple[Hour, ...]]:
    """``text`` with a sign in the place of each time of day, and these in their order."""
    found = [_hour(match) for match in _HOUR.finditer(text)]
    return _HOUR.sub(f" {HOUR} ", text.replace(HOUR, " ")), tuple(found)


def _hour(match: re.Match[str]) -> Hour:
    minute = (
        match["minute"] or match["other"] or match["rounded"] or ("30" if match["past"] or match["half_past"] else "0")
    )
    half = match["half"] or ("a" if match["before"] else "p" if match["after"] else "")
    return Hour(int(match["hour"]), int(minute), half.lower())
