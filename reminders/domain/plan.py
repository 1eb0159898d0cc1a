"""Which reminders a visit gets and when: a pure function of the visit, the policy and the present time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo

from reminders.domain.delivery import Channel, Reason, State
from reminders.domain.duration import Duration

_MIDNIGHT_MINUTES = 1440


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Wall time in which nobody is contacted: from ``start`` to ``end``, minutes after midnight, usually over night."""

    start: int
    end: int

    def forbids(self, minute: float) -> bool:
        if self.start <= self.end:
            return self.start <= minute < self.end
        return minute >= self.start or minute < self.end


#: Where the law or common rules name hours for automated calls and texts, else a polite default.
#: US: 47 CFR 64.1200(c)(1), 8 a.m. to 9 p.m. local time of the called party. Table of 2026-11.
COUNTRY_QUIET_HOURS: dict[str, QuietHours] = {
    "US": QuietHours(21 * 60, 8 * 60),
    "FR": QuietHours(20 * 60, 10 * 60),
    "IN": QuietHours(21 * 60, 9 * 60),
}
DEFAULT_QUIET_HOURS = QuietHours(20 * 60, 8 * 60)


@dataclass(frozen=True, slots=True)
class Step:
    """One nudge: ``offset`` before the start (negative), channels in order of preference.

    ``fallback_after`` is how long after the first channel the next one follows unless the visit is confirmed; without
    it the next channel is used only when the first fails. ``not_after`` is how close to the start it may still go out.
    """

    offset: Duration
    channels: tuple[Channel, ...] = (Channel.SMS,)
    unless_confirmed: bool = False
    fallback_after: Duration | None = None
    not_after: Duration | None = None

    def deadline(self, start: datetime, zone: tzinfo) -> datetime:
        """Last moment at which this nudge still helps: by default half of its lead time before the start."""
        if self.not_after is not None:
            return (-abs(self.not_after)).after(start, zone)
        return start - abs(self.offset.approximate) / 2


@dataclass(frozen=True, slots=True)
class Planned:
    """One reminder to store. A step that cannot be kept is stored too, suppressed, so the ledger can say why."""

    step: int
    channel: Channel
    due_at: datetime
    not_after: datetime
    state: State = State.PLANNED
    reason: Reason = Reason.DUE


def plan(
    start: datetime,
    now: datetime,
    steps: Sequence[Step],
    *,
    venue: tzinfo,
    recipient: tzinfo,
    quiet: QuietHours | None,
) -> list[Planned]:
    """The reminders of a visit that begins at ``start``, as seen at ``now``.

    Offsets count in the venue's wall time, quiet hours in the recipient's. Steps whose time has passed are skipped, so
    that a late booking does not set off all of them at once.
    """
    return [
        _planned(number, channel, due, step.deadline(start, venue), now, recipient, quiet)
        for number, step in enumerate(steps)
        for channel, due in _channel_times(step, start, venue)
    ]


def into_allowed_hours(
    due: datetime, deadline: datetime, now: datetime, zone: tzinfo, quiet: QuietHours | None
) -> datetime | None:
    """``due`` moved out of quiet hours: forward to the next opening if that is before the deadline, else back to the
    last allowed minute before they begin, else ``None`` when that has passed too."""
    if quiet is None or not quiet.forbids(_minute(due, zone)):
        return due
    opening = _edge(due, zone, quiet.end, forward=True)
    if opening <= deadline:
        return opening
    before = _edge(due, zone, quiet.start, forward=False) - timedelta(minutes=1)
    return before if before >= now else None


def _channel_times(step: Step, start: datetime, venue: tzinfo) -> list[tuple[Channel, datetime]]:
    due = step.offset.after(start, venue)
    if step.fallback_after is None:
        return [(step.channels[0], due)]
    wait = abs(step.fallback_after).approximate
    return [(channel, due + wait * position) for position, channel in enumerate(step.channels)]


def _planned(
    number: int,
    channel: Channel,
    due: datetime,
    deadline: datetime,
    now: datetime,
    recipient: tzinfo,
    quiet: QuietHours | None,
) -> Planned:
    if due < now:
        return Planned(number, channel, due, deadline, State.SUPPRESSED, Reason.BOOKED_TOO_LATE)
    allowed = into_allowed_hours(due, max(due, deadline), now, recipient, quiet)
    if allowed is None:
        return Planned(number, channel, due, deadline, State.SUPPRESSED, Reason.NO_ALLOWED_TIME)
    reason = Reason.DUE if allowed == due else Reason.SHIFTED
    return Planned(number, channel, allowed, max(allowed, deadline), State.PLANNED, reason)


def _minute(moment: datetime, zone: tzinfo) -> float:
    wall = moment.astimezone(zone)
    return wall.hour * 60 + wall.minute + wall.second / 60


def _edge(moment: datetime, zone: tzinfo, minutes: int, *, forward: bool) -> datetime:
    """The next (or last) time the wall clock of ``zone`` shows ``minutes`` after midnight."""
    wall = moment.astimezone(zone)
    minutes %= _MIDNIGHT_MINUTES
    edge = datetime.combine(wall.date(), time(minutes // 60, minutes % 60), zone)
    if forward and edge < wall:
        edge += timedelta(days=1)
    if not forward and edge > wall:
        edge -= timedelta(days=1)
    return edge.astimezone(UTC)
