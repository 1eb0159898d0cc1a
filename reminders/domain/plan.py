"""Which reminders a visit gets and when: a pure function of the visit, the policy and the present time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta, tzinfo

from reminders.domain.delivery import Channel, Reason, State
from reminders.domain.duration import Duration

_MIDNIGHT_MINUTES = 1440
_MINUTE = timedelta(minutes=1)
#: What is due at its deadline still needs time to go out (a busy worker, pacing, a retry): this long, or half of what is
#: left before the visit.
_GRACE = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Wall time in which nobody is contacted: from ``start`` to ``end``, minutes after midnight, usually over night."""

    start: int
    end: int

    def forbids(self, minute: float) -> bool:
        if self.start <= self.end:
            return self.start <= minute < self.end
        return minute >= self.start or minute < self.end

    def forbids_at(self, moment: datetime, zone: tzinfo) -> bool:
        """Whether this moment is within them where the clocks show ``zone``."""
        wall = moment.astimezone(zone)
        return self.forbids(wall.hour * 60 + wall.minute + wall.second / 60)


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

    def after(self, channel: Channel) -> Channel | None:
        """The channel that follows when this one fails."""
        position = self.channels.index(channel) + 1 if channel in self.channels else len(self.channels)
        return self.channels[position] if position < len(self.channels) else None

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
    frame = _Frame(start, now, venue, recipient, quiet)
    return [planned for number, step in enumerate(steps) for planned in _contacts(number, step, frame)]


def into_allowed_hours(
    due: datetime, deadline: datetime, now: datetime, zone: tzinfo, quiet: QuietHours | None
) -> datetime | None:
    """``due`` moved out of quiet hours: forward to the next opening if that is before the deadline, else back to the
    last allowed minute before they begin, else ``None`` when that has passed too."""
    if quiet is None or not quiet.forbids_at(due, zone):
        return due
    openings = (edge for edge in _edges(due, zone, quiet.end) if edge >= due)
    opening = min((edge for edge in openings if not quiet.forbids_at(edge, zone)), default=None)
    if opening is not None and opening <= deadline:
        return opening
    closings = (edge - _MINUTE for edge in _edges(due, zone, quiet.start) if edge <= due)
    before = max((edge for edge in closings if not quiet.forbids_at(edge, zone)), default=None)
    return before if before is not None and before >= now else None


@dataclass(frozen=True, slots=True)
class _Frame:
    """What holds for all steps of one visit."""

    start: datetime
    now: datetime
    venue: tzinfo
    recipient: tzinfo
    quiet: QuietHours | None


def _contacts(number: int, step: Step, frame: _Frame) -> list[Planned]:
    """The first channel at the step's time, each further one so much later than the one before really goes out (never
    moved back, else both would come at once). When the time of the first has passed the whole step has; a further one
    for which there is no time is not stored, so that it may still follow at once when the first fails."""
    due = step.offset.after(frame.start, frame.venue)
    planned = [_planned(number, step.channels[0], due, step, frame, frame.now)]
    if step.fallback_after is None:
        return planned
    wait = abs(step.fallback_after).approximate
    for channel in step.channels[1:]:
        due = planned[-1].due_at + wait
        if planned[0].reason is Reason.BOOKED_TOO_LATE:
            planned.append(replace(planned[0], channel=channel, due_at=due))
        elif (contact := _planned(number, channel, due, step, frame, due)).state is State.PLANNED:
            planned.append(contact)
    return planned


def _planned(
    number: int, channel: Channel, due: datetime, step: Step, frame: _Frame, earliest: datetime
) -> Planned:  # fmt: skip
    deadline = step.deadline(frame.start, frame.venue)
    if step.not_after is None:  # a fallback has a shorter lead than its step
        deadline = max(deadline, due + (frame.start - due) / 2)
    if due < frame.now:
        return Planned(number, channel, due, deadline, State.SUPPRESSED, Reason.BOOKED_TOO_LATE)
    if due >= frame.start or due > deadline:
        return Planned(number, channel, due, deadline, State.SUPPRESSED, Reason.TOO_LATE)
    latest = min(deadline, frame.start - _MINUTE)
    allowed = into_allowed_hours(due, latest, earliest, frame.recipient, frame.quiet)
    if allowed is None:
        return Planned(number, channel, due, deadline, State.SUPPRESSED, Reason.NO_ALLOWED_TIME)
    reason = Reason.DUE if allowed == due else Reason.SHIFTED
    grace = min(_GRACE, (frame.start - allowed) / 2)
    return Planned(number, channel, allowed, max(deadline, allowed + grace), State.PLANNED, reason)


def _edges(moment: datetime, zone: tzinfo, minutes: int) -> list[datetime]:
    """The times around ``moment`` at which the wall clock of ``zone`` shows ``minutes`` after midnight; on the days the
    clocks change both readings."""
    day = moment.astimezone(zone).date()
    clock = time(minutes % _MIDNIGHT_MINUTES // 60, minutes % 60)
    walls = (datetime.combine(day + timedelta(days=days), clock, zone) for days in (-1, 0, 1))
    return [wall.replace(fold=fold).astimezone(UTC) for wall in walls for fold in (0, 1)]
