"""Lists of the REST API: which records are wanted, and which page of them.

Paging follows Twilio's: newest first, ``PageToken`` names the record at the edge of the page before, so records that
arrive while somebody turns the pages neither repeat nor hide others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

from reminders.sandbox.records import SandboxCall, SandboxMessage
from reminders.sandbox.refusals import TwilioError

DEFAULT_PAGE = 50
LARGEST_PAGE = 1000

Record = TypeVar("Record", SandboxMessage, SandboxCall)


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time, both ends included; None leaves an end open."""

    start: datetime | None = None
    end: datetime | None = None

    def __contains__(self, moment: datetime | None) -> bool:
        if self.start is None and self.end is None:
            return True
        # A record that has not got this time yet is in no window, as at Twilio.
        if moment is None:
            return False
        moment = moment.replace(microsecond=0)
        return (self.start is None or self.start <= moment) and (self.end is None or moment <= self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageFilter:
    to: str = ""
    from_: str = ""
    sent: Window = Window()

    def __call__(self, message: SandboxMessage) -> bool:
        return (
            not message.automatic
            and self.to in ("", message.to)
            and self.from_ in ("", message.from_)
            and message.sent_at in self.sent
        )

    def phone(self, own: str) -> str | None:
        """The phone to which all wanted messages belong, when the filter names one."""
        return next((number for number in (self.to, self.from_) if number not in ("", own)), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallFilter:
    to: str = ""
    from_: str = ""
    status: str = ""
    parent: str = ""
    started: Window = Window()
    ended: Window = Window()

    def __call__(self, call: SandboxCall) -> bool:
        return (
            self.to in ("", call.to)
            and self.from_ in ("", call.from_)
            and self.status in ("", call.status)
            and self.parent in ("", call.parent)
            and call.started_at in self.started
            and call.ended_at in self.ended
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """``token`` is "PA" or "PB" and the id of the record after or before which the page lies."""

    size: int = DEFAULT_PAGE
    number: int = 0
    token: str = ""


@dataclass(frozen=True, slots=True)
class Page(Generic[Record]):
    items: Sequence[Record]
    next_token: str | None
    previous_token: str | None


def cut(found: Sequence[Record], wanted: PageRequest) -> Page[Record]:
    """The wanted page of ``found``; without a token the page number counts from the newest record."""
    start, stop = _bounds(found, wanted)
    items = found[start:stop]
    return Page(
        items=items,
        next_token=f"PA{items[-1].sid}" if items and stop < len(found) else None,
        previous_token=f"PB{items[0].sid}" if items and start > 0 else None,
    )


def _bounds(found: Sequence[Record], wanted: PageRequest) -> tuple[int, int]:
    if not wanted.token:
        return wanted.number * wanted.size, (wanted.number + 1) * wanted.size
    edge = next((index for index, record in enumerate(found) if record.sid == wanted.token[2:]), len(found))
    if wanted.token.startswith("PB"):
        return max(0, edge - wanted.size), edge
    return edge + 1, edge + 1 + wanted.size


def page_request(args: Mapping[str, str]) -> PageRequest:
    """Read ``PageSize``, ``Page`` and ``PageToken``; what cannot be read counts as not sent."""
    return PageRequest(
        size=min(max(_number(args.get("PageSize"), DEFAULT_PAGE), 1), LARGEST_PAGE),
        number=_number(args.get("Page"), 0),
        token=args.get("PageToken", ""),
    )


def window(args: Mapping[str, str], name: str) -> Window:
    """Read ``name``, ``name<`` and ``name>``: a GMT date, or a GMT time; raises ``TwilioError``."""
    if text := args.get(name):
        return _span(text, name)
    before, after = args.get(f"{name}<"), args.get(f"{name}>")
    return Window(
        start=_span(after, name).start if after else None,
        end=_span(before, name).end if before else None,
    )


def _span(text: str, name: str) -> Window:
    """The whole day that a date means, or the one second that a time means."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise TwilioError(20001, name) from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    day = re.fullmatch(r"\d{4}-\d{2}-\d{2}", text) is not None
    return Window(moment, moment + timedelta(days=1, seconds=-1) if day else moment)


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() else default
